/**
 * A client's command/response queue (CRQ): a ring of 16-byte elements in its memory, into which its partner puts messages.
 * Source: LoPAR, "Reliable Command/Response Transport Option" (H_REG_CRQ, H_FREE_CRQ, H_SEND_CRQ, H_VIO_SIGNAL); QEMU 7.2
 * hw/ppc/spapr_vio.c. The first byte of an element says that it is there; the client clears it. An interrupt is one
 * edge, when the client wants them.
 */

import { assert } from '../../../base/errors.ts';
import type { InterruptLine } from '../contract.ts';
import type { DmaWindow } from './dma.ts';
import { CRQ, VALID } from './layout.ts';

export class CommandQueue {
  readonly #dma: DmaWindow;
  readonly #line: InterruptLine;
  #queue: { readonly ioba: bigint; readonly bytes: number; next: number } | undefined;
  #signals = false;

  constructor(dma: DmaWindow, line: InterruptLine) {
    this.#dma = dma;
    this.#line = line;
  }

  get registered(): boolean {
    return this.#queue !== undefined;
  }

  /** @param bytes Its length, whole elements. */
  register(ioba: bigint, bytes: number): void {
    assert(this.#queue === undefined, 'a client has one queue');
    assert(bytes > 0 && bytes % CRQ.bytes === 0, 'a queue is whole elements');
    this.#queue = { ioba, bytes, next: 0 };
  }

  free(): void {
    this.#queue = undefined;
  }

  signal(on: boolean): void {
    this.#signals = on;
  }

  /** Puts one element at the end. @returns false when there is no queue, no room, or memory that may not be written. */
  put(element: Uint8Array): boolean {
    assert(element.length === CRQ.bytes, 'an element has 16 bytes');
    const queue = this.#queue;
    if (queue === undefined) return false;
    const at = queue.ioba + BigInt(queue.next);
    if (this.#dma.read(at, 1)?.[0] !== VALID.empty) return false;
    if (!this.#dma.write(at, element)) return false;
    queue.next = (queue.next + CRQ.bytes) % queue.bytes;
    if (this.#signals) this.#line.pulse();
    return true;
  }
}
