/**
 * Ordinary cases of the conversions of vector-scalar vectors, and of rounding to integral values. Narrow elements beside wide
 * ones are the even ones of the ISA's numbering, that is the upper half of each doubleword.
 */

import { XX } from '../../../cpu/fpscr.ts';
import {
  constant128,
  doubles128,
  f32x4,
  f64,
  f64x2,
  type I32,
  type I64,
  i32,
  i32c,
  i32x4,
  i64,
  i64c,
  i64x2,
  pair64,
  singles128,
  type V128,
  v128,
} from '../../../wasm/index.ts';
import { all, GREATEST_SINGLE, type HelperCode, LEAST_SINGLE, type Ordinary } from './helper-code.ts';

const UPPER_WORDS = [4, 5, 6, 7, 12, 13, 14, 15];
/** The even words in the two lower lanes. */
const evenWords = (x: V128): V128 => v128.shuffle(x, x, [...UPPER_WORDS, ...UPPER_WORDS]);
/** The two lower lanes, each in both halves of a doubleword. */
const inBothWords = (x: V128): V128 => v128.shuffle(x, x, [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7]);

/** Results that are always exact: nothing is asked of FPSCR. */
function exact(convert: (x: V128) => V128): Ordinary {
  return (code) => {
    code.setVector(convert(code.vector(0)));
    return i32c(1);
  };
}

/** Singles widened; NaNs keep their payload elsewhere. */
const toDoubles: Ordinary = (code) => {
  const result = code.let(f64x2.promoteLow(evenWords(code.vector(0))));
  code.needs(all(f64x2.eq(result, result)));
  code.setVector(result);
  return i32c(1);
};
const toSingles: Ordinary = (code) => {
  const status = code.plainStatus();
  const operand = code.vector(0);
  const magnitude = code.let(f64x2.abs(operand));
  const isNormal = v128.and(
    f64x2.ge(magnitude, doubles128(LEAST_SINGLE)),
    f64x2.le(magnitude, doubles128(GREATEST_SINGLE)),
  );
  code.needs(all(v128.or(isNormal, f64x2.eq(operand, doubles128(0)))));
  const result = code.let(f32x4.demote(operand));
  code.raiseInexact(status, () => v128.anyTrue(f64x2.ne(f64x2.promoteLow(result), operand)));
  code.setVector(inBothWords(result));
  return i32c(1);
};

/** Needs that nothing is inexact, or that FPSCR says already that something was. */
function needsExact(code: HelperCode, status: I32, isExact: I32): void {
  code.needs(i32.or(i32.and(status, i32c(XX)), isExact));
}

function fromDoublewords(isSigned: boolean): Ordinary {
  return (code) => {
    const status = code.plainStatus();
    const operand = code.vector(0);
    const integers = [0, 1].map((lane) => code.let(i64x2.extract(operand, lane)));
    const fits = (x: I64): I32 =>
      isSigned ? i64.ltU(i64.add(x, i64c(2n ** 53n)), i64c(2n ** 54n)) : i64.ltU(x, i64c(2n ** 53n));
    needsExact(code, status, integers.map(fits).reduce(i32.and));
    const convert = isSigned ? f64.convertI64S : f64.convertI64U;
    const [low, high] = integers.map((each) => i64.reinterpret(convert(each))) as [I64, I64];
    code.setVector(pair64(low, high));
    return i32c(1);
  };
}
function singlesFromWords(isSigned: boolean): Ordinary {
  return (code) => {
    const status = code.plainStatus();
    const operand = code.vector(0);
    const magnitude = isSigned ? i32x4.abs(operand) : operand;
    const isLong = v128.anyTrue(i32x4.gtU(magnitude, i32x4.splat(i32c(2 ** 24))));
    needsExact(code, status, i32.eqz(isLong));
    code.setVector(isSigned ? f32x4.convertS(operand) : f32x4.convertU(operand));
    return i32c(1);
  };
}

/**
 * Toward zero, where the integers are in their type's range.
 * @param convert takes lanes that are integral
 */
