/**
 * Starts the worker threads of partitions, and keeps a spare one: it has imported its code and waits for a partition. A thread
 * takes some 70 ms of a processor to come so far. There is at most one; it holds some 30 MiB and no guest memory, opens no file, and
 * does not keep the program alive.
 */

import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../base/worker.ts';
import { modulesToShare } from '../engine/interpreter/modules.ts';
import type { WorkerStart } from './protocol.ts';

/**
 * JavaScript memory of a worker, in MiB: what a boot and a crash of Debian need several times over. Guest memory is not part
 * of it. A worker that needs more ends, and no other one with it.
 */
export const HEAP_MIB = 512;
/** The next one is started when the partition that took the last has had the host for its own start. */
const REFILL_MS = 1000;

/** A worker that has no partition yet. @param heapMiB its JavaScript memory */
export function startPartitionWorker(heapMiB: number = HEAP_MIB): Worker {
  return startWorker('./worker', import.meta.url, {
    workerData: { interpreters: modulesToShare() } satisfies WorkerStart,
    resourceLimits: { maxOldGenerationSizeMb: heapMiB },
  });
}

export class SpareThread {
  readonly #refills: boolean;
  #worker: Worker | undefined;
  #refill: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param options.refills whether another is started after one was taken: for a program that opens many partitions */
  constructor({ refills }: { readonly refills: boolean }) {
    this.#refills = refills;
  }

  /** Starts one where there is none. */
  prepare(): void {
    if (this.#closed || this.#worker !== undefined) return;
    const worker = startPartitionWorker();
    worker.unref();
    const forget = (): void => {
      if (this.#worker === worker) this.#worker = undefined;
    };
    // No partition waits for it: what it fails of, the next partition's own thread reports.
    worker.once('error', forget);
    worker.once('exit', forget);
    this.#worker = worker;
  }

  /** A worker for a partition, which is the caller's from now on: the spare one, or a new one. */
  take(): Worker {
    const spare = this.#worker;
    this.#worker = undefined;
    if (this.#refills && !this.#closed) {
      clearTimeout(this.#refill);
      this.#refill = setTimeout(() => this.prepare(), REFILL_MS).unref();
    }
    if (spare === undefined) return startPartitionWorker();
    spare.ref();
    return spare;
  }

  /** Ends the one that waits; none is started any more. Repeated: nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refill);
    const spare = this.#worker;
    this.#worker = undefined;
    await spare?.terminate();
  }
}
