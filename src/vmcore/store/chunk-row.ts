/** Encodes and decodes the row of a chunk. A row that was read may hold anything: it is decoded without trust. */

import { hash } from 'node:crypto';
import { isAllZero } from '../../base/bytes.ts';
import { zstdCompress, zstdDecompress } from '../../base/zstd.ts';
import { CHUNK_BYTES } from './contract.ts';

export const CODEC_RAW = 0;
const CODEC_ZSTD = 1;
const CODEC_ZERO = 2;

export type ChunkRow = { readonly size: unknown; readonly codec: unknown; readonly data: unknown };

/** @param level of zstd, or 0 to store content uncompressed */
export function encodeChunk(
  bytes: Uint8Array,
  level: number,
): { readonly codec: number; readonly data: Uint8Array } {
  if (isAllZero(bytes)) return { codec: CODEC_ZERO, data: new Uint8Array(0) };
  const small = level === 0 ? undefined : zstdCompress(bytes, level);
  if (small !== undefined && small.length <= bytes.length - (bytes.length >>> 3))
    return { codec: CODEC_ZSTD, data: small };
  return { codec: CODEC_RAW, data: bytes };
}

/** The content, or undefined where the row holds none. It is as good as its hash says, and no better. */
export function decodeChunk({ size, codec, data }: ChunkRow): Uint8Array | undefined {
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > CHUNK_BYTES) return undefined;
  if (!(data instanceof Uint8Array)) return undefined;
  switch (codec) {
    case CODEC_ZERO:
      return data.length === 0 ? new Uint8Array(size) : undefined;
    case CODEC_RAW:
      return data.length === size ? data : undefined;
    case CODEC_ZSTD:
      return decompressed(data, size);
    default:
      return undefined;
  }
}

let zeroHash: Buffer | undefined;

/** SHA-256. The hash of a whole chunk of zeros, half of many dumps, is computed once. */
export function hashOf(bytes: Uint8Array): Buffer {
  if (bytes.length === CHUNK_BYTES && isAllZero(bytes)) {
    zeroHash ??= hash('sha256', bytes, 'buffer');
    return zeroHash;
  }
  return hash('sha256', bytes, 'buffer');
}

function decompressed(data: Uint8Array, size: number): Uint8Array | undefined {
  try {
    const bytes = zstdDecompress(data, size);
    return bytes.length === size ? bytes : undefined;
  } catch {
    // Damaged frames: the caller learns that there is no content.
    return undefined;
  }
}
