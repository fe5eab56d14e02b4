/**
 * How much a device does at one instant of the partition's clock, and how fast it continues: a store of bytes that refills
 * with time. A device that finds it empty continues later, so that work that one guest instruction causes takes the guest's
 * time in proportion, and nothing of it depends on the host's speed.
 *
 * The figures are chosen so that ordinary guests never wait: the largest burst of a stock Debian crash (raw, and
 * makedumpfile -l -d 31) costs 13 MiB at one instant, and a Debian that writes a raw dump as fast as it can never takes
 * more than 13 MiB out of the store. (The built-in guest writes a raw dump within 3 ms of its time: with
 * 128 MiB of memory it waits for 0.2 ms.) They are also what a host moves in some tens of milliseconds.
 */

import type { Clock } from './contract.ts';

/** The store when it is full. */
export const BURST_BYTES: number = 64 * 2 ** 20;
/** Bytes that come back in a nanosecond: 16 GB a second of the guest's time. */
export const BYTES_PER_NS = 16;
/** What a device that waits takes up again with. */
export const PIECE_BYTES: number = 2 ** 20;

/** What the work around the data costs, in bytes that could have been moved instead. */
export const REQUEST_BYTES = 16_384;
export const DESCRIPTOR_BYTES = 4096;

export class Bandwidth {
  readonly #clock: Clock;
  #left: number = BURST_BYTES;
  #at = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bytes that may be moved now; not positive: none. What was begun may overdraw it. */
  get left(): number {
    const now = this.#clock.now();
    this.#left = Math.min(BURST_BYTES, this.#left + (now - this.#at) * BYTES_PER_NS);
    this.#at = now;
    return this.#left;
  }

  spend(bytes: number): void {
    this.#left = this.left - bytes;
  }

  /** When a piece may be moved: an instant after now. */
  get nextAt(): number {
    return this.#clock.now() + Math.max(1, Math.ceil((PIECE_BYTES - this.left) / BYTES_PER_NS));
  }
}
