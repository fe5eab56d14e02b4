/**
 * Helpers of vector integer instructions: sums across elements and wide sums (Power ISA 3.0B, Book I §6.9.1).
 * Operands stand in HELPER, 16 bytes each as little-endian numbers; the result goes to its start. Each answers 1 where
 * an element saturated.
 */

import { HELPER } from '../../cpu/layout.ts';
import type { Helper } from './helper.ts';

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const UINT32_MAX = 2 ** 32 - 1;

/** Element `i`, in the ISA's numbering, of operand `n`. */
function word(state: DataView, n: number, i: number): number {
  return state.getInt32(HELPER + 16 * n + 12 - 4 * i, true);
}
function halfword(state: DataView, n: number, i: number, signed: boolean): number {
  const at = HELPER + 16 * n + 14 - 2 * i;
  return signed ? state.getInt16(at, true) : state.getUint16(at, true);
}
function byte(state: DataView, n: number, i: number, signed: boolean): number {
  const at = HELPER + 16 * n + 15 - i;
  return signed ? state.getInt8(at) : state.getUint8(at);
}

/** Writes four words clamped to a range; all sums here are below 2^53 and exact. */
function putWords(state: DataView, sums: readonly number[], low: number, high: number): number {
  let saturated = 0;
  sums.forEach((sum, i) => {
    const clamped = Math.min(Math.max(sum, low), high);
    if (clamped !== sum) saturated = 1;
    state.setUint32(HELPER + 12 - 4 * i, clamped >>> 0, true);
  });
  return saturated;
}

const WORDS: readonly number[] = [0, 1, 2, 3];

function sumProducts(signed: boolean): Helper {
  return {
    arity: 0,
    run: (state) => {
      const product = (i: number): number => halfword(state, 0, i, signed) * halfword(state, 1, i, signed);
      const sums = WORDS.map((i) => {
        const addend = signed ? word(state, 2, i) : word(state, 2, i) >>> 0;
        return product(2 * i) + product(2 * i + 1) + addend;
      });
      return signed ? putWords(state, sums, INT32_MIN, INT32_MAX) : putWords(state, sums, 0, UINT32_MAX);
    },
  };
}

/** VRB's word i and the elements of VRA that lie in it. */
function sumAcross(elements: (state: DataView, i: number) => number, signed: boolean): Helper {
  return {
    arity: 0,
    run: (state) => {
      const sums = WORDS.map(
        (i) => elements(state, i) + (signed ? word(state, 1, i) : word(state, 1, i) >>> 0),
      );
      return signed ? putWords(state, sums, INT32_MIN, INT32_MAX) : putWords(state, sums, 0, UINT32_MAX);
    },
  };
}
const bytesOf =
  (signed: boolean) =>
  (state: DataView, i: number): number =>
    WORDS.reduce((sum, k) => sum + byte(state, 0, 4 * i + k, signed), 0);

function sumWords(state: DataView): number {
  const sum = WORDS.reduce((total, i) => total + word(state, 0, i), word(state, 1, 3));
  return putWords(state, [0, 0, 0, sum], INT32_MIN, INT32_MAX);
}
function sumWordPairs(state: DataView): number {
  const pair = (i: number): number => word(state, 0, i) + word(state, 0, i + 1) + word(state, 1, i + 1);
  return putWords(state, [0, pair(0), 0, pair(2)], INT32_MIN, INT32_MAX);
}

function quadword(state: DataView, n: number): bigint {
  const at = HELPER + 16 * n;
  return (state.getBigUint64(at + 8, true) << 64n) | state.getBigUint64(at, true);
}
function putQuadword(state: DataView, value: bigint): void {
  state.setBigUint64(HELPER, BigInt.asUintN(64, value), true);
  state.setBigUint64(HELPER + 8, BigInt.asUintN(64, value >> 64n), true);
}
function sumDoublewordProducts(state: DataView): number {
  const product = (at: number): bigint =>
    state.getBigUint64(HELPER + at, true) * state.getBigUint64(HELPER + 16 + at, true);
  putQuadword(state, product(0) + product(8) + quadword(state, 2));
  return 0;
}

// biome-ignore format: related entries share a line
export const VECTOR_HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ['vmsumshs', sumProducts(true)],
  ['vmsumuhs', sumProducts(false)],
  ['vmsumudm', { arity: 0, run: sumDoublewordProducts }],
  ['vsumsws', { arity: 0, run: sumWords }],
  ['vsum2sws', { arity: 0, run: sumWordPairs }],
  ['vsum4sbs', sumAcross(bytesOf(true), true)],
  ['vsum4ubs', sumAcross(bytesOf(false), false)],
  ['vsum4shs', sumAcross((state, i) => halfword(state, 0, 2 * i, true) + halfword(state, 0, 2 * i + 1, true), true)],
]);
