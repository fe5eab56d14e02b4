/**
 * Finds the one bit that changed: what was written is what, with one bit changed back, has the SHA-256 that was written with it.
 * Nothing is guessed: a wrong content with the right hash does not exist.
 */

import { createHash, type Hash } from 'node:crypto';
import { type ChunkRow, CODEC_RAW, decodeChunk, hashOf } from './chunk-row.ts';
import { CHUNK_BYTES } from './contract.ts';
import { type SealedPart, startSeal } from './seal.ts';

/** Bytes of a row that is searched: a part of a manifest has 40 KiB. */
const MOST_BYTES = 65_536;
const BITS = [1, 2, 4, 8, 16, 32, 64, 128] as const;
/** Bits of an integer that JavaScript holds exactly. */
const INTEGER_BITS = 53;

/** @returns the parts as they were written, or undefined */
export function correctSealed(
  table: string,
  parts: readonly SealedPart[],
  seal: Uint8Array,
): readonly SealedPart[] | undefined {
  if (parts.reduce((sum, { bytes }) => sum + bytes.length, 0) > MOST_BYTES) return undefined;
  const matches = (candidate: readonly SealedPart[]): boolean =>
    Buffer.compare(startSeal(table, candidate).digest(), seal) === 0;
  for (const [i, part] of parts.entries()) {
    const others = (bytes: Uint8Array): readonly SealedPart[] =>
      parts.map((each, k) => (k === i ? { ...part, bytes } : each));
    if (part.kind === 'integer') {
      const found = integersNear(Number(Buffer.from(part.bytes).toString())).map((value) =>
        others(Buffer.from(String(value))),
      );
      const right = found.find(matches);
      if (right !== undefined) return right;
      continue;
    }
    const before = startSeal(table, parts.slice(0, i), part);
    const after = parts.slice(i + 1);
    const bytes = searchBits(
      part.bytes,
      before,
      (hash) => Buffer.compare(startSeal(table, after, undefined, hash).digest(), seal) === 0,
    );
    if (bytes !== undefined) return others(bytes);
  }
  return undefined;
}

/** How many bits differ. */
export function bitsApart(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let count = 0;
  for (let i = 0; i < a.length; i++)
    for (let rest = (a[i] ?? 0) ^ (b[i] ?? 0); rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** The content of a chunk's row with one bit of its columns changed back, where it has the wanted hash. */
export function correctChunk(row: ChunkRow, wanted: Uint8Array): Uint8Array | undefined {
  const { size, codec, data } = row;
  if (!(data instanceof Uint8Array)) return undefined;
  const isIt = (candidate: ChunkRow): Uint8Array | undefined => {
    const bytes = decodeChunk(candidate);
    return bytes !== undefined && Buffer.compare(hashOf(bytes), wanted) === 0
      ? new Uint8Array(bytes)
      : undefined;
  };
  for (const other of [0, 1, 2]) {
    const found = isIt({ size, codec: other, data });
    if (found !== undefined) return found;
  }
  if (typeof size === 'number')
    for (const other of integersNear(size).filter((each) => each > 0 && each <= CHUNK_BYTES)) {
      const found = isIt({ size: other, codec, data });
      if (found !== undefined) return found;
    }
  if (codec === CODEC_RAW)
    return searchBits(data, createHash('sha256'), (hash) => Buffer.compare(hash.digest(), wanted) === 0);
  const copy = new Uint8Array(data);
  for (let at = 0; at < copy.length; at++)
    for (const bit of BITS) {
      copy[at] = (copy[at] ?? 0) ^ bit;
      const found = isIt({ size, codec, data: copy });
      if (found !== undefined) return found;
      copy[at] = (copy[at] ?? 0) ^ bit;
    }
  return undefined;
}

function integersNear(value: number): readonly number[] {
  if (!Number.isSafeInteger(value)) return [];
  return Array.from({ length: INTEGER_BITS }, (_, bit) => {
    const power = 2 ** bit;
    return Math.floor(value / power) % 2 === 0 ? value + power : value - power;
  }).filter(Number.isSafeInteger);
}

/** The bytes with one bit changed, where the hash continues from `before` and them as it should. */
function searchBits(
  bytes: Uint8Array,
  before: Hash,
  isRight: (hash: Hash) => boolean,
): Uint8Array | undefined {
  for (let at = 0; at < bytes.length; at++) {
    const original = bytes[at] ?? 0;
    const rest = bytes.subarray(at + 1);
    for (const bit of BITS) {
      const hash = before
        .copy()
        .update(Uint8Array.of(original ^ bit))
        .update(rest);
      if (!isRight(hash)) continue;
      const found = new Uint8Array(bytes);
      found[at] = original ^ bit;
      return found;
    }
    before.update(Uint8Array.of(original));
  }
  return undefined;
}
