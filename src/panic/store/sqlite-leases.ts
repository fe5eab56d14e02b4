/** Stores the leases of partitions in SQLite. Source of the layout: migrations/meta. */

import type { Database } from 'better-sqlite3';
import type { Fence, Lease, PartitionLease, WorkerId } from '../operations/index.ts';

type Row = {
  readonly epoch: number;
  readonly owner: string | null;
  readonly owner_epoch: number | null;
  readonly expires_at: number;
};

export class SqliteLeases implements PartitionLease {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  async acquire(partitionId: string, owner: WorkerId, ttlMs: number): Promise<Lease | null> {
    return this.#db.transaction((): Lease | null => {
      const row = rowOf(this.#db, partitionId);
      if (row !== undefined && !this.#isFree(row, owner)) return null;
      const lease = { partitionId, owner, epoch: (row?.epoch ?? 0) + 1, expiresAt: this.#now() + ttlMs };
      this.#db
        .prepare('INSERT OR REPLACE INTO partition_lease VALUES (?, ?, ?, ?, ?)')
        .run(partitionId, lease.epoch, owner.id, owner.epoch, lease.expiresAt);
      return lease;
    })();
  }

  async renew(lease: Lease, ttlMs: number): Promise<Lease | null> {
    const expiresAt = this.#now() + ttlMs;
    const { changes } = this.#db
      .prepare(
        'UPDATE partition_lease SET expires_at = ? WHERE partition_id = ? AND epoch = ? AND owner IS NOT NULL',
      )
      .run(expiresAt, lease.partitionId, lease.epoch);
    return changes > 0 ? { ...lease, expiresAt } : null;
  }

  async release({ partitionId, epoch }: Lease): Promise<void> {
    this.#db
      .prepare(
        'UPDATE partition_lease SET owner = NULL, owner_epoch = NULL WHERE partition_id = ? AND epoch = ?',
      )
      .run(partitionId, epoch);
  }

  async forget({ partitionId, epoch }: Lease): Promise<void> {
    this.#db
      .prepare('DELETE FROM partition_lease WHERE partition_id = ? AND epoch = ?')
      .run(partitionId, epoch);
  }

  async get(partitionId: string): Promise<Lease | null> {
    const row = rowOf(this.#db, partitionId);
    if (row === undefined || row.owner === null || row.expires_at <= this.#now()) return null;
    return {
      partitionId,
      owner: { id: row.owner, epoch: row.owner_epoch ?? 0 },
      epoch: row.epoch,
      expiresAt: row.expires_at,
    };
  }

  #isFree(row: Row, owner: WorkerId): boolean {
    if (row.owner === null || row.expires_at <= this.#now()) return true;
    return row.owner === owner.id && (row.owner_epoch ?? 0) <= owner.epoch;
  }
}

/** Whether a commit on behalf of a partition may be made. Called within the commit's transaction. */
export function holds(db: Database, fence: Fence | undefined): boolean {
  return fence === undefined || rowOf(db, fence.partitionId)?.epoch === fence.epoch;
}

function rowOf(db: Database, partitionId: string): Row | undefined {
  return db
    .prepare<[string], Row>(
      'SELECT epoch, owner, owner_epoch, expires_at FROM partition_lease WHERE partition_id = ?',
    )
    .get(partitionId);
}
