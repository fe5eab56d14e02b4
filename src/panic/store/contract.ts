/**
 * Defines the seam of metadata: partitions, operations, captures, leases, firings of schedules,
 * API keys and the audit log. SQLite is the embedded
 * implementation; a second one must pass the same contract tests (docs/seams.md). The nouns share one back end, because a
 * commit on behalf of a partition checks the partition's lease. Vmcores themselves are in src/vmcore/store.
 *
 * What is read is checked. A record that is not what was written is never given: a method that is asked for it throws
 * StoredDataError `store/corrupt-record`; lists leave it out, and a page names its id.
 */

import type { ManifestId, RecordDamage } from '../../vmcore/store/index.ts';
import type {
  Actor,
  ApiKey,
  AuditEntry,
  AuditQuery,
  Capture,
  CaptureQuery,
  Page,
  PartitionRequest,
} from '../contract/index.ts';
import type { Fence, OperationQueue, PartitionLease, WorkerId } from '../operations/index.ts';

/** The record of a partition that survives restarts of the service: the request, with the id and name that were assigned. */
export type PartitionRecord = {
  readonly id: string;
  readonly name: string;
  readonly request: PartitionRequest;
  /** Absent: the daemon itself, or an earlier release, which did not keep it. */
  readonly createdBy?: Actor;
};

export interface PartitionStore {
  /** @throws Refusal `conflict` where the id or the name is taken */
  create(partition: PartitionRecord): Promise<void>;
  /** In order of creation. */
  list(): Promise<readonly PartitionRecord[]>;
  /** @returns whether there was one. */
  delete(id: string): Promise<boolean>;
}

/** What a crash left beside its vmcore. `trace` is the trace's JSON text, `console` raw bytes. */
export type CaptureParts = {
  readonly manifestId?: ManifestId;
  readonly trace?: string;
  readonly console?: Uint8Array;
};

/** Methods that look something up by id give null where there is none. */
export interface CaptureStore {
  /**
   * Adds a capture with all its parts, or nothing.
   * @throws Refusal `conflict` where the id is taken, another capture has the vmcore, or the fence does not hold
   */
  create(capture: Capture, parts: CaptureParts, fence?: Fence): Promise<void>;
  get(id: string): Promise<Capture | null>;
  /** @throws Refusal `invalid` for a cursor that no page gave */
  list(query: CaptureQuery): Promise<Page<Capture>>;
  /** How many captures there are, by outcome. */
  tally(): Promise<Readonly<Record<string, number>>>;
  /** How many captures a partition has. */
  count(partitionId: string): Promise<number>;
  /** The capture's vmcore, or null where it left none. */
  manifestId(id: string): Promise<ManifestId | null>;
  /**
   * Of every capture: what {@link VmcoreStore.retain} is to keep.
   * @throws StoredDataError where a capture is damaged or may be missing: then it is not known what to keep
   */
  manifestIds(): Promise<ReadonlySet<ManifestId>>;
  /** The captures that have one of these vmcores; damaged ones are left out. */
  holders(
    manifests: readonly ManifestId[],
  ): Promise<readonly { readonly id: string; readonly manifestId: ManifestId }[]>;
  trace(id: string): Promise<string | null>;
  console(id: string): Promise<Uint8Array | null>;
  /** Forgets a capture and its parts; its vmcore is the caller's to delete. @returns whether there was one. */
  delete(id: string): Promise<boolean>;
}

/** When a schedule fired, or should have. Times are ISO 8601 in UTC with milliseconds. */
export type ScheduleFiring = {
  readonly scheduleId: string;
  readonly fireTime: string;
  /** `missed`: nothing ran for it, because the service was down or the run before it had not ended. */
  readonly state: 'running' | 'succeeded' | 'failed' | 'missed';
  readonly endedAt?: string;
  readonly error?: string;
};

export interface FiringStore {
  /** Adds a firing; `worker` runs it. Schedule and fire time are unique. @returns false where it is there already. */
  add(firing: ScheduleFiring, worker?: WorkerId): Promise<boolean>;
  /** How a running firing ended. @returns false where it does not run. */
  end(firing: ScheduleFiring): Promise<boolean>;
  /** The last firings of a schedule, newest first; old ones are forgotten. */
  last(scheduleId: string, limit: number): Promise<readonly ScheduleFiring[]>;
  /** Fails every firing that an earlier incarnation of this worker ran. @returns how many. */
  failOrphans(worker: WorkerId, error: string): Promise<number>;
}

/** Starts of partitions that no orderly end has followed: what a process that dies leaves behind. */
export interface StartStore {
  /** A partition is being powered on. */
  began(partitionId: string): Promise<void>;
  /** It was powered off in order: its starts are forgotten. */
  ended(partitionId: string): Promise<void>;
  /** Milliseconds since each of its last two starts that no orderly end has followed, the newest first. */
  unfinished(partitionId: string): Promise<readonly number[]>;
}

/** A key with the SHA-256 of its secret. */
export type StoredKey = { readonly key: ApiKey; readonly hash: Uint8Array };

export interface KeyStore {
  /** @throws Refusal `conflict` where the id is taken, or the name by a key that is not revoked */
  create(stored: StoredKey): Promise<void>;
  find(id: string): Promise<StoredKey | null>;
  /** In order of creation, revoked ones too. */
  list(): Promise<readonly ApiKey[]>;
  /** Sets `revokedAt`; the first time stays. @returns null where there is no such key */
  revoke(id: string, at: string): Promise<ApiKey | null>;
  /** Sets `lastUsedAt`. */
  used(id: string, at: string): Promise<void>;
}

/**
 * How much of the audit log is kept. What was not done is counted apart: a flood of it must not displace what was done. Beyond
 * a limit those go of whom, and of what, there is most: a key that does one thing all day displaces nothing else.
 */
export type AuditLimits = {
  readonly done: number;
  /** Refused or failed. */
  readonly notDone: number;
  /** ISO 8601: entries from before are forgotten. */
  readonly since: string;
};

export interface AuditStore {
  add(entry: AuditEntry): Promise<void>;
  /** Newest first. @throws Refusal `invalid` for a cursor that no page gave */
  list(query: AuditQuery): Promise<Page<AuditEntry>>;
  /** Forgets what is beyond the limits. @returns how many */
  prune(limits: AuditLimits): Promise<number>;
}

export interface MetadataStore {
  readonly partitions: PartitionStore;
  readonly starts: StartStore;
  readonly leases: PartitionLease;
  readonly operations: OperationQueue;
  readonly captures: CaptureStore;
  readonly firings: FiringStore;
  readonly keys: KeyStore;
  readonly audit: AuditStore;
  /** The records that were found damaged since the store was opened. */
  damaged(): Promise<readonly RecordDamage[]>;
  close(): Promise<void>;
}
