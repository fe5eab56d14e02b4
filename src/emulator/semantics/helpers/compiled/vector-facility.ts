/**
 * Ordinary cases of the vector facility's floating-point helpers: rounded to nearest, no exceptions, FPSCR untouched. With VSCR[NJ]
 * denormal numbers count as zeros, so they are left to TypeScript whatever it is; conversions from and to words do not look at it.
 */

import { f32, f32x4, type I32, i32, i32c, i32x4, singles128, type V128, v128 } from '../../../wasm/index.ts';
import { all, GREATEST_SINGLE, type HelperCode, type Ordinary } from './helper-code.ts';
import { conditionOf, multiplyAddSingles } from './vector.ts';

const LEAST_NORMAL = singles128(2 ** -126);
/** Results up to here have not overflowed. */
const GREATEST = singles128(GREATEST_SINGLE);
const isZero = (x: V128): V128 => f32x4.eq(x, singles128(0));
/** Neither denormal nor a NaN. */
const isOrdinary = (x: V128): V128 => v128.or(f32x4.ge(f32x4.abs(x), LEAST_NORMAL), isZero(x));

const operandsOf = (code: HelperCode, count: number): readonly V128[] => {
  const operands = [0, 1, 2].slice(0, count).map((n) => code.vector(n));
  code.needs(all(operands.map(isOrdinary).reduce(v128.and)));
  return operands;
};

function arithmetic(operation: (a: V128, b: V128) => V128): Ordinary {
  return (code) => {
    const [a, b] = operandsOf(code, 2) as [V128, V128];
    const result = code.let(operation(a, b));
    code.needs(all(v128.and(isOrdinary(result), f32x4.le(f32x4.abs(result), GREATEST))));
    code.setVector(result);
    return i32c(0);
  };
}
/** a × c + b; negated: −(a × c − b). */
function multiplyAdd(negated: boolean): Ordinary {
  return (code) => {
    const [a, c, b] = operandsOf(code, 3) as [V128, V128, V128];
    const { result, isExact } = multiplyAddSingles(code, a, c, negated ? code.let(f32x4.neg(b)) : b);
    const magnitude = code.let(f32x4.abs(result));
    // The least normal number may have come from below.
    const isUsual = code.let(v128.and(f32x4.gt(magnitude, LEAST_NORMAL), f32x4.le(magnitude, GREATEST)));
    code.needsEither(all(isUsual), () => all(v128.or(isUsual, v128.and(isZero(result), isExact()))));
    code.setVector(negated ? f32x4.neg(result) : result);
    return i32c(0);
  };
}
function extreme(take: 'max' | 'min'): Ordinary {
  return (code) => {
    const [a, b] = operandsOf(code, 2) as [V128, V128];
    code.setVector(f32x4[take](a, b));
    return i32c(0);
  };
}
function compare(relation: 'eq' | 'gt' | 'ge'): Ordinary {
  return (code) => {
    const [a, b] = operandsOf(code, 2) as [V128, V128];
    const mask = code.let(f32x4[relation](a, b));
    code.setVector(mask);
    return conditionOf(mask);
  };
}
function toIntegral(round: (x: V128) => V128): Ordinary {
  return (code) => {
    const [a] = operandsOf(code, 1) as [V128];
    code.setVector(round(a));
    return i32c(0);
  };
}

/** 2 to the power of −127 to 127 in all lanes. */
const power = (exponent: I32): V128 =>
  f32x4.splat(f32.reinterpret(i32.shl(i32.add(exponent, i32c(127)), i32c(23))));

/** Words saturate, a NaN gives zero; answers 1 on saturation. */
function toWords(isSigned: boolean): Ordinary {
  const [least, below] = isSigned ? [-(2 ** 31), 2 ** 31] : [0, 2 ** 32];
  return (code, scale) => {
    const scaled = code.let(f32x4.mul(code.vector(0), power(scale)));
    const integral = code.let(f32x4.trunc(scaled));
    code.setVector(isSigned ? i32x4.truncSatS(scaled) : i32x4.truncSatU(scaled));
    const isOutside = v128.or(
      f32x4.lt(integral, singles128(least as number)),
      f32x4.ge(integral, singles128(below as number)),
    );
    return v128.anyTrue(isOutside);
  };
}
/** At most 2^-31 of a number that is at least 1: never denormal. */
function fromWords(isSigned: boolean): Ordinary {
  return (code, scale) => {
    const words = code.vector(0);
    const converted = isSigned ? f32x4.convertS(words) : f32x4.convertU(words);
    code.setVector(f32x4.mul(converted, power(i32.sub(i32c(0), scale))));
    return i32c(0);
  };
}

// biome-ignore format: related entries share a line
export const VECTOR_FACILITY_HELPERS: ReadonlyMap<string, Ordinary> = new Map<string, Ordinary>([
  ['vaddfp', arithmetic(f32x4.add)], ['vsubfp', arithmetic(f32x4.sub)],
  ['vmaddfp', multiplyAdd(false)], ['vnmsubfp', multiplyAdd(true)],
  ['vmaxfp', extreme('max')], ['vminfp', extreme('min')],
  ['vcmpeqfp', compare('eq')], ['vcmpgtfp', compare('gt')], ['vcmpgefp', compare('ge')],
  ['vrfin', toIntegral(f32x4.nearest)], ['vrfiz', toIntegral(f32x4.trunc)],
  ['vrfip', toIntegral(f32x4.ceil)], ['vrfim', toIntegral(f32x4.floor)],
  ['vctsxs', toWords(true)], ['vctuxs', toWords(false)], ['vcfsx', fromWords(true)], ['vcfux', fromWords(false)],
]);
