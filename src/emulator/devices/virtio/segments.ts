/** Copies between a request's guest buffers and one array, in order, across the borders of buffers. */

import { assert } from '../../../base/errors.ts';
import type { GuestMemory } from '../../memory/contract.ts';
import type { Segment } from './queue.ts';

/** A position in a list of buffers that moves forward with every transfer. Throws OutsideMemory as memory does. */
export class SegmentCursor {
  readonly #memory: GuestMemory;
  readonly #segments: readonly Segment[];
  #index = 0;
  #offset = 0;
  #position = 0;

  constructor(memory: GuestMemory, segments: readonly Segment[]) {
    this.#memory = memory;
    this.#segments = segments;
  }

  /** Bytes moved or passed over so far. */
  get position(): number {
    return this.#position;
  }

  /** Fills `target` from the guest. The caller knows that so many bytes remain. */
  readInto(target: Uint8Array): void {
    this.#move(target.length, (raddr, at, length) =>
      this.#memory.readInto(raddr, target.subarray(at, at + length)),
    );
  }

  /** Stores `source` in the guest. The caller knows that so many bytes remain. */
  write(source: Uint8Array): void {
    this.#move(source.length, (raddr, at, length) =>
      this.#memory.write(raddr, source.subarray(at, at + length)),
    );
  }

  /** Passes over `length` bytes. */
  skip(length: number): void {
    this.#move(length, () => {});
  }

  #move(length: number, transfer: (raddr: number, at: number, length: number) => void): void {
    for (let at = 0; at < length; ) {
      const segment = this.#segments[this.#index];
      assert(segment !== undefined, 'a transfer stays inside its request');
      const part = Math.min(length - at, segment.length - this.#offset);
      transfer(segment.raddr + this.#offset, at, part);
      at += part;
      this.#position += part;
      this.#offset += part;
      if (this.#offset === segment.length) {
        this.#index++;
        this.#offset = 0;
      }
    }
  }
}
