/**
 * Defines the seam of leases: which worker runs which partition. A partition's epoch grows with each acquisition and never
 * falls, so that a late commit of an earlier owner is refused ({@link Fence}). Contract tests: docs/seams.md.
 */

/**
 * A process that runs partitions and operations. `id` stays over restarts, `epoch` grows with each of them: the same id
 * with a smaller epoch is an earlier incarnation, which runs no more.
 */
export type WorkerId = { readonly id: string; readonly epoch: number };

export type Lease = {
  readonly partitionId: string;
  readonly owner: WorkerId;
  readonly epoch: number;
  /** Milliseconds since 1970, by the store's clock. */
  readonly expiresAt: number;
};

/** What a commit on behalf of a partition carries: it is refused unless the partition's epoch is still this one. */
export type Fence = Pick<Lease, 'partitionId' | 'epoch'>;

export interface PartitionLease {
  /**
   * Takes a partition that has no holder, whose lease has expired, or that `owner` or an earlier incarnation of it holds.
   * @returns null where another worker holds it
   */
  acquire(partitionId: string, owner: WorkerId, ttlMs: number): Promise<Lease | null>;
  /** Extends a lease, also one that has expired and that no other worker has taken. @returns null where it is lost. */
  renew(lease: Lease, ttlMs: number): Promise<Lease | null>;
  /** Gives a partition up; its epoch stays. A lease that is lost is no error. */
  release(lease: Lease): Promise<void>;
  /** Gives a partition up that is never to come back, and forgets its epoch. A lease that is lost is no error. */
  forget(lease: Lease): Promise<void>;
  /** The lease that is in force, if any. */
  get(partitionId: string): Promise<Lease | null>;
}
