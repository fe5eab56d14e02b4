/**
 * Runs operations from request to end: submits them to the queue, claims them when their turn comes, has the host of their kind
 * run them, and completes them. One service is one worker of the queue; it sends heartbeats for the operations that it runs, and
 * deals with those that dead workers left.
 */

import { defined } from '../../base/defined.ts';
import { assert } from '../../base/errors.ts';
import { settlesWithin } from '../../base/settles-within.ts';
import type {
  Actor,
  Operation,
  OperationKind,
  OperationQuery,
  OperationRequest,
  Operations,
  Page,
} from '../contract/index.ts';
import { Refusal, waitsFor } from '../contract/index.ts';
import { interrupted } from './early-end.ts';
import type { EventBus } from './event-bus.ts';
import type { Fence, WorkerId } from './lease.ts';
import { failureOf } from './operation-failure.ts';
import type { Claim, OperationEnd, OperationError, OperationQueue } from './queue.ts';
import { Run } from './run.ts';
import { requireSameRequest } from './same-request.ts';
import { UnstoredEnds } from './unstored-ends.ts';

/** The result of an operation. */
export type OperationResult = Omit<OperationEnd, 'state'>;

/** A request that was checked and for which all that it needs is reserved. */
export type Accepted = {
  /** What the operation's commits are checked against. */
  readonly fence?: Fence;
  /** Calls `work` when the operation's turn has come. */
  readonly turn: (work: () => Promise<void>) => Promise<void>;
  /** The operation will not run: undoes what accepting did. */
  readonly drop: () => Promise<void> | void;
};

/** Who does operations of some kinds. */
export interface OperationHost {
  readonly kinds: readonly OperationKind[];
  /** Checks a request and takes what it needs at once, so that a second request meets the new state. @throws Refusal */
  accept(request: OperationRequest): Promise<Accepted>;
  /** Host seconds that an operation may take: what its request says, or the host's own limit. */
  hostSeconds(request: OperationRequest): number;
  /**
   * Does the operation, and ends it soon once `run.signal` is aborted. What it throws is the operation's error. What it
   * returns is kept, also of an operation that was cancelled: then an `error` only says that it was not done.
   */
  run(request: OperationRequest, run: Run): Promise<OperationResult>;
}

export type OperationServiceOptions = {
  readonly queue: OperationQueue;
  readonly bus: EventBus;
  readonly worker: WorkerId;
  readonly newId: (prefix: string) => string;
  readonly now?: () => Date;
  /** Called with failures that belong to no operation. */
  readonly onError: (error: Error) => void;
  /** How long the worker may be silent; it heartbeats four times as often. Default 1 minute. */
  readonly leaseMs?: number;
};

const LEASE_MS = 60_000;
/** Operations are made as fast as clients ask, and are some kilobytes each. */
const KEPT = 10_000;
const FORGET_EVERY = 500;
const INTERRUPTED = { code: 'interrupted', message: 'its worker stopped before it was done' } as const;

export class OperationService implements Operations {
  readonly #options: OperationServiceOptions;
  readonly #leaseMs: number;
  readonly #hosts = new Map<OperationKind, OperationHost>();
  /** By idempotency key: requests that are being submitted now. */
  readonly #submitting = new Map<
    string,
    { readonly request: OperationRequest; readonly submitted: Promise<Operation> }
  >();
  /** By operation id. */
  readonly #runs = new Map<string, Run>();
  /** Operations that wait for their turn, or run. */
  readonly #turns = new Set<Promise<void>>();
  readonly #unstored = new UnstoredEnds();
  #timer: NodeJS.Timeout | undefined;
  #sinceForgotten = 0;
  #closing = false;

  constructor(options: OperationServiceOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
  }

  /** Has `host` do operations of its kinds. */
  serve(host: OperationHost): void {
    for (const kind of host.kinds) this.#hosts.set(kind, host);
  }

  /** Heartbeats from now on, and does what is queued for any worker. */
  start(): void {
    this.#timer = setInterval(() => this.#watch(this.beat()), this.#leaseMs / 4);
    this.#timer.unref();
    this.#watch(this.#takeFree());
    this.#watch(this.#forget());
  }

  async submit(
    request: OperationRequest,
    idempotencyKey?: string,
    requestedBy?: Actor,
    admit: () => Promise<void> = async () => undefined,
  ): Promise<Operation> {
    if (idempotencyKey === undefined) {
      await admit();
      return withWait(await this.#submit(request, requestedBy));
    }
    const whose = requestedBy?.kind === 'key' ? `${requestedBy.id} ` : '';
    const key = `${request.kind} ${'partitionId' in request ? request.partitionId : '-'} ${whose}${idempotencyKey}`;
    const earlier = this.#submitting.get(key);
    if (earlier !== undefined) {
      requireSameRequest(earlier.request, request);
      return this.get((await earlier.submitted).id);
    }
    const submitted = this.#submitOnce(request, requestedBy, key, admit).finally(() =>
      this.#submitting.delete(key),
    );
    this.#submitting.set(key, { request, submitted });
    return withWait(await submitted);
  }

