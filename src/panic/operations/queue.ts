/**
 * Defines the seam of operations: persisted requests, each claimed and run by one worker, which shows by heartbeats that it
 * still runs. Several processes may share a queue: operations of a dead worker are found by its lease or by its epoch.
 * Contract tests: docs/seams.md.
 */

import type { Operation, OperationKind, OperationQuery, OperationRequest, Page } from '../contract/index.ts';
import type { Fence, WorkerId } from './lease.ts';

/** What becomes of an operation of this kind, by rule. */
export type OperationRule = {
  /** When its worker's heartbeat stops. `retry`: it is queued again, for any worker, {@link MAXIMUM_ATTEMPTS} times in all. */
  readonly whenLost: 'fail' | 'retry';
  /** Whether it can be cancelled while it runs. */
  readonly cancelWhileRunning: boolean;
};

const OF_A_GUEST: OperationRule = { whenLost: 'fail', cancelWhileRunning: true };

/**
 * A guest is gone with its worker, so nothing that was done to it can be continued; an import leaves nothing half-done. A
 * stop ends by itself within two seconds, and a partition that is half stopped is of no use.
 */
export const OPERATION_RULES: Readonly<Record<OperationKind, OperationRule>> = {
  panic: OF_A_GUEST,
  kexec: OF_A_GUEST,
  restart: OF_A_GUEST,
  start: OF_A_GUEST,
  stop: { whenLost: 'fail', cancelWhileRunning: false },
  reset: OF_A_GUEST,
  import: { whenLost: 'retry', cancelWhileRunning: true },
  verify: { whenLost: 'fail', cancelWhileRunning: true },
  repair: { whenLost: 'fail', cancelWhileRunning: true },
};

export const MAXIMUM_ATTEMPTS = 3;

export type OperationError = NonNullable<Operation['error']>;

export type Submission = {
  /** In state `queued`. */
  readonly operation: Operation;
  /** What a worker is given when it claims the operation. */
  readonly request: OperationRequest;
  readonly key?: string;
  /** The only worker that may claim it; absent: any. */
  readonly worker?: WorkerId;
};

/** Which operation a worker wants: one by id, or the oldest of these kinds that is for any worker. */
export type Wanted = { readonly id: string } | { readonly kinds: readonly OperationKind[] };

export type ClaimOptions = {
  /** How long the worker may be silent. */
  readonly leaseMs: number;
  /** Checked at the claim and at each later commit. */
  readonly fence?: Fence;
};

/** An operation that a worker runs. `attempt` counts claims: an earlier attempt's commits are refused. */
export type Claim = {
  readonly operation: Operation;
  readonly request: OperationRequest;
  readonly worker: WorkerId;
  readonly attempt: number;
  readonly fence?: Fence;
};

/** `cancelling`: a request to cancel it has come. `lost`: another worker has it, or it has ended; this worker's commits are refused. */
export type Beat = 'held' | 'cancelling' | 'lost';

export type OperationEnd = Pick<Operation, 'unsupported' | 'words' | 'made'> & {
  readonly state: 'succeeded' | 'failed' | 'cancelled';
  /** Absent: the last one reported. */
  readonly phase?: string;
  readonly captureId?: string;
  readonly error?: OperationError;
  /** The JSON text of a trace, stored with the end; traces of old operations are forgotten. */
  readonly trace?: string;
};

/**
 * Methods that look something up by id give null where there is none. A cursor that no page gave is refused with
 * `invalid`, an id that is taken with `conflict` ({@link Refusal}). An operation that has ended never changes.
 */
export interface OperationQueue {
  /** Begins a new incarnation of a worker: its epoch is greater than that of all before. */
  enlist(id: string): Promise<WorkerId>;
  /** Fails all unfinished operations, running or queued, of earlier incarnations of this worker. @returns them as they are now, oldest first. */
  failOrphans(worker: WorkerId, error: OperationError): Promise<readonly Operation[]>;
  /**
   * Adds an operation. @returns it, or the one that was submitted before with the same key; then nothing is added.
   * @throws Refusal `key-reused` where that one was submitted with another request
   */
  submit(submission: Submission): Promise<Operation>;
  /** Makes a queued operation run. Of several workers that want the same one, one gets it. @returns null: there is none. */
  claim(worker: WorkerId, wanted: Wanted, options: ClaimOptions): Promise<Claim | null>;
  /** Shows that the worker is alive, and how far it is. */
  heartbeat(claim: Claim, leaseMs: number, phase?: string): Promise<Beat>;
  /** Ends an operation. @returns it, or null where the claim is lost; then nothing changes. */
  complete(claim: Claim, end: OperationEnd): Promise<Operation | null>;
  /**
   * Cancels a queued operation. A running one is not changed, and its worker's next heartbeat says `cancelling`.
   * @throws Refusal `not-found`; `conflict` where it has ended, or runs and its kind cannot be cancelled then
   */
  cancel(id: string): Promise<Operation>;
  /** Fails, or queues again by rule of its kind, each operation whose worker was silent too long. @returns them as they are now, oldest first. */
  expire(error: OperationError): Promise<readonly Operation[]>;
  /** The operation that was submitted with this key. @throws Refusal `key-reused` where that was with another request */
  find(key: string, request: OperationRequest): Promise<Operation | null>;
  get(id: string): Promise<Operation | null>;
  list(query: OperationQuery): Promise<Page<Operation>>;
  /** Forgets those that have ended and are not among the last `kept`, with their keys and traces. @returns how many */
  forget(kept: number): Promise<number>;
  /** How many operations there are, by state. */
  tally(): Promise<Readonly<Record<string, number>>>;
  trace(id: string): Promise<string | null>;
}
