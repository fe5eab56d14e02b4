/**
 * Between formats and between floating-point and integers, rounding to an integral value, and comparison:
 * Power ISA 3.0B, Book I §4.6.7, §4.6.8 and §7.6.
 */

import { FI, FR, VXCVI, VXSNAN, XX } from '../../../cpu/fpscr.ts';
import { bitLength, type Format, infinity, quieted, unpack, type Value, zero } from './format.ts';
import { type Context, cut, type Rounding, round } from './round.ts';

/** From one format to another. */
export function convert(bits: bigint, from: Format, to: Format, context: Context): bigint {
  const value = unpack(bits, from);
  switch (value.kind) {
    case 'nan':
      if (!value.quiet) context.flags |= VXSNAN;
      return quieted(value, from, to);
    case 'infinity':
      return infinity(value.negative, to);
    case 'zero':
      return zero(value.negative, to);
    case 'finite':
      return round(value.negative, value.significand, value.exponent, false, to, context);
  }
}

/** The range of an integer type. */
export type IntegerRange = { readonly least: bigint; readonly greatest: bigint };
export function integerRange(bits: number, signed: boolean): IntegerRange {
  const size = 1n << BigInt(bits);
  return signed ? { least: -(size / 2n), greatest: size / 2n - 1n } : { least: 0n, greatest: size - 1n };
}

/** To an integer; outside the range the nearest end of it, for a NaN the least number, with VXCVI. */
export function toInteger(
  bits: bigint,
  f: Format,
  range: IntegerRange,
  rounding: Rounding,
  context: Context,
): bigint {
  const value = unpack(bits, f);
  const invalid = (result: bigint): bigint => {
    context.flags |= VXCVI;
    return result;
  };
  switch (value.kind) {
    case 'nan':
      if (!value.quiet) context.flags |= VXSNAN;
      return invalid(range.least);
    case 'infinity':
      return invalid(value.negative ? range.least : range.greatest);
    case 'zero':
      return 0n;
    case 'finite': {
      // Far outside every range: not worth shifting.
      if (value.exponent + bitLength(value.significand) > 130)
        return invalid(value.negative ? range.least : range.greatest);
      const rounded = cut(value.significand, -value.exponent, false, rounding, value.negative);
      const result = value.negative ? -rounded.value : rounded.value;
      if (result < range.least) return invalid(range.least);
      if (result > range.greatest) return invalid(range.greatest);
      if (rounded.inexact) context.flags |= XX | FI | (rounded.up ? FR : 0);
      return result;
    }
  }
}

export function fromInteger(value: bigint, to: Format, context: Context): bigint {
  if (value === 0n) return zero(false, to);
  const negative = value < 0n;
  return round(negative, negative ? -value : value, 0, false, to, context);
}

/** To an integral value of the same format. Raises XX, FI and FR; the caller drops them where the instruction does. */
export function toIntegral(bits: bigint, f: Format, rounding: Rounding, context: Context): bigint {
  const value = unpack(bits, f);
  if (value.kind === 'nan') {
    if (!value.quiet) context.flags |= VXSNAN;
    return quieted(value, f, f);
  }
  if (value.kind !== 'finite' || value.exponent >= 0) return bits;
  const rounded = cut(value.significand, -value.exponent, false, rounding, value.negative);
  if (!rounded.inexact) return bits;
  context.flags |= XX | FI | (rounded.up ? FR : 0);
  if (rounded.value === 0n) return zero(value.negative, f);
  // The integer has no more significant bits than the format, so this is exact.
  return round(value.negative, rounded.value, 0, false, f, { ...context, flags: 0 });
}

export type Order = 'less' | 'greater' | 'equal' | 'unordered';

/** The order of two encodings; zeros are equal whatever their sign. */
export function compare(a: bigint, b: bigint, f: Format): Order {
  const [x, y] = [unpack(a, f), unpack(b, f)];
  if (x.kind === 'nan' || y.kind === 'nan') return 'unordered';
  const [p, q] = [rank(a, x, f), rank(b, y, f)];
  return p < q ? 'less' : p > q ? 'greater' : 'equal';
}
/** Encodings of one sign are in the order of their magnitudes. */
function rank(bits: bigint, value: Value, f: Format): bigint {
  const magnitude = bits & ((1n << BigInt(f.exponentBits + f.fractionBits)) - 1n);
  return value.negative ? -magnitude : magnitude;
}

export function isSignaling(bits: bigint, f: Format): boolean {
  const value = unpack(bits, f);
  return value.kind === 'nan' && !value.quiet;
}
