/** Follows a claimed operation while it runs: stores its phases, sends heartbeats, and aborts it where it must end early. */

import type { Actor, Operation } from '../contract/index.ts';
import { abortAfter, cancelled, earlyEnd, interrupted } from './early-end.ts';
import type { OperationFailure } from './operation-failure.ts';
import type { Beat, Claim, OperationQueue } from './queue.ts';

export type RunOptions = {
  readonly queue: Pick<OperationQueue, 'heartbeat' | 'complete'>;
  readonly claim: Claim;
  readonly leaseMs: number;
  readonly publish: (operation: Operation) => Promise<void>;
  readonly onError: (error: Error) => void;
};

export class Run {
  readonly #options: RunOptions;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** Commits follow one another. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: RunOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.claim.operation.id;
  }

  get requestedBy(): Actor | undefined {
    return this.#options.claim.operation.requestedBy;
  }

  /**
   * Aborted when the operation is to end early: cancelled, out of host time, lost to another worker, or the service goes
   * down. The first reason stays.
   */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why the operation is to end early; undefined while it may continue. */
  early(): OperationFailure | undefined {
    return earlyEnd(this.#abort.signal);
  }

  /** From now on the operation may take so much host time. */
  limit(hostSeconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = abortAfter(this.#abort, hostSeconds);
  }

  /** Stores and publishes how far the operation is. Returns at once. */
  report(phase: string): void {
    this.#write(async () => {
      if ((await this.#beat(phase)) !== 'lost')
        await this.#options.publish({ ...this.#options.claim.operation, phase });
    });
  }

  beat(): Promise<void> {
    this.#write(async () => {
      await this.#beat();
    });
    return this.#writing;
  }

  /** The work is done: waits until everything reported is stored. */
  settle(): Promise<void> {
    clearTimeout(this.#timer);
    return this.#writing;
  }

  cancel(): void {
    this.#abort.abort(cancelled());
  }

  /** Asks the operation to end because it cannot be continued here. */
  interrupt(): void {
    this.#abort.abort(interrupted());
  }

  /** The operation does not end in time: records that it was interrupted. Its claim is lost by that. */
  async abandon(): Promise<void> {
    const { queue, claim, publish } = this.#options;
    const { code, message } = interrupted();
    const ended = await queue.complete(claim, { state: 'failed', error: { code, message } });
    if (ended !== null) await publish(ended);
  }

  async #beat(phase?: string): Promise<Beat> {
    const { queue, claim, leaseMs } = this.#options;
    const beat = await queue.heartbeat(claim, leaseMs, phase);
    if (beat === 'cancelling') this.cancel();
    if (beat === 'lost') this.interrupt();
    return beat;
  }

  #write(work: () => Promise<void>): void {
    this.#writing = this.#writing.then(work).catch(this.#options.onError);
  }
}
