/**
 * LZO1X streams and snappy blocks, written from the formats' descriptions and not from the decoders. What a stream
 * holds is a list of steps, so that a test can name each form of instruction; {@link lzSteps} finds steps for real bytes.
 */

import { concatBytes } from '../../src/base/bytes.ts';

/** Literals, then a copy from what stands before. The last step of a list may have `length` 0: literals alone. */
export type LzStep = { readonly literals: Uint8Array; readonly distance: number; readonly length: number };

/** What the steps stand for, byte by byte. */
export function lzExpand(steps: readonly LzStep[]): Uint8Array {
  const out: number[] = [];
  for (const { literals, distance, length } of steps) {
    out.push(...literals);
    for (let i = 0; i < length; i++) out.push(out[out.length - distance] ?? Number.NaN);
  }
  return Uint8Array.from(out);
}

/** Steps for `bytes`: the last place where the same four bytes stood is copied from, as long as it agrees. */
export function lzSteps(bytes: Uint8Array, reach: number): LzStep[] {
  const steps: LzStep[] = [];
  const last = new Map<number, number>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let from = 0;
  let at = 0;
  while (at + 4 <= bytes.length) {
    const word = view.getUint32(at);
    const before = last.get(word);
    last.set(word, at);
    if (before === undefined || at - before > reach) {
      at++;
      continue;
    }
    let length = 4;
    while (at + length < bytes.length && bytes[at + length] === bytes[before + length]) length++;
    steps.push({ literals: bytes.subarray(from, at), distance: at - before, length });
    at += length;
    from = at;
  }
  if (from < bytes.length) steps.push({ literals: bytes.subarray(from), distance: 0, length: 0 });
  return steps;
}

/** How far back each form of LZO1X can copy. */
export const LZO1X_REACH: number = 16384 + 2 * 16384 - 1;

/**
 * The steps as a stream of LZO1X, each copy by the shortest instruction that can say it. `wide` says of a step whether
 * a longer one is taken instead, where one exists.
 * @throws Error for a copy that no instruction can say
 */
export function lzo1xStream(
  steps: readonly LzStep[],
  wide: (step: number) => boolean = () => false,
): Uint8Array {
  const out: number[] = [];
  let pending = -1; // where the lowest bits take the number of literals to come; -1: nowhere yet
  steps.forEach(({ literals, distance, length }, i) => {
    const count = literals.length;
    if (pending < 0 && count > 0 && count <= 238 && !(wide(i) && count >= 4)) out.push(17 + count);
    else if (count >= 4) out.push(...lzoLength(0, count - 3, 15));
    else if (count > 0) out[pending] = (out[pending] ?? 0) | count;
    out.push(...literals);
    if (length === 0) return;
    const bytes = lzoCopy(distance, length, Math.min(count, 4), wide(i));
    // The bits are in the byte before the last one, whatever the form.
    pending = out.length + bytes.length - 2;
    out.push(...bytes);
  });
  return Uint8Array.from([...out, 0x11, 0, 0]);
}

function lzoCopy(distance: number, length: number, literals: number, wide: boolean): number[] {
  const low = distance - 1;
  if (length === 2 && literals >= 1 && literals <= 3 && distance <= 1024) return [(low & 3) << 2, low >> 2];
  if (!wide) {
    if (length === 3 && literals === 4 && distance > 2048 && distance <= 3072)
      return [((distance - 2049) & 3) << 2, (distance - 2049) >> 2];
    if (length >= 3 && length <= 4 && distance <= 2048)
      return [0x40 | ((length - 3) << 5) | ((low & 7) << 2), low >> 3];
    if (length >= 5 && length <= 8 && distance <= 2048)
      return [0x80 | ((length - 5) << 5) | ((low & 7) << 2), low >> 3];
  }
  if (length >= 3 && distance <= 16384)
    return [...lzoLength(0x20, length - 2, 31), (low << 2) & 0xff, low >> 6];
  const far = distance - 16384;
  if (length >= 3 && far > 0 && far < 32768)
    return [...lzoLength(0x10 | ((far >> 14) << 3), length - 2, 7), (far << 2) & 0xff, (far & 0x3fff) >> 6];
  throw new Error(
    `no LZO1X instruction copies ${length} bytes from ${distance} back after ${literals} literals`,
  );
}

/** `code` with a length of 1 or more in its lowest bits, of which `most` is the largest; a larger one follows it. */
function lzoLength(code: number, length: number, most: number): number[] {
  if (length <= most) return [code | length];
  const zeros = Math.floor((length - most - 1) / 255);
  return [code, ...new Array<number>(zeros).fill(0), length - most - 255 * zeros];
}

/** The steps as a snappy block. `wide` as for {@link lzo1xStream}: literals and copies by a longer form. */
export function snappyBlock(
  steps: readonly LzStep[],
  wide: (step: number) => boolean = () => false,
): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  steps.forEach(({ literals, distance, length }, i) => {
    size += literals.length + length;
    if (literals.length > 0) parts.push(snappyLiteral(literals.length - 1, wide(i)), literals);
    for (let left = length; left > 0; ) {
      const take = Math.min(left, 64);
      parts.push(snappyCopy(distance, take, wide(i)));
      left -= take;
    }
  });
  return concatBytes([varint(size), ...parts]);
}

function snappyLiteral(less1: number, wide: boolean): Uint8Array {
  if (wide) return Uint8Array.from([63 << 2, ...little(less1, 4)]);
  if (less1 < 60) return Uint8Array.of(less1 << 2);
  const bytes = less1 < 1 << 8 ? 1 : less1 < 1 << 16 ? 2 : 3;
  return Uint8Array.from([(59 + bytes) << 2, ...little(less1, bytes)]);
}

function snappyCopy(distance: number, length: number, wide: boolean): Uint8Array {
  if (!wide && length >= 4 && length <= 11 && distance < 2048)
    return Uint8Array.of(((distance >> 8) << 5) | ((length - 4) << 2) | 1, distance & 0xff);
  if (!wide && distance < 65536) return Uint8Array.from([((length - 1) << 2) | 2, ...little(distance, 2)]);
  return Uint8Array.from([((length - 1) << 2) | 3, ...little(distance, 4)]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.from([...bytes, left]);
    bytes.push((left % 128) | 128);
  }
}

function little(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);
}
