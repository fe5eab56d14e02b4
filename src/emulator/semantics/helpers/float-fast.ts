/**
 * Ordinary cases of double- and single-precision arithmetic by JavaScript's doubles, with exact status: rounding to
 * nearest, nothing enabled, operands and results well inside the normal range. Everything else goes through softfloat/.
 *
 * The error of each rounded result is itself a double and computed exactly (T. J. Dekker, "A floating-point technique for
 * extending the available precision", 1971; S. Boldo and G. Melquiond, "Emulation of FMA and correctly rounded sums:
 * proved algorithms using rounding to odd", 2008). Whether it is 0, and its sign against the result's, give FI and FR.
 */

import * as fpscr from '../../cpu/fpscr.ts';
import { FPSCR, HELPER } from '../../cpu/layout.ts';

/** Operands in this range have products, quotients and their errors far from overflow and underflow. */
const LEAST = 2 ** -400;
const GREATEST = 2 ** 400;
/** Results that are normal singles whatever the rounding. */
const LEAST_SINGLE = 2 ** -125;
const GREATEST_SINGLE = 2 ** 127;
/** Of a double's low word, the fraction bits that a single lacks; and those bits halfway between two singles. */
const BELOW_SINGLE = 0x1fffffff;
const SINGLE_TIE = 0x10000000;
/** FPSCR: every enable, and a rounding mode other than to nearest. */
const NOT_PLAIN = fpscr.VE | fpscr.OE | fpscr.UE | fpscr.ZE | fpscr.XE | fpscr.RN;
/** Classes of results, in FPRF: a normal number, negative or positive. */
const NEGATIVE_NORMAL = 0x08 << fpscr.FPRF_SHIFT;
const POSITIVE_NORMAL = 0x04 << fpscr.FPRF_SHIFT;

/** The exact a + b less the rounded `result`. */
function sumError(a: number, b: number, result: number): number {
  const part = result - a;
  return a - (result - part) + (b - part);
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

/** For access to a double's bits; nothing stays in it from one call to the next. */
const view = new DataView(new ArrayBuffer(8));

/**
 * What is to be added to the rounded `p + b`, where p is the rounded a × c, so that the sum is a × c + b rounded once.
 * @returns undefined where the neighbour sought lies across a power of two.
 */
function fusedRest(a: number, c: number, b: number): number | undefined {
  const p = a * c;
  const pe = productError(a, c, p);
  const se = sumError(p, b, p + b);
  const t = se + pe;
  const error = sumError(se, pe, t);
  if (error === 0) return t;
  // Rounded to odd, so that the last addition sees everything below it.
  view.setFloat64(0, t);
  const word = view.getUint32(4);
  if ((word & 1) !== 0) return t;
  const outward = error > 0 === t > 0;
  if (!outward && word === 0) return undefined;
  view.setUint32(4, outward ? word + 1 : word - 1);
  return view.getFloat64(0);
}

const inRange = (x: number): boolean => {
  const magnitude = Math.abs(x);
  return magnitude >= LEAST && magnitude <= GREATEST;
};

export type Operation = 'add' | 'sub' | 'mul' | 'div' | 'sqrt' | 'madd' | 'msub' | 'nmadd' | 'nmsub';

/** Whether rounding to a single is ordinary: neither near the ends of the range nor what looks like a tie. */
function roundsToSingle(result: number): boolean {
  const magnitude = Math.abs(result);
  if (magnitude < LEAST_SINGLE || magnitude > GREATEST_SINGLE) return false;
  view.setFloat64(0, result);
  return (view.getUint32(4) & BELOW_SINGLE) !== SINGLE_TIE;
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
  if ((old & NOT_PLAIN) !== 0) return false;
  const a = state.getFloat64(HELPER, true);
  const b = operands > 1 ? state.getFloat64(HELPER + 8, true) : 1;
  const c = operands > 2 ? state.getFloat64(HELPER + 16, true) : 1;
  if (!inRange(a) || !inRange(b) || !inRange(c)) return false;
  /** The rounded result, and the exact one less it, of which only the sign matters. */
  let result: number;
  let error: number;
  switch (operation) {
    case 'add':
    case 'sub': {
      const addend = operation === 'add' ? b : -b;
      result = a + addend;
      error = sumError(a, addend, result);
      break;
    }
    case 'mul':
      result = a * b;
      error = productError(a, b, result);
      break;
    case 'div': {
      result = a / b;
      const p = result * b;
      // The remainder's sign; a − p is exact because p is close to a.
      const rest = a - p - productError(result, b, p);
      error = b < 0 ? -rest : rest;
      break;
    }
    case 'sqrt': {
      if (a < 0) return false;
      result = Math.sqrt(a);
      const p = result * result;
      error = a - p - productError(result, result, p);
      break;
    }
    case 'madd':
    case 'nmadd':
    case 'msub':
    case 'nmsub': {
      const addend = operation === 'madd' || operation === 'nmadd' ? c : -c;
      const rest = fusedRest(a, b, addend);
      if (rest === undefined) return false;
      const nearest = a * b + addend;
      result = nearest + rest;
      error = sumError(nearest, rest, result);
      break;
    }
  }
  if (result === 0 || !inRange(result)) return false;
  if (single) {
    if (!roundsToSingle(result)) return false;
    const rounded = Math.fround(result);
    if (rounded !== result) error = result - rounded;
    result = rounded;
  }
  const inexact = error !== 0;
  const up = inexact && error > 0 !== result > 0;
  const value = operation === 'nmadd' || operation === 'nmsub' ? -result : result;
  const status =
    (value < 0 ? NEGATIVE_NORMAL : POSITIVE_NORMAL) |
    (inexact ? fpscr.XX | fpscr.FI | (up ? fpscr.FR : 0) : 0);
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
