/** Stores API keys in SQLite. Source of the layout: migrations/meta. */

import { SealedTable } from '../../vmcore/store/index.ts';
import type { ApiKey } from '../contract/index.ts';
import type { KeyStore, StoredKey } from './contract.ts';
import { inTransaction, orConflict, type Tables } from './rows.ts';

type Row = {
  readonly id: string;
  readonly name: string;
  readonly hash: Uint8Array;
  readonly revoked_at: string | null;
  readonly last_used_at: string | null;
  readonly record: string;
};

export class SqliteKeys implements KeyStore {
  readonly #tables: Tables;
  readonly #rows: SealedTable<Row>;

  constructor(tables: Tables) {
    this.#tables = tables;
    this.#rows = new SealedTable({ db: tables.db, name: 'api_key', key: 'id', onDamage: tables.damage.add });
  }

  async create({ key, hash }: StoredKey): Promise<void> {
    const { id, name } = key;
    const row = { id, name, hash, revoked_at: null, last_used_at: null, record: JSON.stringify(key) };
    orConflict(name, () => this.#rows.insert(row));
  }

  async find(id: string): Promise<StoredKey | null> {
    const row = this.#rows.one({ id });
    return row === undefined ? null : { key: keyOf(row), hash: new Uint8Array(row.hash) };
  }

  async list(): Promise<readonly ApiKey[]> {
    return this.#rows.good('ORDER BY seq').map(keyOf);
  }

  async revoke(id: string, at: string): Promise<ApiKey | null> {
    return inTransaction(this.#tables.db, () => {
      const row = this.#rows.one({ id });
      if (row === undefined) return null;
      return keyOf(row.revoked_at === null ? this.#rows.change(row, { revoked_at: at }) : row);
    });
  }

  async used(id: string, at: string): Promise<void> {
    inTransaction(this.#tables.db, () => {
      const row = this.#rows.one({ id });
      if (row !== undefined) this.#rows.change(row, { last_used_at: at });
    });
  }
}

function keyOf(row: Row): ApiKey {
  return {
    ...(JSON.parse(row.record) as ApiKey),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  };
}
