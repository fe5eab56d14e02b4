/**
 * Common ground of the vector semantics: element numbers, run-time lane selection, saturation.
 *
 * A VSR is one 128-bit number and lane 0 its least significant part, so the ISA's byte element i is lane 15 − i, halfword
 * element i is lane 7 − i, word element i lane 3 − i and doubleword element i lane 1 − i.
 */

import { VSCR } from '../../cpu/layout.ts';
import {
  type I32,
  type I64,
  i8x16,
  i32,
  i32c,
  i64c,
  i64x2,
  pair64,
  type V128,
  v128,
  v128c,
} from '../../wasm/index.ts';
import type { Ops } from '../ops/ops.ts';

/** Lane i holds i. */
export const IOTA: V128 = v128c([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
export const ZERO128: V128 = v128c(new Array<number>(16).fill(0));

/** Byte elements of the result, in the ISA's order, from elements 0–15 of `a` and 16–31 of `b`. */
export function pick(a: V128, b: V128, elements: readonly number[]): V128 {
  const lanes = [...elements].reverse().map((from) => (from < 16 ? 15 - from : 47 - from));
  return v128.shuffle(a, b, lanes);
}

/** The elements of `width` bytes given by number, expanded to bytes for {@link pick}. */
export function elementBytes(width: number, elements: readonly number[]): number[] {
  return elements.flatMap((each) => Array.from({ length: width }, (_, i) => each * width + i));
}

/** Sixteen lanes of `a` from lane `start` up, zeros past the ends. */
export function lanesFrom(a: V128, start: I32): V128 {
  return v128.swizzle(a, i8x16.add(IOTA, i8x16.splat(start)));
}

/** Byte lane n[i] of `b` for n below 16, of `a` for 16 to 31, where n is a vector of such numbers. */
export function permute(o: Ops, a: V128, b: V128, n: V128): V128 {
  const index = o.let(n);
  const sixteen = v128c(new Array<number>(16).fill(16));
  return v128.or(v128.swizzle(b, index), v128.swizzle(a, v128.xor(index, sixteen)));
}

export function lowHalf(a: V128): I64 {
  return i64x2.extract(a, 0);
}
export function highHalf(a: V128): I64 {
  return i64x2.extract(a, 1);
}

/** A doubleword in doubleword element 0, the other being zero. */
export function inElement0(value: I64): V128 {
  return pair64(i64c(0), value);
}

/** Sets VSCR[SAT] where `exact` and `saturated` differ. */
export function noteSaturation(o: Ops, exact: V128, saturated: V128): void {
  o.setState32(VSCR, i32.or(o.state32(VSCR), v128.anyTrue(v128.xor(exact, saturated))));
}

/** CR6 from a compare's lanes (all ones or all zeros): LT when all are true, EQ when none is. */
export function recordCr6(o: Ops, result: V128): void {
  const all = i8x16.allTrue(result);
  const none = i32.eqz(v128.anyTrue(result));
  o.setCrField(6, i32.or(i32.shl(all, i32c(3)), i32.shl(none, i32c(1))));
}

/** Applies an i64 function to both doublewords. */
export function eachDoubleword(a: V128, b: V128, f: (a: I64, b: I64) => I64): V128 {
  return pair64(f(lowHalf(a), lowHalf(b)), f(highHalf(a), highHalf(b)));
}
