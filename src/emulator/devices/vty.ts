/**
 * A virtual terminal (hvterm1): bytes out to a listener, bytes in through a queue with an interrupt.
 *
 * Source: Linux 6.1 drivers/tty/hvc/hvc_vio.c (up to 16 bytes a hypercall). The
 * interrupt is one edge when the queue stops being empty, as QEMU's spapr-vty raises it. Every byte passes unchanged:
 * line discipline and sysrq are the guest's. Left out: the hvterm-protocol packets.
 */

import { assert } from '../../base/errors.ts';
import type { InterruptLine } from './contract.ts';

/** The most that one hypercall moves. */
export const VTY_TRANSFER_BYTES = 16;

export type VtyOptions = {
  /** The unit address: what hypercalls name the terminal by. */
  readonly unit: number;
  readonly line: InterruptLine;
  /** Called with what the guest printed; the array is the listener's own. */
  readonly output: (bytes: Uint8Array) => void;
  /** Whether the buffer of what was printed is full; absent: it never is. */
  readonly isBusy?: () => boolean;
};

export class Vty {
  readonly unit: number;
  readonly #line: InterruptLine;
  readonly #output: (bytes: Uint8Array) => void;
  readonly #isBusy: () => boolean;
  #queue: Uint8Array[] = [];

  constructor(options: VtyOptions) {
    this.unit = options.unit;
    this.#line = options.line;
    this.#output = options.output;
    this.#isBusy = options.isBusy ?? (() => false);
  }

  /** Bytes typed and not yet read by the guest. */
  get waiting(): number {
    return this.#queue.reduce((sum, part) => sum + part.length, 0);
  }

  /** Types `bytes`. They are copied. */
  input(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const wasEmpty = this.#queue.length === 0;
    this.#queue.push(bytes.slice());
    if (wasEmpty) this.#line.pulse();
  }

  /** Up to 16 of the oldest bytes typed; empty when there are none. */
  take(): Uint8Array {
    const out = new Uint8Array(VTY_TRANSFER_BYTES);
    let length = 0;
    while (length < out.length) {
      const first = this.#queue[0];
      if (first === undefined) break;
      const part = first.subarray(0, out.length - length);
      out.set(part, length);
      length += part.length;
      if (part.length === first.length) this.#queue.shift();
      else this.#queue[0] = first.subarray(part.length);
    }
    return out.subarray(0, length);
  }

  /** Prints `bytes`. @returns whether it did: a busy terminal takes none of them */
  put(bytes: Uint8Array): boolean {
    assert(bytes.length <= VTY_TRANSFER_BYTES, 'a hypercall moves at most 16 bytes');
    if (bytes.length === 0) return true;
    if (this.#isBusy()) return false;
    this.#output(bytes);
    return true;
  }
}
