/**
 * Parses and builds the flattened format: a dump as a stream of records, each with the offset of its bytes.
 * Source: makedumpfile b7587f1, IMPLEMENTATION ("The flattened format") and makedumpfile.h. All numbers are
 * big-endian, whatever the dump inside is. Records start at 0x1000; the record (-1, -1) ends the stream. Records may
 * come in any order and a later one replaces what an earlier one wrote.
 */

import type { ByteSource } from '../../base/bytes.ts';
import { concatBytes, latin1, latin1Bytes, MAX_OFFSET } from '../../base/bytes.ts';
import { buildStruct, parseStruct } from '../../base/fields.ts';
import { vmcoreError } from './errors.ts';

export const FLAT_SIGNATURE = 'makedumpfile';
export const FLAT_TYPE = 1n;
export const FLAT_VERSION = 1n;
/** Where the first record starts. */
export const FLAT_HEADER_AREA = 0x1000;
/** -1, as the unsigned 64 bits that the field holds. */
const END = 0xffff_ffff_ffff_ffffn;

export const FLAT_HEADER = {
  name: 'makedumpfile_header',
  size: 32,
  fields: {
    signature: {
      offset: 0,
      type: 'bytes',
      size: 16,
      source: 'makedumpfile.h; "makedumpfile", padded with 0',
    },
    type: { offset: 16, type: 'u64', source: 'makedumpfile.h; 1' },
    version: { offset: 24, type: 'u64', source: 'makedumpfile.h; 1' },
  },
} as const;

export const FLAT_DATA_HEADER = {
  name: 'makedumpfile_data_header',
  size: 16,
  fields: {
    offset: { offset: 0, type: 'u64', source: 'makedumpfile.h; in the plain dump; -1: end' },
    buf_size: { offset: 8, type: 'u64', source: 'makedumpfile.h; bytes that follow; -1: end' },
  },
} as const;

/** A record: `size` bytes at `position` of the stream belong at `offset` of the plain dump. */
export type FlatRecord = { readonly offset: number; readonly size: number; readonly position: number };

/** How the stream ends. `end` is the number of bytes that belong to it; `missing` what a cut took, as far as is known. */
export type FlatEnd =
  | { readonly kind: 'end'; readonly end: number }
  | { readonly kind: 'cut'; readonly end: number; readonly missing: string };

/**
 * Walks the records of `source` in order. A record that is cut short is given with what is there of it.
 * Records of no bytes are passed over.
 * @returns how the stream ends, as the generator's return value.
 * @throws FormatError `vmcore/bad-flat-header`, `vmcore/bad-flat-record`, `vmcore/truncated` (no whole header).
 */
export function* flatRecords(source: ByteSource): Generator<FlatRecord, FlatEnd> {
  readFlatHeader(source);
  let at = FLAT_HEADER_AREA;
  for (;;) {
    if (at + FLAT_DATA_HEADER.size > source.size)
      return { kind: 'cut', end: source.size, missing: 'the stream has no end record' };
    const header = parseStruct(FLAT_DATA_HEADER, source.read(at, FLAT_DATA_HEADER.size), 'big');
    if (header.offset === END && header.buf_size === END)
      return { kind: 'end', end: at + FLAT_DATA_HEADER.size };
    if (
      header.offset > MAX_OFFSET ||
      header.buf_size > MAX_OFFSET ||
      header.offset + header.buf_size > MAX_OFFSET
    ) {
      throw vmcoreError('vmcore/bad-flat-record', 'a record lies where no dump reaches', {
        offset: at,
        actual: `${BigInt.asIntN(64, header.buf_size)} bytes at ${BigInt.asIntN(64, header.offset)}`,
      });
    }
    const position = at + FLAT_DATA_HEADER.size;
    const size = Number(header.buf_size);
    const present = Math.min(size, source.size - position);
    if (present > 0) yield { offset: Number(header.offset), size: present, position };
    if (present < size) {
      return {
        kind: 'cut',
        end: source.size,
        missing: `${size - present} bytes of the record at ${at} and whatever followed`,
      };
    }
    at = position + size;
  }
}

/** Checks the stream's header. @throws FormatError as {@link flatRecords}. */
export function readFlatHeader(source: ByteSource): void {
  const bytes = source.read(0, Math.min(source.size, FLAT_HEADER.size));
  if (!startsWithFlatSignature(bytes))
    throw vmcoreError('vmcore/unknown-format', 'not a flattened dump', { offset: 0 });
  if (bytes.length < FLAT_HEADER.size || source.size < FLAT_HEADER_AREA) {
    throw vmcoreError('vmcore/truncated', 'the flattened dump ends inside its header', {
      offset: 0,
      expected: `${FLAT_HEADER_AREA} bytes`,
      actual: `${source.size}`,
    });
  }
  const header = parseStruct(FLAT_HEADER, bytes, 'big');
  if (header.type !== FLAT_TYPE || header.version !== FLAT_VERSION) {
    throw vmcoreError('vmcore/bad-flat-header', 'unknown type or version of flattened dump', {
      offset: 16,
      expected: '1 and 1',
      actual: `${header.type} and ${header.version}`,
    });
  }
}

/** Whether `bytes` start with the signature, whose 16 bytes are padded with zeros. */
export function startsWithFlatSignature(bytes: Uint8Array): boolean {
  return bytes.length >= 16 && latin1(bytes.subarray(0, 16)) === FLAT_SIGNATURE.padEnd(16, '\0');
}

/** A whole stream from its records, in the order given. */
export function buildFlattened(
  records: readonly { readonly offset: number; readonly data: Uint8Array }[],
): Uint8Array {
  const head = new Uint8Array(FLAT_HEADER_AREA);
  const signature = latin1Bytes(FLAT_SIGNATURE.padEnd(16, '\0'));
  head.set(buildStruct(FLAT_HEADER, { signature, type: FLAT_TYPE, version: FLAT_VERSION }, 'big'));
  const body = records.flatMap(({ offset, data }) => [
    buildStruct(FLAT_DATA_HEADER, { offset: BigInt(offset), buf_size: BigInt(data.length) }, 'big'),
    data,
  ]);
  return concatBytes([head, ...body, buildStruct(FLAT_DATA_HEADER, { offset: END, buf_size: END }, 'big')]);
}
