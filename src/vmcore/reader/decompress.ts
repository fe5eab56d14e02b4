/**
 * Decompresses a page of a kdump-compressed dump: zlib, LZO1X, snappy (raw block), zstd (frame).
 * Each result is exactly one block: the output buffer is never larger, whatever the data claims.
 */

import { inflateSync } from 'node:zlib';
import { zstdDecompress } from '../../base/zstd.ts';
import {
  DUMP_DH_COMPRESSED_LZO,
  DUMP_DH_COMPRESSED_SNAPPY,
  DUMP_DH_COMPRESSED_ZLIB,
  DUMP_DH_COMPRESSED_ZSTD,
  vmcoreError,
} from '../format/index.ts';
import { decompressLzo1x } from './lzo1x.ts';
import { decompressSnappy } from './snappy-block.ts';

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
      return decompressLzo1x(data, blockSize);
    case DUMP_DH_COMPRESSED_SNAPPY:
      return decompressSnappy(data, blockSize);
    case DUMP_DH_COMPRESSED_ZSTD:
      return zstdDecompress(data, blockSize);
    default:
      throw new Error('unknown compression');
  }
}
