/**
 * Binary floating-point formats and the values that they encode: IEEE 754-2008 §3.4, as used by Power ISA 3.0B, Book I
 * §4.3 and §7.3. Encodings are unsigned bigints; everything here is exact.
 */

/** A binary interchange format: 1 sign bit, the exponent, the fraction. */
export type Format = {
  readonly exponentBits: number;
  readonly fractionBits: number;
  /** Exponents of normal numbers, unbiased: from 1 − bias to bias. */
  readonly bias: number;
  /** What is added to the exponent of an enabled underflow, taken from that of an enabled overflow. */
  readonly adjust: number;
};

function format(exponentBits: number, fractionBits: number): Format {
  return {
    exponentBits,
    fractionBits,
    bias: 2 ** (exponentBits - 1) - 1,
    adjust: 3 * 2 ** (exponentBits - 2),
  };
}

export const HALF: Format = format(5, 10);
export const SINGLE: Format = format(8, 23);
export const DOUBLE: Format = format(11, 52);
export const QUAD: Format = format(15, 112);

export type NotANumber = {
  readonly kind: 'nan';
  readonly negative: boolean;
  readonly quiet: boolean;
  readonly fraction: bigint;
};
/** The value is ± significand × 2^exponent, and the significand is not 0. */
export type Finite = {
  readonly kind: 'finite';
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
};
export type Value =
  | NotANumber
  | Finite
  | { readonly kind: 'infinity'; readonly negative: boolean }
  | { readonly kind: 'zero'; readonly negative: boolean };

/** The value of an encoding. */
export function unpack(bits: bigint, f: Format): Value {
  const fractionBits = BigInt(f.fractionBits);
  const fraction = bits & ((1n << fractionBits) - 1n);
  const top = Number(bits >> fractionBits);
  const biased = top & (2 ** f.exponentBits - 1);
  const negative = top >= 2 ** f.exponentBits;
  if (biased === 2 ** f.exponentBits - 1) {
    if (fraction === 0n) return { kind: 'infinity', negative };
    return { kind: 'nan', negative, quiet: fraction >> (fractionBits - 1n) !== 0n, fraction };
  }
  if (biased !== 0) {
    return {
      kind: 'finite',
      negative,
      significand: fraction | (1n << fractionBits),
      exponent: biased - f.bias - f.fractionBits,
    };
  }
  if (fraction === 0n) return { kind: 'zero', negative };
  return { kind: 'finite', negative, significand: fraction, exponent: 1 - f.bias - f.fractionBits };
}

/** Puts the parts together; `biased` and `fraction` fit. */
export function encode(negative: boolean, biased: number, fraction: bigint, f: Format): bigint {
  const top = BigInt(biased + (negative ? 2 ** f.exponentBits : 0));
  return (top << BigInt(f.fractionBits)) | fraction;
}

export function infinity(negative: boolean, f: Format): bigint {
  return encode(negative, 2 ** f.exponentBits - 1, 0n, f);
}
export function zero(negative: boolean, f: Format): bigint {
  return encode(negative, 0, 0n, f);
}
export function largest(negative: boolean, f: Format): bigint {
  return encode(negative, 2 ** f.exponentBits - 2, (1n << BigInt(f.fractionBits)) - 1n, f);
}
/** What an invalid operation gives: a positive quiet NaN with an otherwise empty fraction. */
export function defaultNaN(f: Format): bigint {
  return encode(false, 2 ** f.exponentBits - 1, 1n << BigInt(f.fractionBits - 1), f);
}

/** A NaN made quiet, in a format that may be narrower or wider: its fraction keeps its high end. */
export function quieted(nan: NotANumber, from: Format, to: Format): bigint {
  const distance = BigInt(to.fractionBits - from.fractionBits);
  const moved = distance >= 0n ? nan.fraction << distance : nan.fraction >> -distance;
  return encode(nan.negative, 2 ** to.exponentBits - 1, moved | (1n << BigInt(to.fractionBits - 1)), to);
}

/** Number of significant bits. */
export function bitLength(value: bigint): number {
  return value.toString(2).length;
}

/**
 * FPRF for a result: C, then less, greater, equal, unordered. Power ISA 3.0B, Book I, figure 49.
 * A number below the normal range of the format counts as denormal.
 */
export function resultClass(bits: bigint, f: Format): number {
  const value = unpack(bits, f);
  switch (value.kind) {
    case 'nan':
      return 0x11;
    case 'infinity':
      return value.negative ? 0x09 : 0x05;
    case 'zero':
      return value.negative ? 0x12 : 0x02;
    case 'finite': {
      const normal = bitLength(value.significand) === f.fractionBits + 1;
      if (normal) return value.negative ? 0x08 : 0x04;
      return value.negative ? 0x18 : 0x14;
    }
  }
}
