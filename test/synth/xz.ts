/**
 * An .xz file whose data is stored, not compressed: one block of LZMA2 chunks without compression, checked by CRC32 or SHA-256.
 * Source: "The .xz File Format" 1.1.0; LZMA2 chunks as in xz-embedded's description of them.
 */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { concatBytes } from '../../src/base/bytes.ts';

const CHUNK_BYTES = 65536;

/** @param check the kind of the blocks' check: 1 is CRC32, 10 is SHA-256 */
export function storedXz(bytes: Uint8Array, check: 1 | 10 = 1): Uint8Array {
  const flags = Uint8Array.of(0, check);
  const sum = check === 1 ? crc(bytes) : new Uint8Array(createHash('sha256').update(bytes).digest());
  const header = concatBytes([Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), flags, crc(flags)]);
  // Size in words less one, no sizes, filter LZMA2 with one property byte (dictionary of 1 MiB), padding.
  const blockStart = Uint8Array.of(2, 0, 0x21, 1, 16, 0, 0, 0);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const data = bytes.subarray(at, at + CHUNK_BYTES);
    const size = data.length - 1;
    chunks.push(Uint8Array.of(at === 0 ? 1 : 2, size >> 8, size & 255), data);
  }
  const block = concatBytes([blockStart, crc(blockStart), ...chunks, Uint8Array.of(0)]);
  const unpadded = block.length + sum.length;
  const padding = new Uint8Array(-block.length & 3);
  const records = concatBytes([Uint8Array.of(0, 1), multibyte(unpadded), multibyte(bytes.length)]);
  const indexBody = concatBytes([records, new Uint8Array(-records.length & 3)]);
  const index = concatBytes([indexBody, crc(indexBody)]);
  const tail = concatBytes([word(index.length / 4 - 1), flags]);
  return concatBytes([header, block, padding, sum, index, crc(tail), tail, Uint8Array.of(0x59, 0x5a)]);
}

function crc(bytes: Uint8Array): Uint8Array {
  return word(crc32(bytes));
}

function word(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
}

function multibyte(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80);
  return Uint8Array.of(...out, rest);
}
