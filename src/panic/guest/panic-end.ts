/**
 * Sees on the console that a Linux kernel which panicked has come to its end: it prints this line and then waits for ever, with
 * interrupts on, and only where it does not restart itself (Linux 6.1 kernel/panic.c, panic; panic_timeout is 0).
 */

import { latin1 } from '../../base/bytes.ts';

const END_LINE = /---\[ end Kernel panic - not syncing: (.*) \]---/;
/** Longer than the line: the kernel's message has at most 1024 bytes (the same function). */
const KEPT = 2048;

export class PanicEnd {
  #tail = '';
  #message: string | undefined;

  /** Why it panicked; undefined: it has not come to its end. */
  get message(): string | undefined {
    return this.#message;
  }

  /** @param bytes the next ones that the kernel prints; a line may come in pieces */
  print(bytes: Uint8Array): void {
    if (this.#message !== undefined) return;
    const text = this.#tail + latin1(bytes);
    this.#message = END_LINE.exec(text)?.[1];
    this.#tail = text.slice(-KEPT);
  }
}