function toIntegers(
  lanes: typeof SINGLES | typeof DOUBLES,
  operandOf: (x: V128) => V128,
  { bits, isSigned }: { readonly bits: number; readonly isSigned: boolean },
  convert: (integral: V128) => V128,
): Ordinary {
  const { float, constant } = lanes;
  const least = constant(isSigned ? -(2 ** (bits - 1)) : 0);
  const below = constant(isSigned ? 2 ** (bits - 1) : 2 ** bits);
  return (code) => {
    const status = code.plainStatus();
    const operand = code.let(operandOf(code.vector(0)));
    const integral = code.let(float.trunc(operand));
    code.needs(all(v128.and(float.ge(integral, least), float.lt(integral, below))));
    code.raiseInexact(status, () => v128.anyTrue(float.ne(integral, operand)));
    code.setVector(convert(integral));
    return i32c(1);
  };
}
const SINGLES = { float: f32x4, constant: singles128 } as const;
const DOUBLES = { float: f64x2, constant: doubles128 } as const;
const same = (x: V128): V128 => x;
const doublewords = (isSigned: boolean) => {
  const convert = isSigned ? i64.truncSatS : i64.truncSatU;
  return (x: V128): V128 => pair64(convert(f64x2.extract(x, 0)), convert(f64x2.extract(x, 1)));
};
const conversions = [true, false].flatMap((isSigned): [string, Ordinary][] => {
  const letter = isSigned ? 's' : 'u';
  const [word, doubleword] = [
    { bits: 32, isSigned },
    { bits: 64, isSigned },
  ];
  const low = isSigned ? i32x4.truncSatLowS : i32x4.truncSatLowU;
  const promoted = (x: V128): V128 => f64x2.promoteLow(evenWords(x));
  return [
    [`xvcvdp${letter}xds`, toIntegers(DOUBLES, same, doubleword, doublewords(isSigned))],
    [`xvcvdp${letter}xws`, toIntegers(DOUBLES, same, word, (x) => inBothWords(low(x)))],
    [`xvcvsp${letter}xds`, toIntegers(DOUBLES, promoted, doubleword, doublewords(isSigned))],
    [`xvcvsp${letter}xws`, toIntegers(SINGLES, same, word, isSigned ? i32x4.truncSatS : i32x4.truncSatU)],
    [`xvcv${letter}xddp`, fromDoublewords(isSigned)],
    [`xvcv${letter}xwdp`, exact((x) => (isSigned ? f64x2.convertLowS : f64x2.convertLowU)(evenWords(x)))],
    [`xvcv${letter}xwsp`, singlesFromWords(isSigned)],
  ];
});

/** To integral values; `isExact`: an inexact one is not reported. */
function toIntegral(
  { float }: typeof SINGLES | typeof DOUBLES,
  round: (code: HelperCode, x: V128) => V128,
  isExact: boolean,
): Ordinary {
  return (code) => {
    const status = code.plainStatus();
    const operand = code.vector(0);
    code.needs(all(float.eq(operand, operand)));
    const result = code.let(round(code, operand));
    if (!isExact) code.raiseInexact(status, () => v128.anyTrue(float.ne(result, operand)));
    code.setVector(result);
    return i32c(1);
  };
}
/** The step away from zero has the operand's sign also where it is 0: the sign of a zero stays. */
function awayFromTies({ float, constant }: typeof SINGLES | typeof DOUBLES, sign: V128) {
  return (code: HelperCode, x: V128): V128 => {
    const cut = code.let(float.trunc(x));
    const isStep = float.ge(float.abs(float.sub(x, cut)), constant(0.5));
    return float.add(cut, v128.or(v128.and(isStep, constant(1)), v128.and(x, sign)));
  };
}
const integrals = (
  [
    ['xvrdpi', DOUBLES, constant128(1n << 63n, 1n << 63n)],
    ['xvrspi', SINGLES, constant128(0x8000000080000000n, 0x8000000080000000n)],
  ] as const
).flatMap(([stem, lanes, sign]): [string, Ordinary][] => {
  const { float } = lanes;
  return [
    [stem, toIntegral(lanes, awayFromTies(lanes, sign), true)],
    [`${stem}z`, toIntegral(lanes, (_, x) => float.trunc(x), true)],
    [`${stem}p`, toIntegral(lanes, (_, x) => float.ceil(x), true)],
    [`${stem}m`, toIntegral(lanes, (_, x) => float.floor(x), true)],
    [`${stem}c`, toIntegral(lanes, (_, x) => float.nearest(x), false)],
  ];
});

// biome-ignore format: related entries share a line
export const VECTOR_CONVERT_HELPERS: ReadonlyMap<string, Ordinary> = new Map<string, Ordinary>([
  ...conversions, ...integrals,
  ['xvcvspdp', toDoubles], ['xvcvdpsp', toSingles],
]);
