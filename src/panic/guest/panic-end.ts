/**
 * Sees on the console that a Linux kernel which panicked has come to its end: it prints this line and then waits for ever, with
 * interrupts on, and only where it does not restart itself (Linux 6.1 kernel/panic.c, panic; panic_timeout is 0).
 */

import { latin1 } from '../../base/bytes.ts';

const END_LINE = '---[ end Kernel panic';

export class PanicEnd {
  #tail = '';
  #seen = false;

  get seen(): boolean {
    return this.#seen;
  }

  /** @param bytes the next ones that the kernel prints; a line may come in pieces */
  print(bytes: Uint8Array): void {
    if (this.#seen) return;
    const text = this.#tail + latin1(bytes);
    this.#seen = text.includes(END_LINE);
    this.#tail = text.slice(1 - END_LINE.length);
  }
}
