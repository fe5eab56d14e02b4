/**
 * Ordinary cases of double- and single-precision arithmetic by the host's own doubles, with exact status: rounding to
 * nearest, nothing enabled, operands and results well inside the normal range. Everything else goes through softfloat/.
 *
 * The error of each rounded result is itself a double and computed exactly (T. J. Dekker, "A floating-point technique for
 * extending the available precision", 1971; S. Boldo and G. Melquiond, "Emulation of FMA and correctly rounded sums:
 * proved algorithms using rounding to odd", 2008). Its sign against the result's tells inexactness and direction.
 */

import * as fpscr from '../cpu/fpscr.ts';
import { FPSCR, HELPER } from '../cpu/layout.ts';

/** Operands in this range have products, quotients and their errors far from overflow and underflow. */
const LEAST = 2 ** -400;
const GREATEST = 2 ** 400;
/** Results that are normal singles whatever the rounding. */
const LEAST_SINGLE = 2 ** -125;
const GREATEST_SINGLE = 2 ** 127;

/** The rounded result of the last operation below, and the exact result less it (only the sign matters when inexact). */
let result = 0;
let error = 0;

function sum(a: number, b: number): void {
  result = a + b;
  const part = result - a;
  error = a - (result - part) + (b - part);
}

/** A double as a sum of two with 26 bits each. */
function high(a: number): number {
  const scaled = 134217729 * a;
  return scaled - (scaled - a);
}
/** a × b − p for p the rounded product. */
function productError(a: number, b: number, p: number): number {
  const [ah, bh] = [high(a), high(b)];
  const [al, bl] = [a - ah, b - bh];
  return ah * bh - p + ah * bl + al * bh + al * bl;
}

const view = new DataView(new ArrayBuffer(8));

/** a × c + b rounded once. @returns false where the neighbour sought lies across a power of two. */
function fused(a: number, c: number, b: number): boolean {
  const p = a * c;
  const pe = productError(a, c, p);
  sum(p, b);
  const [s, se] = [result, error];
  sum(se, pe);
  let t = result;
  if (error !== 0) {
    // Rounded to odd, so that the last addition sees everything below it.
    view.setFloat64(0, t);
    const word = view.getUint32(4);
    if ((word & 1) === 0) {
      const outward = error > 0 === t > 0;
      if (!outward && word === 0) return false;
      view.setUint32(4, outward ? word + 1 : word - 1);
      t = view.getFloat64(0);
    }
  }
  sum(s, t);
  return true;
}

const inRange = (x: number): boolean => {
  const magnitude = Math.abs(x);
  return magnitude >= LEAST && magnitude <= GREATEST;
};

export type Operation = 'add' | 'sub' | 'mul' | 'div' | 'sqrt' | 'madd' | 'msub' | 'nmadd' | 'nmsub';

function compute(operation: Operation, a: number, b: number, c: number): boolean {
  switch (operation) {
    case 'add':
      sum(a, b);
      return true;
    case 'sub':
      sum(a, -b);
      return true;
    case 'mul':
      result = a * b;
      error = productError(a, b, result);
      return true;
    case 'div': {
      const quotient = a / b;
      const p = quotient * b;
      // The remainder's sign; a − p is exact because p is close to a.
      const rest = a - p - productError(quotient, b, p);
      result = quotient;
      error = b < 0 ? -rest : rest;
      return true;
    }
    case 'sqrt': {
      if (a < 0) return false;
      const root = Math.sqrt(a);
      const p = root * root;
      result = root;
      error = a - p - productError(root, root, p);
      return true;
    }
    case 'madd':
    case 'nmadd':
      return fused(a, b, c);
    case 'msub':
    case 'nmsub':
      return fused(a, b, -c);
  }
}

/** Makes a single of {@link result}. @returns false near the ends of the range and for what looks like a tie. */
function toSingle(): boolean {
  const magnitude = Math.abs(result);
  if (magnitude < LEAST_SINGLE || magnitude > GREATEST_SINGLE) return false;
  view.setFloat64(0, result);
  if ((view.getUint32(4) & 0x1fffffff) === 0x10000000) return false;
  const rounded = Math.fround(result);
  if (rounded !== result) error = result - rounded;
  result = rounded;
  return true;
}

/**
 * Does a scalar operation whose operands stand in HELPER, eight bytes apart, with FPSCR and the result.
 * @returns false when the case is not an ordinary one; nothing is changed then.
 */
export function fastScalar(
  state: DataView,
  operation: Operation,
  operands: number,
  single: boolean,
): boolean {
  const old = state.getUint32(FPSCR, true);
  if ((old & (0xf8 | fpscr.RN)) !== 0) return false;
  const a = state.getFloat64(HELPER, true);
  const b = operands > 1 ? state.getFloat64(HELPER + 8, true) : 1;
  const c = operands > 2 ? state.getFloat64(HELPER + 16, true) : 1;
  if (!inRange(a) || !inRange(b) || !inRange(c)) return false;
  if (!compute(operation, a, b, c)) return false;
  if (result === 0 || !inRange(result)) return false;
  if (single && !toSingle()) return false;
  const inexact = error !== 0;
  const up = inexact && error > 0 !== result > 0;
  const value = operation === 'nmadd' || operation === 'nmsub' ? -result : result;
  const status = (value < 0 ? 0x8000 : 0x4000) | (inexact ? fpscr.XX | fpscr.FI | (up ? fpscr.FR : 0) : 0);
  const raised = inexact && (old & fpscr.XX) === 0 ? fpscr.FX : 0;
  state.setUint32(FPSCR, ((old & ~(fpscr.FR | fpscr.FI | fpscr.FPRF)) | status | raised) >>> 0, true);
  state.setFloat64(HELPER, value, true);
  return true;
}

/** The condition (LT 8, GT 4, EQ 2) of doublewords at HELPER and +8, or 0 when one is a NaN. */
export function fastCompare(state: DataView): number {
  const [a, b] = [state.getFloat64(HELPER, true), state.getFloat64(HELPER + 8, true)];
  return a < b ? 8 : a > b ? 4 : a === b ? 2 : 0;
}
