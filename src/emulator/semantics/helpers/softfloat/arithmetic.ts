/**
 * Add, multiply, divide, square root and fused multiply-add, rounded once: Power ISA 3.0B, Book I §4.6.6 and §7.6.
 * The first NaN among the operands, in the order of the arguments, is the result, made quiet.
 */

import { VXIDI, VXIMZ, VXISI, VXSNAN, VXSQRT, VXZDZ, ZX } from '../../../cpu/fpscr.ts';
import {
  bitLength,
  defaultNaN,
  type Finite,
  type Format,
  infinity,
  type NotANumber,
  quieted,
  unpack,
  type Value,
  zero,
} from './format.ts';
import { type Context, round } from './round.ts';

/** The result of an operation with a NaN, or undefined when there is none. Raises VXSNAN. */
export function propagate(values: readonly Value[], f: Format, context: Context): bigint | undefined {
  let first: NotANumber | undefined;
  for (const value of values) {
    if (value.kind !== 'nan') continue;
    if (!value.quiet) context.flags |= VXSNAN;
    first ??= value;
  }
  return first === undefined ? undefined : quieted(first, f, f);
}

function invalid(flag: number, f: Format, context: Context): bigint {
  context.flags |= flag;
  return defaultNaN(f);
}

/** A finite result in `to`; operands may come from a wider format. */
function finish(value: Finite, to: Format, context: Context, sticky = false): bigint {
  return round(value.negative, value.significand, value.exponent, sticky, to, context);
}

/** The sum of two numbers that are not NaNs, in `to`. */
function sum(a: Value, b: Value, to: Format, context: Context): bigint {
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    if (a.kind === b.kind && a.negative !== b.negative) return invalid(VXISI, to, context);
    return infinity(a.kind === 'infinity' ? a.negative : b.negative, to);
  }
  const cancelled = context.rounding === 'down';
  if (a.kind !== 'finite') {
    if (b.kind !== 'finite') return zero(a.negative === b.negative ? a.negative : cancelled, to);
    return finish(b, to, context);
  }
  if (b.kind !== 'finite') return finish(a, to, context);
  return sumFinite(a, b, to, context, cancelled);
}

function sumFinite(a: Finite, b: Finite, to: Format, context: Context, cancelled: boolean): bigint {
  const [high, low] =
    a.exponent + bitLength(a.significand) >= b.exponent + bitLength(b.significand) ? [a, b] : [b, a];
  // A far smaller operand decides the direction alone; it is put closer, where it still stays below every rounding bit.
  const floor = high.exponent - 2 * (to.fractionBits + 1) - 4;
  const far = low.exponent + bitLength(low.significand) < floor;
  const near: Finite = far ? { ...low, significand: 1n, exponent: floor } : low;
  const exponent = Math.min(high.exponent, near.exponent);
  const scaled = (value: Finite): bigint => {
    const magnitude = value.significand << BigInt(value.exponent - exponent);
    return value.negative ? -magnitude : magnitude;
  };
  const total = scaled(high) + scaled(near);
  if (total === 0n) return zero(cancelled, to);
  const negative = total < 0n;
  return round(negative, negative ? -total : total, exponent, false, to, context);
}

function negated(value: Value): Value {
  return value.kind === 'nan' ? value : { ...value, negative: !value.negative };
}

/** `f` is the operands' format, `to` the precision of the result, whose NaNs are of `f` cut to `to`. */
export function add(
  a: bigint,
  b: bigint,
  f: Format,
  to: Format,
  subtract: boolean,
  context: Context,
): bigint {
  const [x, y] = [unpack(a, f), unpack(b, f)];
  const nan = propagate([x, y], f, context);
  if (nan !== undefined) return narrowNaN(nan, f, to);
  return sum(x, subtract ? negated(y) : y, to, context);
}

/** A NaN of `f` as one of `to`. */
function narrowNaN(bits: bigint, f: Format, to: Format): bigint {
  const value = unpack(bits, f);
  return value.kind === 'nan' ? quieted(value, f, to) : bits;
}

