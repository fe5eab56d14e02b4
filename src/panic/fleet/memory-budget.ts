/**
 * Counts the host's memory that partitions which are on may need. A guest touches its memory little by little: without a
 * budget the host would run out of it long after the last start, and its kernel would kill the whole service.
 * A crash kernel, and the next kernel after a kexec, run in the memory of the one before.
 */

import { sizeText } from '../../base/free-room.ts';
import { Refusal } from '../contract/index.ts';

/**
 * What a worker takes beside its guest's memory: JavaScript, compiled code, registers, TLBs. With the built-in guest that is some
 * 95 MiB, touched memory included. Its bounds are far above (HEAP_MIB in emulator/host/client.ts, ARENA_OVERHEAD in
 * emulator/partition/size/check.ts); what is not in the budget is there for the workers that need more.
 */
const WORKER_BYTES = 128 * 2 ** 20;
/** Of the host's memory, by default. The rest is for the daemon, the stores' caches, and workers that need more than most. */
const SHARE = 0.75;

export class MemoryBudget {
  readonly limitBytes: number;
  #reserved = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** @param hostBytes what this process may have in all */
  static ofHost(hostBytes: number): MemoryBudget {
    return new MemoryBudget(Math.floor(hostBytes * SHARE));
  }

  get reservedBytes(): number {
    return this.#reserved;
  }

  /**
   * Reserves memory for a machine.
   * @param guestBytes its RAM
   * @param name of the partition
   * @returns gives it back when the machine is gone
   * @throws Refusal `quota` with the figures
   */
  take(guestBytes: number, name: string): () => void {
    const bytes = guestBytes + WORKER_BYTES;
    if (this.#reserved + bytes > this.limitBytes)
      throw new Refusal(
        'quota',
        `Partition ${name} may need ${sizeText(bytes)} of the host's memory (${sizeText(guestBytes)} for the guest, ${sizeText(WORKER_BYTES)} for its worker): partitions that are on have ${sizeText(this.#reserved)}, and all together may have ${sizeText(this.limitBytes)}. Stop another one, or start the daemon with a larger --memory-limit.`,
      );
    this.#reserved += bytes;
    let isTaken = true;
    return () => {
      if (isTaken) this.#reserved -= bytes;
      isTaken = false;
    };
  }
}
