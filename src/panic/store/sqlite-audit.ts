/** Stores the audit log in SQLite. Source of the layout: migrations/meta. */

import { SealedTable } from '../../vmcore/store/index.ts';
import type { AuditEntry, AuditQuery, Page } from '../contract/index.ts';
import type { AuditLimits, AuditStore } from './contract.ts';
import { pageOf } from './paging.ts';
import { inTransaction, type Tables } from './rows.ts';

type Row = {
  readonly id: string;
  readonly at: string;
  readonly action: string;
  readonly outcome: string;
  readonly key_id: string | null;
  readonly record: string;
};

export class SqliteAudit implements AuditStore {
  readonly #tables: Tables;
  readonly #rows: SealedTable<Row>;

  constructor(tables: Tables) {
    this.#tables = tables;
    this.#rows = new SealedTable({ db: tables.db, name: 'audit', key: 'id', onDamage: tables.damage.add });
  }

  async add(entry: AuditEntry): Promise<void> {
    const { id, at, action, outcome, actor } = entry;
    const key_id = actor.kind === 'key' ? actor.id : null;
    this.#rows.insert({ id, at, action, outcome, key_id, record: JSON.stringify(entry) });
  }

  async list(query: AuditQuery): Promise<Page<AuditEntry>> {
    return pageOf<Row, AuditEntry>(this.#rows, query, {
      action: query.action,
      outcome: query.outcome,
      key_id: query.keyId,
    });
  }

  async prune({ done, notDone, since }: AuditLimits): Promise<number> {
    const { db } = this.#tables;
    const keep = (which: string, count: number): number =>
      db
        .prepare(
          `DELETE FROM audit WHERE ${which} AND seq <=
             (SELECT seq FROM audit WHERE ${which} ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
        )
        .run(count).changes;
    return inTransaction(db, () => {
      const old = db.prepare('DELETE FROM audit WHERE at < ?').run(since).changes;
      return old + keep("outcome = 'done'", done) + keep("outcome <> 'done'", notDone);
    });
  }
}
