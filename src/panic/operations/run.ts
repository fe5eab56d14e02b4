/** Follows a claimed operation while it runs: stores its phases, sends heartbeats, and aborts it where it must end early. */

import type { Operation } from '../contract/index.ts';
import type { Beat, Claim, OperationQueue } from './queue.ts';

export type RunOptions = {
  readonly queue: Pick<OperationQueue, 'heartbeat'>;
  readonly claim: Claim;
  readonly leaseMs: number;
  readonly publish: (operation: Operation) => Promise<void>;
  readonly onError: (error: Error) => void;
};

export class Run {
  readonly #options: RunOptions;
  readonly #abort = new AbortController();
  #isCancelled = false;
  /** Commits follow one another. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: RunOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.claim.operation.id;
  }

  /** Aborted when the operation is to end early: cancelled, lost to another worker, or the service goes down. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
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

  /** Waits until everything reported is stored. */
  settle(): Promise<void> {
    return this.#writing;
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#abort.abort();
  }

  /** Asks the operation to end because it cannot be continued here. */
  interrupt(): void {
    this.#abort.abort();
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
