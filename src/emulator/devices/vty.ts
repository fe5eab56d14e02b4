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
/**
 * The most that is typed and not read. Sixteen times what Linux's own line discipline keeps (drivers/tty/n_tty.c,
 * N_TTY_BUF_SIZE), so that a paste into a guest that is busy fits.
 */
export const VTY_INPUT_BYTES: number = 2 ** 16;

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
  /** A ring: what waits begins at `#first` and continues at 0 behind the end. */
  readonly #typed = new Uint8Array(VTY_INPUT_BYTES);
  #first = 0;
  #waiting = 0;

  constructor(options: VtyOptions) {
    this.unit = options.unit;
    this.#line = options.line;
    this.#output = options.output;
    this.#isBusy = options.isBusy ?? (() => false);
  }

  /** Bytes typed and not yet read by the guest. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Types `bytes`. They are copied. @returns whether it did: a terminal without room for all takes none of them */
  input(bytes: Uint8Array): boolean {
    if (bytes.length > VTY_INPUT_BYTES - this.#waiting) return false;
    if (bytes.length === 0) return true;
    const end = (this.#first + this.#waiting) % VTY_INPUT_BYTES;
    const untilWrap = VTY_INPUT_BYTES - end;
    this.#typed.set(bytes.subarray(0, untilWrap), end);
    this.#typed.set(bytes.subarray(untilWrap), 0);
    const wasEmpty = this.#waiting === 0;
    this.#waiting += bytes.length;
    if (wasEmpty) this.#line.pulse();
    return true;
  }

  /** Up to 16 of the oldest bytes typed; empty when there are none. */
  take(): Uint8Array {
    const out = new Uint8Array(Math.min(VTY_TRANSFER_BYTES, this.#waiting));
    const untilWrap = this.#typed.subarray(this.#first, this.#first + out.length);
    out.set(untilWrap);
    out.set(this.#typed.subarray(0, out.length - untilWrap.length), untilWrap.length);
    this.#first = (this.#first + out.length) % VTY_INPUT_BYTES;
    this.#waiting -= out.length;
    return out;
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