function product(x: Finite, y: Finite): Finite {
  return {
    kind: 'finite',
    negative: x.negative !== y.negative,
    significand: x.significand * y.significand,
    exponent: x.exponent + y.exponent,
  };
}
/** The product of two numbers that are not NaNs; undefined for zero times infinity. */
function times(x: Value, y: Value): Value | undefined {
  const negative = x.negative !== y.negative;
  if (x.kind === 'finite' && y.kind === 'finite') return product(x, y);
  if (x.kind === 'infinity' || y.kind === 'infinity') {
    return x.kind === 'zero' || y.kind === 'zero' ? undefined : { kind: 'infinity', negative };
  }
  return { kind: 'zero', negative };
}

export function multiply(a: bigint, b: bigint, f: Format, to: Format, context: Context): bigint {
  const [x, y] = [unpack(a, f), unpack(b, f)];
  const nan = propagate([x, y], f, context);
  if (nan !== undefined) return narrowNaN(nan, f, to);
  const exact = times(x, y);
  if (exact === undefined) return invalid(VXIMZ, to, context);
  if (exact.kind === 'finite') return finish(exact, to, context);
  return exact.kind === 'infinity' ? infinity(exact.negative, to) : zero(exact.negative, to);
}

/** Signs of a fused operation: of the addend, and of the result unless it is a NaN. */
export type FusedSigns = { readonly negateAddend: boolean; readonly negateResult: boolean };

/** a × c + b. NaNs are looked for in the order a, b, c, as the book's FRA, FRB, FRC. */
export function fused(
  a: bigint,
  c: bigint,
  b: bigint,
  f: Format,
  to: Format,
  signs: FusedSigns,
  context: Context,
): bigint {
  const [x, y, z] = [unpack(a, f), unpack(c, f), unpack(b, f)];
  const noProduct =
    (x.kind === 'zero' && y.kind === 'infinity') || (x.kind === 'infinity' && y.kind === 'zero');
  if (noProduct) context.flags |= VXIMZ;
  const nan = propagate([x, z, y], f, context);
  if (nan !== undefined) return narrowNaN(nan, f, to);
  if (noProduct) return defaultNaN(to);
  const result = sum(times(x, y) as Value, signs.negateAddend ? negated(z) : z, to, context);
  const number = unpack(result, to).kind !== 'nan';
  return signs.negateResult && number ? result ^ (1n << BigInt(to.exponentBits + to.fractionBits)) : result;
}

export function divide(a: bigint, b: bigint, f: Format, to: Format, context: Context): bigint {
  const [x, y] = [unpack(a, f), unpack(b, f)];
  const nan = propagate([x, y], f, context);
  if (nan !== undefined) return narrowNaN(nan, f, to);
  const negative = x.negative !== y.negative;
  if (x.kind === 'infinity')
    return y.kind === 'infinity' ? invalid(VXIDI, to, context) : infinity(negative, to);
  if (y.kind === 'infinity') return zero(negative, to);
  if (y.kind === 'zero') {
    if (x.kind === 'zero') return invalid(VXZDZ, to, context);
    context.flags |= ZX;
    return infinity(negative, to);
  }
  if (x.kind !== 'finite' || y.kind !== 'finite') return zero(negative, to);
  const shift = Math.max(0, to.fractionBits + 4 + bitLength(y.significand) - bitLength(x.significand));
  const numerator = x.significand << BigInt(shift);
  const quotient = numerator / y.significand;
  const sticky = quotient * y.significand !== numerator;
  return round(negative, quotient, x.exponent - y.exponent - shift, sticky, to, context);
}

export function squareRoot(a: bigint, f: Format, to: Format, context: Context): bigint {
  const x = unpack(a, f);
  const nan = propagate([x], f, context);
  if (nan !== undefined) return narrowNaN(nan, f, to);
  if (x.kind === 'zero') return zero(x.negative, to);
  if (x.negative) return invalid(VXSQRT, to, context);
  if (x.kind !== 'finite') return infinity(false, to);
  let shift = Math.max(0, 2 * (to.fractionBits + 4) - bitLength(x.significand));
  if (((x.exponent - shift) & 1) !== 0) shift++;
  const radicand = x.significand << BigInt(shift);
  const root = integerRoot(radicand);
  return round(false, root, (x.exponent - shift) / 2, root * root !== radicand, to, context);
}

/** ⌊√n⌋ by Newton's method from above. */
function integerRoot(n: bigint): bigint {
  let guess = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (guess + n / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}
