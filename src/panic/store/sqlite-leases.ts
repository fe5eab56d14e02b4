/** Stores the leases of partitions in SQLite. Source of the layout: migrations/meta. */

import { SealedTable } from '../../vmcore/store/index.ts';
import type { Fence, Lease, PartitionLease, WorkerId } from '../operations/index.ts';
import { inTransaction, type Tables } from './rows.ts';

type Row = {
  readonly partition_id: string;
  readonly epoch: number;
  readonly owner: string | null;
  readonly owner_epoch: number | null;
  readonly expires_at: number;
};

export class SqliteLeases implements PartitionLease {
  readonly #tables: Tables;
  readonly #rows: SealedTable<Row>;

  constructor(tables: Tables) {
    this.#tables = tables;
    this.#rows = new SealedTable({
      db: tables.db,
      name: 'partition_lease',
      key: 'partition_id',
      onDamage: tables.damage.add,
    });
  }

  /** Whether a commit on behalf of a partition may be made. Called within the commit's transaction. */
  holds(fence: Fence | undefined): boolean {
    if (fence === undefined) return true;
    const row = this.#rows.find({ partition_id: fence.partitionId });
    return row !== undefined && row !== 'damaged' && row.epoch === fence.epoch;
  }

  async acquire(partitionId: string, owner: WorkerId, ttlMs: number): Promise<Lease | null> {
    const { db, damage, now } = this.#tables;
    return inTransaction(db, (): Lease | null => {
      const row = this.#rows.find({ partition_id: partitionId });
      if (row !== undefined && row !== 'damaged' && !this.#isFree(row, owner)) return null;
      const epoch = row === 'damaged' ? epochAfterDamage(now) : (row?.epoch ?? 0) + 1;
      const expiresAt = now() + ttlMs;
      this.#rows.replace({
        partition_id: partitionId,
        epoch,
        owner: owner.id,
        owner_epoch: owner.epoch,
        expires_at: expiresAt,
      });
      damage.forget('partition_lease', partitionId);
      return { partitionId, owner, epoch, expiresAt };
    });
  }

  async renew(lease: Lease, ttlMs: number): Promise<Lease | null> {
    const expiresAt = this.#tables.now() + ttlMs;
    return inTransaction(this.#tables.db, () => {
      const row = this.#held(lease);
      if (row === undefined || row.owner === null) return null;
      this.#rows.change(row, { expires_at: expiresAt });
      return { ...lease, expiresAt };
    });
  }

  async release(lease: Lease): Promise<void> {
    inTransaction(this.#tables.db, () => {
      const row = this.#held(lease);
      if (row !== undefined) this.#rows.change(row, { owner: null, owner_epoch: null });
    });
  }

  async forget({ partitionId, epoch }: Lease): Promise<void> {
    this.#tables.db
      .prepare('DELETE FROM partition_lease WHERE partition_id = ? AND epoch = ?')
      .run(partitionId, epoch);
  }

  async get(partitionId: string): Promise<Lease | null> {
    const row = this.#rows.one({ partition_id: partitionId });
    if (row === undefined || row.owner === null || row.expires_at <= this.#tables.now()) return null;
    return {
      partitionId,
      owner: { id: row.owner, epoch: row.owner_epoch ?? 0 },
      epoch: row.epoch,
      expiresAt: row.expires_at,
    };
  }

  /** The row of a lease that is not lost. One that is damaged is lost: its epoch says nothing any more. */
  #held({ partitionId, epoch }: Lease): ReturnType<SealedTable<Row>['one']> {
    const row = this.#rows.find({ partition_id: partitionId });
    return row === 'damaged' || row?.epoch !== epoch ? undefined : row;
  }

  #isFree(row: Row, owner: WorkerId): boolean {
    if (row.owner === null || row.expires_at <= this.#tables.now()) return true;
    return row.owner === owner.id && (row.owner_epoch ?? 0) <= owner.epoch;
  }
}

/** An epoch that is greater than every one before, of which the last cannot be read: no count goes as far as the clock. */
export function epochAfterDamage(now: () => number): number {
  return Math.floor(now()) + 1;
}
