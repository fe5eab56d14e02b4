/**
 * Multi-byte values in byte arrays, and the one way in which parsers of files are given their input.
 * Every access names its byte order. Offsets and lengths are in bytes and are plain numbers (exact up to 2^53).
 * Left out: asynchronous sources; a parser reads headers only, and its thread blocks for them.
 */

import { assert, FormatError } from './errors.ts';

export type Endian = 'big' | 'little';

/** Random access to a file, a device or an array. Parsers read only what they need, so `size` may be many GiB. */
export interface ByteSource {
  /** Bytes that can be read. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`. The array belongs to the caller's reading only: it may be a view of the
   * source and must not be written. The caller keeps `offset + length <= size`.
   */
  read(offset: number, length: number): Uint8Array;
}

/** The largest file offset or size that is accepted: the largest that a number holds exactly. */
export const MAX_OFFSET: bigint = BigInt(Number.MAX_SAFE_INTEGER);

/** An array as a {@link ByteSource}. Reads are views of `bytes`. */
export function arraySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read(offset: number, length: number): Uint8Array {
      assert(
        offset >= 0 && length >= 0 && offset + length <= bytes.length,
        'arraySource: read outside the array',
      );
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** A view for repeated accesses. `bytes` may itself be a view. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function getU16(bytes: Uint8Array, offset: number, endian: Endian): number {
  return viewOf(bytes).getUint16(offset, endian === 'little');
}

export function getU32(bytes: Uint8Array, offset: number, endian: Endian): number {
  return viewOf(bytes).getUint32(offset, endian === 'little');
}

export function getU64(bytes: Uint8Array, offset: number, endian: Endian): bigint {
  return viewOf(bytes).getBigUint64(offset, endian === 'little');
}

export function putU16(bytes: Uint8Array, offset: number, value: number, endian: Endian): void {
  viewOf(bytes).setUint16(offset, value, endian === 'little');
}

export function putU32(bytes: Uint8Array, offset: number, value: number, endian: Endian): void {
  viewOf(bytes).setUint32(offset, value, endian === 'little');
}

export function putU64(bytes: Uint8Array, offset: number, value: bigint, endian: Endian): void {
  viewOf(bytes).setBigUint64(offset, value, endian === 'little');
}

/** `value` rounded up to a multiple of `unit` (a positive integer). */
export function alignUp(value: number, unit: number): number {
  const rest = value % unit;
  return rest === 0 ? value : value + (unit - rest);
}

/** The parts one after another in a new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let total = 0;
  for (const part of parts) total += part.length;
  const out = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const ZEROS = new Uint8Array(2 ** 16);

/** Whether every byte is 0. Compares in native code: dumps are mostly zeros, and every chunk of them is asked. */
export function isAllZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length);
    if (Buffer.compare(piece, ZEROS.subarray(0, piece.length)) !== 0) return false;
  }
  return true;
}

/** Bytes as text, one character a byte: for names and other text of unknown encoding. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Text as bytes, one byte a character. @throws FormatError `base/not-latin1` where a character needs more. */
export function latin1Bytes(text: string): Uint8Array {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0xff) {
      throw new FormatError('base/not-latin1', 'text holds a character above U+00FF', { offset: i });
    }
  }
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

/** A copy of a part, as a plain array. (`Buffer.slice` would give a view.) */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}
