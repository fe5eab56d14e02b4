/**
 * Parses and builds the headers, bitmaps and page descriptors of the kdump-compressed format.
 * Source: as kdump-layout.ts. Pages are compressed by functions of the caller, so that this file needs no native code.
 * The order of parts: header (block 0), sub header and notes (from block 1), first bitmap (RAM), second bitmap (pages
 * in the dump), descriptors, page data, erase information.
 */

import type { ByteSource, Endian } from '../../base/bytes.ts';
import { getU32, latin1, latin1Bytes, MAX_OFFSET } from '../../base/bytes.ts';
import type { StructOf } from '../../base/fields.ts';
import { parseStruct } from '../../base/fields.ts';
import { vmcoreError } from './errors.ts';
import * as L from './kdump-layout.ts';

/** An area of the file, in bytes. */
export type KdumpArea = { readonly offset: number; readonly size: number };

/** What the headers say. Page numbers count pages of `blockSize` bytes. */
export type KdumpHeader = {
  readonly endian: Endian;
  readonly version: number;
  readonly utsname: {
    readonly sysname: string;
    readonly nodename: string;
    readonly release: string;
    readonly version: string;
    readonly machine: string;
    readonly domainname: string;
  };
  readonly status: number;
  readonly blockSize: number;
  readonly cpus: number;
  readonly dumpLevel: number;
  /** Page numbers are below this. */
  readonly maxPfn: number;
  /** Pages of this file, where the dump was split over several. */
  readonly split: { readonly start: number; readonly end: number } | undefined;
  readonly bitmap1: KdumpArea;
  readonly bitmap2: KdumpArea;
  /** Where descriptors start. */
  readonly descriptors: number;
  readonly vmcoreinfo: KdumpArea | undefined;
  readonly notes: KdumpArea | undefined;
  readonly eraseinfo: KdumpArea | undefined;
};

/** A page descriptor. */
export type KdumpPageDesc = { readonly offset: number; readonly size: number; readonly flags: number };

const COMPRESSIONS: readonly number[] = [
  0,
  L.DUMP_DH_COMPRESSED_ZLIB,
  L.DUMP_DH_COMPRESSED_LZO,
  L.DUMP_DH_COMPRESSED_SNAPPY,
  L.DUMP_DH_COMPRESSED_ZSTD,
];

/** Whether `bytes` start with the signature. */
export function startsWithKdumpSignature(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && latin1(bytes.subarray(0, 8)) === L.KDUMP_SIGNATURE;
}

/**
 * Reads header and sub header. The byte order is the one in which header_version is a known version.
 * @throws FormatError `vmcore/unknown-format`, `vmcore/truncated`, `vmcore/bad-kdump-version`, `vmcore/bad-kdump-header`.
 */
export function parseKdumpHeader(source: ByteSource): KdumpHeader {
  if (!startsWithKdumpSignature(source.read(0, Math.min(8, source.size))))
    throw vmcoreError('vmcore/unknown-format', 'not a kdump-compressed dump', { offset: 0 });
  const bytes = readHere(source, 0, L.KDUMP_HEADER.size, 'header');
  const endian = byteOrder(bytes);
  const raw = parseStruct(L.KDUMP_HEADER, bytes, endian);
  const blockSize = raw.block_size;
  if (blockSize < 4096 || blockSize > 1 << 24 || (blockSize & (blockSize - 1)) !== 0)
    throw badField('block_size', 428, blockSize);
  if (raw.sub_hdr_size < 1) throw badField('sub_hdr_size', 432, raw.sub_hdr_size);
  const sub = parseStruct(
    L.KDUMP_SUB_HEADER,
    readHere(source, blockSize, L.KDUMP_SUB_HEADER.size, 'sub header'),
    endian,
  );
  const is64 = raw.header_version >= 6;
  const maxPfn = pageNumber(is64 ? sub.max_mapnr_64 : BigInt(raw.max_mapnr), 'max_mapnr');
  // Both bitmaps have the same number of blocks; each holds a bit for every page below max_mapnr.
  if (raw.bitmap_blocks % 2 !== 0 || (raw.bitmap_blocks / 2) * blockSize * 8 < maxPfn)
    throw badField('bitmap_blocks', 436, raw.bitmap_blocks);
  const bitmapBytes = (raw.bitmap_blocks / 2) * blockSize;
  const bitmaps = (1 + raw.sub_hdr_size) * blockSize;
  const split =
    sub.split === 0
      ? undefined
      : {
          start: pageNumber(is64 ? sub.start_pfn_64 : sub.start_pfn, 'start_pfn'),
          end: pageNumber(is64 ? sub.end_pfn_64 : sub.end_pfn, 'end_pfn'),
        };
  if (split !== undefined && (split.start > split.end || split.end > maxPfn))
    throw badField('end_pfn', blockSize + 88, split.end);
  return {
    endian,
    version: raw.header_version,
    utsname: {
      sysname: text(raw.sysname),
      nodename: text(raw.nodename),
      release: text(raw.release),
      version: text(raw.version),
      machine: text(raw.machine),
      domainname: text(raw.domainname),
    },
    status: raw.status,
    blockSize,
    cpus: raw.nr_cpus,
    dumpLevel: sub.dump_level,
    maxPfn,
    split,
    bitmap1: { offset: bitmaps, size: bitmapBytes },
    bitmap2: { offset: bitmaps + bitmapBytes, size: bitmapBytes },
    descriptors: bitmaps + 2 * bitmapBytes,
    vmcoreinfo: area(sub.offset_vmcoreinfo, sub.size_vmcoreinfo, 'vmcoreinfo'),
    notes: raw.header_version >= 4 ? area(sub.offset_note, sub.size_note, 'note') : undefined,
    eraseinfo:
      raw.header_version >= 5 ? area(sub.offset_eraseinfo, sub.size_eraseinfo, 'eraseinfo') : undefined,
  };
}

