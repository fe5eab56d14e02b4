/**
 * Provides input and output for decoders of the Lempel-Ziv family: compressed bytes that are read in order, and a block that
 * grows by literals and by copies of its own bytes. Every access is checked: damaged data throws FormatError
 * `vmcore/bad-page-data` with the offset in the compressed bytes, and never reads or writes outside of them.
 */

import { vmcoreError } from '../format/index.ts';

/** Fewer bytes than this are copied one by one: most elements are that short, and a call costs more. */
const SHORT = 24;

/** Compressed bytes, read from the front. Multi-byte integers are little-endian. */
export class BlockInput {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where the next byte is read. */
  get offset(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw blockError('the data ends inside an element', this.#at);
    this.#at++;
    return byte;
  }

  /** An unsigned integer of 2 bytes. */
  halfword(): number {
    const low = this.byte();
    return low | (this.byte() << 8);
  }

  /** An unsigned integer of 1 to 4 bytes. */
  littleEndian(bytes: number): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += this.byte() * 2 ** (8 * i);
    return value;
  }

  /** The next `length` bytes, a view of the input. */
  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw blockError('the data ends inside a literal', this.#at);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** The decoded block: at most `limit` bytes. */
export class BlockOutput {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(limit: number) {
    this.#bytes = new Uint8Array(limit);
  }

  /** Copies the next `length` bytes of the input. */
  literal(input: BlockInput, length: number): void {
    this.#reserve(input, length);
    const end = this.#length + length;
    if (length < SHORT) for (let at = this.#length; at < end; at++) this.#bytes[at] = input.byte();
    else this.#bytes.set(input.take(length), this.#length);
    this.#length = end;
  }

  /**
   * Repeats `length` bytes from `distance` bytes back. Where `length` is the larger one, the copy reads what it has just
   * written: the last `distance` bytes, over and over.
   */
  repeat(input: BlockInput, distance: number, length: number): void {
    if (distance < 1 || distance > this.#length)
      throw blockError(`a copy from ${distance} bytes back, of ${this.#length} written`, input.offset);
    this.#reserve(input, length);
    const bytes = this.#bytes;
    const end = this.#length + length;
    if (distance >= length && length >= SHORT) {
      bytes.copyWithin(this.#length, this.#length - distance, end - distance);
    } else {
      for (let at = this.#length; at < end; at++) bytes[at] = bytes[at - distance] ?? 0;
    }
    this.#length = end;
  }

  /** What was decoded: a view. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(input: BlockInput, length: number): void {
    if (length > this.#bytes.length - this.#length)
      throw blockError(`more than ${this.#bytes.length} bytes come out`, input.offset);
  }
}

/** Damaged compressed data: to be thrown. `offset` counts from its first byte. */
export function blockError(problem: string, offset: number): Error {
  return vmcoreError('vmcore/bad-page-data', `compressed page: ${problem}`, { offset });
}
