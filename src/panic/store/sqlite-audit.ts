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
    return inTransaction(db, () => {
      const old = db.prepare('DELETE FROM audit WHERE at < ?').run(since).changes;
      return old + this.#keep("outcome = 'done'", done) + this.#keep("outcome <> 'done'", notDone);
    });
  }

  #keep(which: string, limit: number): number {
    const { db } = this.#tables;
    const total = db.prepare<[], number>(`SELECT count(*) FROM audit WHERE ${which}`).pluck().get() ?? 0;
    if (total <= limit) return 0;
    // `+`: by the table. By the index of outcomes each row would be looked up.
    const groups = db
      .prepare<[], Group>(
        `SELECT key_id, action, count(*) AS count FROM audit WHERE +${which} GROUP BY key_id, action`,
      )
      .all();
    const share = shareOf(
      groups.map(({ count }) => count),
      limit,
    );
    const removeOldest = db.prepare(
      `DELETE FROM audit WHERE seq IN (
         SELECT seq FROM audit WHERE key_id IS ? AND action = ? AND +${which} ORDER BY seq LIMIT ?)`,
    );
    return groups
      .filter(({ count }) => count > share)
      .reduce((sum, each) => sum + removeOldest.run(each.key_id, each.action, each.count - share).changes, 0);
  }
}

/** What one key did of one kind. */
type Group = { readonly key_id: string | null; readonly action: string; readonly count: number };

/** The most that each group may keep so that all together keep no more than `limit`: small groups leave room to large ones. */
function shareOf(counts: readonly number[], limit: number): number {
  let left = limit;
  for (const [i, count] of [...counts].sort((a, b) => a - b).entries()) {
    const share = Math.floor(left / (counts.length - i));
    if (count > share) return share;
    left -= count;
  }
  return limit;
}