  async get(id: string): Promise<Operation> {
    return withWait(this.#unstored.get(id) ?? (await this.#options.queue.get(id)) ?? notFound(id));
  }

  async list(query: OperationQuery): Promise<Page<Operation>> {
    const page = await this.#options.queue.list(query);
    return { ...page, items: page.items.map((operation) => withWait(this.#unstored.shown(operation))) };
  }

  async trace(id: string): Promise<string | null> {
    await this.get(id);
    return this.#options.queue.trace(id);
  }

  async cancel(id: string): Promise<Operation> {
    const ended = this.#unstored.get(id);
    if (ended !== undefined) throw new Refusal('conflict', `Operation ${id} is ${ended.state}.`);
    const operation = await this.#options.queue.cancel(id);
    if (operation.state === 'cancelled') await this.#publish(operation);
    else this.#runs.get(id)?.cancel();
    return withWait(operation);
  }

  /** Heartbeats for what runs, then deals with what other workers left. */
  async beat(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.beat()));
    // First: an operation whose end waits to be stored is not one that a dead worker left.
    if ((await this.retryEnds()) > 0) return;
    for (const operation of await this.#options.queue.expire(INTERRUPTED)) await this.#publish(operation);
    await this.#takeFree();
  }

  /** Stores the ends that could not be stored. @returns how many still wait. @throws the store's error */
  retryEnds(): Promise<number> {
    return this.#unstored.retry();
  }

  /** Begins no operation any more, and asks those that run to end: they fail as interrupted. */
  stop(): void {
    this.#closing = true;
    clearInterval(this.#timer);
    for (const run of this.#runs.values()) run.interrupt();
  }

  /**
   * Waits until nothing runs. Follow {@link stop} by it.
   * @param withinMs what still runs then is recorded as interrupted, and what it commits later is lost; default: no limit
   */
  async close(withinMs?: number): Promise<void> {
    this.stop();
    const idle = this.#idle();
    if (withinMs === undefined) await idle;
    else if (!(await settlesWithin(idle, withinMs)))
      await Promise.all([...this.#runs.values()].map((run) => run.abandon().catch(this.#options.onError)));
  }

  async #idle(): Promise<void> {
    while (this.#turns.size > 0) await Promise.all(this.#turns);
    // The next start fails what is not stored now as interrupted.
    await this.retryEnds().catch(this.#options.onError);
  }

  async #submitOnce(
    request: OperationRequest,
    requestedBy: Actor | undefined,
    key: string,
    admit: () => Promise<void>,
  ): Promise<Operation> {
    const earlier = await this.#options.queue.find(key, request);
    if (earlier !== null) return this.#unstored.shown(earlier);
    await admit();
    return await this.#submit(request, requestedBy, key);
  }

  async #submit(request: OperationRequest, requestedBy?: Actor, key?: string): Promise<Operation> {
    const { queue, worker } = this.#options;
    const host = this.#hosts.get(request.kind);
    assert(host !== undefined, `nothing does operations of kind ${request.kind}`);
    const accepted = await host.accept(request);
    const operation = this.#newOperation(request, requestedBy);
    let stored: Operation;
    try {
      stored = await queue.submit({ operation, request, worker, ...defined({ key }) });
    } catch (error) {
      await accepted.drop();
      this.#options.onError(asError(error));
      throw error;
    }
    if (stored.id !== operation.id) {
      // Another process has submitted the same meanwhile.
      await accepted.drop();
      return this.#unstored.shown(stored);
    }
    this.#sinceForgotten += 1;
    if (this.#sinceForgotten >= FORGET_EVERY) this.#watch(this.#forget());
    await this.#publish(stored);
    this.#watch(accepted.turn(() => this.#take(host, accepted, stored)));
    return stored;
  }

  async #forget(): Promise<void> {
    this.#sinceForgotten = 0;
    await this.#options.queue.forget(KEPT);
  }

  #newOperation(request: OperationRequest, requestedBy: Actor | undefined): Operation {
    const at = this.#now();
    return {
      id: this.#options.newId('o'),
      kind: request.kind,
      state: 'queued',
      phase: 'queued',
      ...('partitionId' in request ? { partitionId: request.partitionId } : {}),
      createdAt: at,
      updatedAt: at,
      ...defined({ requestedBy }),
    };
  }

  async #take(host: OperationHost, accepted: Accepted, operation: Operation): Promise<void> {
    const claim = await this.#claim(operation, accepted).catch(async (error: unknown) => {
      await accepted.drop();
      await this.#failUnclaimed(operation, accepted, error);
      throw error;
    });
    if (claim === null) await accepted.drop();
    else await this.#run(host, claim);
  }

  #claim({ id }: Operation, { fence }: Accepted): Promise<Claim | null> {
    const { queue, worker } = this.#options;
    return queue.claim(worker, { id }, { leaseMs: this.#leaseMs, ...defined({ fence }) });
  }

  /** An operation that the store could not give to this worker has failed: it is claimed when its end can be stored. */
  async #failUnclaimed(operation: Operation, accepted: Accepted, reason: unknown): Promise<void> {
    const error = failureOf(reason, this.#closing ? interrupted() : undefined);
    let claim: Claim | null = null;
    await this.#keepEnd(operation, { state: 'failed', error }, async () => {
      claim ??= await this.#claim(operation, accepted);
      return claim === null ? null : this.#options.queue.complete(claim, { state: 'failed', error });
    });
  }

  /** Runs what other workers have left for any. */
  async #takeFree(): Promise<void> {
    const { queue, worker } = this.#options;
    const kinds = [...this.#hosts.keys()];
    while (!this.#closing) {
      const claim = await queue.claim(worker, { kinds }, { leaseMs: this.#leaseMs });
      if (claim === null) return;
      const host = this.#hosts.get(claim.operation.kind);
      assert(host !== undefined, 'a claim is of the kinds that were wanted');
      this.#watch(this.#run(host, claim));
    }
  }

  async #run(host: OperationHost, claim: Claim): Promise<void> {
    const { queue, onError } = this.#options;
    const run = new Run({
      queue,
      claim,
      leaseMs: this.#leaseMs,
      publish: (operation) => this.#publish(operation),
      onError,
    });
    this.#runs.set(run.id, run);
    try {
      await this.#publish(claim.operation);
      const end = await this.#endOf(host, claim, run);
      await run.settle();
      await this.#complete(claim, end);
    } finally {
      this.#runs.delete(run.id);
    }
  }

  /** Stores an end; one that cannot be stored is kept here, shown, and stored later. */
  async #complete(claim: Claim, end: OperationEnd): Promise<void> {
    const { queue, onError } = this.#options;
    let ended: Operation | null;
    try {
      ended = await queue.complete(claim, end);
    } catch (error) {
      onError(asError(error));
      const { trace, ...rest } = end;
      // The trace may be what is too large for what room is left.
      const kept: OperationEnd =
        trace === undefined ? rest : { ...rest, state: 'failed', error: rest.error ?? unstored(error) };
      await this.#keepEnd(claim.operation, kept, () => queue.complete(claim, kept));
      return;
    }
    if (ended !== null) await this.#publish(ended);
  }

  /** Shows an end that is not stored, and tries at once to store it: a reserve may have been given up for it. */
  async #keepEnd(
    operation: Operation,
    end: OperationEnd,
    store: () => Promise<Operation | null>,
  ): Promise<void> {
    const ended: Operation = { ...operation, ...end, updatedAt: this.#now() };
    this.#unstored.add(ended, store);
    await this.#publish(ended);
    await this.retryEnds().catch((error: unknown) => this.#options.onError(asError(error)));
  }

  #now(): string {
    return (this.#options.now?.() ?? new Date()).toISOString();
  }

  async #endOf(host: OperationHost, { request }: Claim, run: Run): Promise<OperationEnd> {
    try {
      const before = this.#closing ? interrupted() : run.early();
      if (before !== undefined) throw before;
      run.limit(host.hostSeconds(request));
      const { error, ...result } = await host.run(request, run);
      if (error === undefined) return { ...result, state: 'succeeded' };
      return run.early()?.code === 'cancelled'
        ? { ...result, state: 'cancelled' }
        : { ...result, state: 'failed', error };
    } catch (error) {
      if (run.early()?.code === 'cancelled') return { state: 'cancelled' };
      return { state: 'failed', error: failureOf(error, this.#closing ? interrupted() : run.early()) };
    }
  }

  /** Lets work run on its own; its failure is reported. */
  #watch(work: Promise<void>): void {
    const turn = work
      .catch((error: unknown) => this.#options.onError(asError(error)))
      .finally(() => this.#turns.delete(turn));
    this.#turns.add(turn);
  }

  async #publish({ id, state, phase }: Operation): Promise<void> {
    await this.#options.bus.publish({ kind: 'operation', id, state, phase });
  }
}

function withWait(operation: Operation): Operation {
  return { ...operation, ...defined({ waitsFor: waitsFor(operation) }) };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Why a trace is not there. */
function unstored(error: unknown): OperationError {
  const { code, message } = failureOf(error, undefined);
  return {
    code: code === 'machine-failed' ? 'store-failed' : code,
    message: `its trace could not be stored: ${message}`,
  };
}

function notFound(id: string): never {
  throw new Refusal('not-found', `There is no operation ${id}.`);
}
