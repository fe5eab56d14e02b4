/**
 * The seam of metadata: the fleet, its images, what is being done and what crashes left. SQLite is the embedded
 * implementation; a second one must pass the same contract tests. Vmcores themselves are in src/vmcore/store.
 */

import type { ManifestId } from '../../vmcore/store/index.ts';
import type { Capture, Operation, OperationState, PartitionRequest } from '../contract/index.ts';

/** One page of a list, newest first. `next` is the cursor of the page after it; absent on the last page. */
export type Page<T> = { readonly items: readonly T[]; readonly next?: string };

export type ListQuery = {
  /** At most so many items, 1 or more. */
  readonly limit: number;
  /** The `next` of an earlier page. */
  readonly cursor?: string;
  readonly partitionId?: string;
};

export type OperationQuery = ListQuery & { readonly state?: OperationState };
export type CaptureQuery = ListQuery & { readonly outcome?: Capture['outcome']; readonly signature?: string };

/** A partition as it is kept over restarts: what was asked for, under the name that it got. */
export type PartitionRecord = {
  readonly id: string;
  readonly name: string;
  readonly request: PartitionRequest;
};

/** An image as it is kept: `record` is whoever imports images' own, as JSON. */
export type ImageRecord = {
  readonly name: string;
  readonly state: 'importing' | 'ready' | 'failed';
  readonly record: Readonly<Record<string, unknown>>;
};

/** What a crash left beside its vmcore. `trace` is the trace's JSON text, `console` raw bytes. */
export type CaptureParts = {
  readonly manifestId?: ManifestId;
  readonly trace?: string;
  readonly console?: Uint8Array;
};

/** When a schedule fired, or should have. Times are ISO 8601 in UTC with milliseconds. */
export type ScheduleFiring = {
  readonly scheduleId: string;
  readonly fireTime: string;
  /** `missed`: nothing ran for it, because the service was down or the run before it had not ended. */
  readonly state: 'running' | 'succeeded' | 'failed' | 'missed';
  readonly endedAt?: string;
  readonly error?: string;
};

/**
 * Every method that looks something up by id gives null where there is none. A cursor that no page gave is refused
 * with `invalid`, and a name or id that is taken with `conflict` ({@link Refusal}).
 */
export interface MetadataStore {
  /** Adds or replaces. */
  putImage(image: ImageRecord): Promise<void>;
  getImage(name: string): Promise<ImageRecord | null>;
  /** By name. */
  listImages(): Promise<readonly ImageRecord[]>;
  /** @returns whether there was one. */
  deleteImage(name: string): Promise<boolean>;

  createPartition(partition: PartitionRecord): Promise<void>;
  getPartition(id: string): Promise<PartitionRecord | null>;
  /** In order of creation. */
  listPartitions(): Promise<readonly PartitionRecord[]>;
  deletePartition(id: string): Promise<boolean>;

  /**
   * Adds an operation. Where an earlier one was added with the same key, that one is given back and nothing is added:
   * a repeated request is answered by the first one's operation.
   */
  createOperation(operation: Operation, idempotencyKey?: string): Promise<Operation>;
  /** The operation that was added with this key. */
  findOperation(idempotencyKey: string): Promise<Operation | null>;
  /** Replaces an operation. @returns false where there is none, or it had ended: an ended operation never changes. */
  updateOperation(operation: Operation): Promise<boolean>;
  getOperation(id: string): Promise<Operation | null>;
  listOperations(query: OperationQuery): Promise<Page<Operation>>;
  /** Fails every operation that has not ended: nothing runs any more after a restart. @returns them as they are now. */
  failUnfinished(error: NonNullable<Operation['error']>, now: string): Promise<readonly Operation[]>;

  /** Adds the trace (its JSON text) of an operation that is there. Old ones of others are forgotten. */
  putOperationTrace(operationId: string, trace: string): Promise<void>;
  getOperationTrace(operationId: string): Promise<string | null>;

  /** Adds a capture with all its parts, or nothing. */
  createCapture(capture: Capture, parts: CaptureParts): Promise<void>;
  getCapture(id: string): Promise<Capture | null>;
  listCaptures(query: CaptureQuery): Promise<Page<Capture>>;
  /** The capture's vmcore, or null where it left none. */
  getManifestId(captureId: string): Promise<ManifestId | null>;
  /** Of every capture: what {@link VmcoreStore.retain} is to keep. */
  manifestIds(): Promise<ReadonlySet<ManifestId>>;
  getTrace(captureId: string): Promise<string | null>;
  getConsole(captureId: string): Promise<Uint8Array | null>;
  /** Forgets a capture and its parts; its vmcore is the caller's to delete. @returns whether there was one. */
  deleteCapture(id: string): Promise<boolean>;

  /** Writes a firing down. Schedule and fire time are unique. @returns false where it is written down already. */
  addFiring(firing: ScheduleFiring): Promise<boolean>;
  /** How a running firing ended. @returns false where it does not run. */
  endFiring(firing: ScheduleFiring): Promise<boolean>;
  /** The last firings of a schedule, newest first; old ones are forgotten. */
  lastFirings(scheduleId: string, limit: number): Promise<readonly ScheduleFiring[]>;
  /** Fails every firing that runs: nothing does after a restart. @returns how many. */
  failRunningFirings(error: string, now: string): Promise<number>;

  close(): Promise<void>;
}
