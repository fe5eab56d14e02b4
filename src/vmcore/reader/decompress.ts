/**
 * Decompressing a page of a kdump-compressed dump: zlib, LZO1X, snappy (raw block), zstd (frame).
 * Each result is exactly one block: the output buffer is never larger, whatever the data claims.
 */

import { inflateSync } from 'node:zlib';
import lzo from 'lzo';
import { uncompressSync } from 'snappy';
import zstd from 'zstd-napi/binding.js';
import {
  DUMP_DH_COMPRESSED_LZO,
  DUMP_DH_COMPRESSED_SNAPPY,
  DUMP_DH_COMPRESSED_ZLIB,
  DUMP_DH_COMPRESSED_ZSTD,
  vmcoreError,
} from '../format/index.ts';

/**
 * The page in `data`: `blockSize` bytes. `flags` is the descriptor's, with at most one compression.
 * @throws FormatError `vmcore/bad-page-data`.
 */
export function decompressPage(data: Uint8Array, flags: number, blockSize: number): Uint8Array {
  let page: Uint8Array;
  try {
    page = decompress(Buffer.from(data.buffer, data.byteOffset, data.byteLength), flags, blockSize);
  } catch (cause) {
    throw vmcoreError('vmcore/bad-page-data', 'a page cannot be decompressed', {
      actual: `${data.length} bytes, flags 0x${flags.toString(16)}`,
      cause,
    });
  }
  if (page.length !== blockSize) {
    throw vmcoreError('vmcore/bad-page-data', 'a page is not one block long', {
      expected: `${blockSize} bytes`,
      actual: `${page.length}`,
    });
  }
  return page;
}

function decompress(data: Buffer, flags: number, blockSize: number): Uint8Array {
  switch (flags) {
    case 0:
      return data;
    case DUMP_DH_COMPRESSED_ZLIB:
      return inflateSync(data, { maxOutputLength: blockSize });
    case DUMP_DH_COMPRESSED_LZO:
      return lzo.decompress(data, blockSize);
    case DUMP_DH_COMPRESSED_SNAPPY:
      return snappy(data, blockSize);
    case DUMP_DH_COMPRESSED_ZSTD: {
      const page = new Uint8Array(blockSize);
      return page.subarray(0, new zstd.DCtx().decompress(page, data));
    }
    default:
      throw new Error('unknown compression');
  }
}

/** The block starts with its length as a varint, for which the library allocates: checked before. */
function snappy(data: Buffer, blockSize: number): Uint8Array {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = data[i] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  if (length !== blockSize) throw new Error(`claims ${length} bytes`);
  const page = uncompressSync(data, { asBuffer: true });
  if (typeof page === 'string') throw new Error('text instead of bytes');
  return page;
}