/** One descriptor of 24 bytes; `at` is its place, for messages. @throws FormatError `vmcore/bad-page-descriptor`. */
export function parsePageDesc(bytes: Uint8Array, header: KdumpHeader, at: number): KdumpPageDesc {
  const raw: StructOf<typeof L.KDUMP_PAGE_DESC> = parseStruct(L.KDUMP_PAGE_DESC, bytes, header.endian);
  const lost = raw.offset === 0n;
  const sizeIsGood =
    lost || (raw.flags === 0 ? raw.size === header.blockSize : raw.size > 0 && raw.size <= header.blockSize);
  if (raw.offset + BigInt(raw.size) > MAX_OFFSET || !sizeIsGood || !COMPRESSIONS.includes(raw.flags)) {
    throw vmcoreError('vmcore/bad-page-descriptor', 'a page descriptor makes no sense', {
      offset: at,
      actual: `offset ${raw.offset}, size ${raw.size}, flags 0x${raw.flags.toString(16)}`,
    });
  }
  return { offset: Number(raw.offset), size: raw.size, flags: raw.flags };
}

/** Whether bit `pfn` of a bitmap is set: bit 0 is the least significant of byte 0. */
export function bitOf(bitmap: Uint8Array, pfn: number): boolean {
  return (((bitmap[Math.floor(pfn / 8)] ?? 0) >>> (pfn % 8)) & 1) === 1;
}

/** A string of utsname: 65 bytes with zeros. The text must fit. */
export function utsField(value: string): Uint8Array {
  const out = new Uint8Array(65);
  out.set(latin1Bytes(value).subarray(0, 64));
  return out;
}

function byteOrder(bytes: Uint8Array): Endian {
  for (const endian of ['little', 'big'] as const) {
    const version = getU32(bytes, 8, endian);
    if (version >= 1 && version <= 0xffff) {
      if (version >= L.KDUMP_VERSION_MIN && version <= L.KDUMP_VERSION) return endian;
      throw vmcoreError('vmcore/bad-kdump-version', 'a version of the format that is not read', {
        offset: 8,
        expected: `${L.KDUMP_VERSION_MIN} to ${L.KDUMP_VERSION}`,
        actual: `${version}`,
      });
    }
  }
  throw badField('header_version', 8, getU32(bytes, 8, 'little'));
}

function readHere(source: ByteSource, offset: number, length: number, what: string): Uint8Array {
  if (offset + length > source.size) {
    throw vmcoreError('vmcore/truncated', `the dump ends before its ${what}`, {
      offset,
      expected: `${length} bytes`,
      actual: `${Math.max(0, source.size - offset)}`,
    });
  }
  return source.read(offset, length);
}

function area(offset: bigint, size: bigint, name: string): KdumpArea | undefined {
  if (offset === 0n || size === 0n) return undefined;
  if (offset + size > MAX_OFFSET)
    throw vmcoreError('vmcore/bad-kdump-header', `offset_${name} and size_${name} pass the end of any file`, {
      actual: `${offset}+${size}`,
    });
  return { offset: Number(offset), size: Number(size) };
}

/** 2^28 pages are 1 TiB in pages of 4 KiB, and 16 TiB in pages of 64 KiB: far more than a machine of ours has. A bitmap is 32 MiB. */
const MAX_PAGE = 1n << 28n;

function pageNumber(value: bigint, name: string): number {
  if (value > MAX_PAGE)
    throw vmcoreError('vmcore/bad-kdump-header', `${name} is above any page number that is read`, {
      actual: `${value}`,
    });
  return Number(value);
}

function badField(field: string, offset: number, actual: number): Error {
  return vmcoreError('vmcore/bad-kdump-header', `${field} makes no sense`, { offset, actual: `${actual}` });
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return latin1(end < 0 ? bytes : bytes.subarray(0, end));
}
