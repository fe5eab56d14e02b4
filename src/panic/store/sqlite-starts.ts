/**
 * Stores the starts of partitions in SQLite. Source of the layout: migrations/meta. Rows have no digest: a wrong time starts a
 * partition, or leaves one to be started by hand.
 */

import type { Database } from 'better-sqlite3';
import type { StartStore } from './contract.ts';
import { inTransaction, type Tables } from './rows.ts';

/** So many starts of a partition are kept. */
const KEPT = 2;

export class SqliteStarts implements StartStore {
  readonly #db: Database;
  readonly #now: () => number;

  constructor({ db, now }: Tables) {
    this.#db = db;
    this.#now = now;
  }

  async began(partitionId: string): Promise<void> {
    inTransaction(this.#db, () => {
      this.#db
        .prepare('INSERT INTO partition_start (partition_id, started_at) VALUES (?, ?)')
        .run(partitionId, this.#now());
      this.#db
        .prepare(
          'DELETE FROM partition_start WHERE partition_id = ? AND seq <= (SELECT seq FROM partition_start WHERE partition_id = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)',
        )
        .run(partitionId, partitionId, KEPT);
    });
  }

  async ended(partitionId: string): Promise<void> {
    this.#db.prepare('DELETE FROM partition_start WHERE partition_id = ?').run(partitionId);
  }

  async unfinished(partitionId: string): Promise<readonly number[]> {
    const now = this.#now();
    return this.#db
      .prepare<[string], number>(
        'SELECT started_at FROM partition_start WHERE partition_id = ? ORDER BY seq DESC',
      )
      .pluck()
      .all(partitionId)
      .map((at) => now - at);
  }
}
