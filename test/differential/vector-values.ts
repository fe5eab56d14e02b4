/** Random operands for floating-point and vector instructions: mostly near the places where their arithmetic changes. */

import type { RandomSource } from './random-source.ts';

/** A binary format by its field widths. */
type Widths = { readonly exponent: number; readonly fraction: number };
const HALF: Widths = { exponent: 5, fraction: 10 };
const SINGLE: Widths = { exponent: 8, fraction: 23 };
const DOUBLE: Widths = { exponent: 11, fraction: 52 };
const QUAD: Widths = { exponent: 15, fraction: 112 };

function bitsOf(random: RandomSource, count: number): bigint {
  let value = 0n;
  for (let i = 0; i < count; i += 64) value = (value << 64n) | random.uniform64();
  return BigInt.asUintN(count, value);
}

/** Zeros, denormals, infinities, quiet and signaling NaNs, numbers near one, near the ends of the range, integers. */
function encoded(random: RandomSource, w: Widths): bigint {
  const bias = 2 ** (w.exponent - 1) - 1;
  const ones = (1n << BigInt(w.fraction)) - 1n;
  const top = 2 ** w.exponent - 1;
  const fraction = (): bigint => {
    switch (random.below(5)) {
      case 0:
        return 0n;
      case 1:
        return ones;
      case 2:
        return (1n << BigInt(random.below(w.fraction))) - BigInt(random.below(2));
      case 3:
        // Few leading bits: sums and products stay exact or nearly so.
        return (bitsOf(random, 6) << BigInt(Math.max(0, w.fraction - 6))) & ones;
      default:
        return bitsOf(random, w.fraction);
    }
  };
  const exponent = (): number => {
    switch (random.below(8)) {
      case 0:
        return 0;
      case 1:
        return top;
      case 2:
        return 1 + random.below(Math.min(64, top - 1));
      case 3:
        return top - 1 - random.below(Math.min(8, top - 1));
      case 4:
      case 5:
        return bias - 3 + random.below(7);
      case 6:
        return Math.min(top, Math.max(0, bias - 70 + random.below(140)));
      default:
        return random.below(top + 1);
    }
  };
  const sign = BigInt(random.below(2));
  return (sign << BigInt(w.exponent + w.fraction)) | (BigInt(exponent()) << BigInt(w.fraction)) | fraction();
}

export function half(random: RandomSource): bigint {
  return encoded(random, HALF);
}
export function single(random: RandomSource): bigint {
  return encoded(random, SINGLE);
}
export function double(random: RandomSource): bigint {
  return encoded(random, DOUBLE);
}

/** A double that a single can hold, as single-precision instructions expect. */
export function singleAsDouble(random: RandomSource): bigint {
  const bits = single(random);
  const view = new DataView(new ArrayBuffer(8));
  const special = (bits & 0x7f800000n) === 0x7f800000n;
  if (special) return ((bits & 0x80000000n) << 32n) | 0x7ff0000000000000n | ((bits & 0x7fffffn) << 29n);
  view.setUint32(0, Number(bits));
  view.setFloat64(0, view.getFloat32(0));
  return view.getBigUint64(0);
}

/** Doublewords 0 and 1 of a register. */
export type Pair = readonly [bigint, bigint];

export function vectorOf(
  random: RandomSource,
  width: number,
  element: (random: RandomSource) => bigint,
): Pair {
  let value = 0n;
  for (let i = 0; i < 16; i += width) value = (value << BigInt(8 * width)) | element(random);
  return [value >> 64n, BigInt.asUintN(64, value)];
}

/** Integers of one element width near the ends of their ranges, or small, or anything. */
export function integers(random: RandomSource): Pair {
  const width = random.pick([1, 2, 4, 8]);
  const bits = width * 8;
  return vectorOf(random, width, () => {
    const near = BigInt(random.below(7) - 3);
    const base = random.pick([
      0n,
      1n << BigInt(bits - 1),
      1n << BigInt(random.below(bits)),
      BigInt(random.below(64)),
    ]);
    return BigInt.asUintN(bits, random.oneIn(3) ? random.uniform64() : base + near);
  });
}

/** A register full of something that one of the facilities' instructions finds interesting. */
export function anyVector(random: RandomSource): Pair {
  switch (random.below(8)) {
    case 0:
      return vectorOf(random, 4, single);
    case 1:
      return vectorOf(random, 8, double);
    case 2:
      return vectorOf(random, 8, singleAsDouble);
    case 3:
      return vectorOf(random, 2, half);
    case 4: {
      const value = encoded(random, QUAD);
      return [value >> 64n, BigInt.asUintN(64, value)];
    }
    case 5:
      return [random.uniform64(), random.uniform64()];
    default:
      return integers(random);
  }
}

const SIGNS = [0xan, 0xbn, 0xcn, 0xdn, 0xen, 0xfn];

/** A decimal number with a sign, often short. The sign is sometimes invalid, the digits never are (exclusions.md). */
export function decimal(random: RandomSource): Pair {
  const digits = random.pick([0, 1, 7, 8, 15, 16, 17, 30, 31]);
  let value = 0n;
  for (let i = 0; i < digits; i++) value = (value << 4n) | BigInt(random.oneIn(3) ? 9 : random.below(10));
  const sign = random.oneIn(20) ? BigInt(random.below(16)) : random.pick(SIGNS);
  const bits = (value << 4n) | sign;
  return [bits >> 64n, BigInt.asUintN(64, bits)];
}

/** Decimal digits as characters: 16-bit ones, or bytes with the zone given. */
export function characters(random: RandomSource, kind: 'national' | 'zoned'): Pair {
  const zone = random.pick([0x30, 0xf0]);
  const element = (last: boolean): bigint => {
    if (kind === 'national') return last ? random.pick([0x2bn, 0x2dn]) : BigInt(0x30 + random.below(10));
    const sign = random.pick([0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0, 0x30, 0x70]);
    return BigInt((last ? sign : zone) | random.below(10));
  };
  const count = kind === 'national' ? 8 : 16;
  let value = 0n;
  for (let i = 0; i < count; i++) value = (value << BigInt(128 / count)) | element(i === count - 1);
  return [value >> 64n, BigInt.asUintN(64, value)];
}
