/** Packs records, translates the errors of an insert, and remembers which rows were found damaged. */

import { promisify } from 'node:util';
import { gunzip, gzip, type ZlibOptions } from 'node:zlib';
import type { Database } from 'better-sqlite3';
import { guarded, type RecordDamage } from '../../vmcore/store/index.ts';
import { Refusal } from '../contract/index.ts';

/** Consoles are bounded by 8 MiB and traces by the recorder; damaged data must not become more than this. */
const MAX_UNPACKED = 256 * 2 ** 20;
const unpack: (data: Uint8Array, options: ZlibOptions) => Promise<Buffer> = promisify(gunzip);

/** Off the calling thread. */
export const compress: (data: string | Uint8Array) => Promise<Buffer> = promisify(gzip);
export const decompress = (data: Uint8Array): Promise<Buffer> =>
  unpack(data, { maxOutputLength: MAX_UNPACKED });

/** What the tables of a store share. */
export type Tables = {
  readonly db: Database;
  readonly damage: DamageLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** The rows that were found damaged, each reported once. */
export class DamageLog {
  readonly #known = new Map<string, RecordDamage>();
  readonly #report: (damage: RecordDamage) => void;

  constructor(report: (damage: RecordDamage) => void) {
    this.#report = report;
  }

  readonly add = (damage: RecordDamage): void => {
    const key = `${damage.table} ${damage.id}`;
    if (this.#known.has(key)) return;
    this.#known.set(key, damage);
    this.#report(damage);
  };

  /** A row is gone, or was written again. */
  forget(table: string, id: string): void {
    this.#known.delete(`${table} ${id}`);
  }

  list(): readonly RecordDamage[] {
    return [...this.#known.values()];
  }
}

/** Runs `work` in one transaction. */
export function inTransaction<T>(db: Database, work: () => T): T {
  return guarded('metadata.db', () => db.transaction(work)());
}

/** How many rows have which value of a column. */
export function tallyOf(db: Database, table: string, column: string): Readonly<Record<string, number>> {
  const rows = guarded('metadata.db', () =>
    db
      .prepare<[], { value: unknown; count: number }>(
        `SELECT ${column} AS value, count(*) AS count FROM ${table} GROUP BY ${column}`,
      )
      .all(),
  );
  return Object.fromEntries(rows.map(({ value, count }) => [String(value), count]));
}

/** Runs an insert. @throws Refusal `conflict` where a unique value is taken */
export function orConflict(what: string, insert: () => void): void {
  try {
    insert();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'SQLITE_CONSTRAINT_UNIQUE' && code !== 'SQLITE_CONSTRAINT_PRIMARYKEY') throw error;
    throw new Refusal('conflict', `${JSON.stringify(what)} is taken`);
  }
}
