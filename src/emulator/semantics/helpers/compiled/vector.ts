/**
 * Ordinary cases of the helpers of vector-scalar vectors: two doubles (dp) or four singles (sp), rounding to nearest, nothing
 * enabled, results zero or well inside the normal range. Such a case changes of FPSCR at most XX and FX.
 */

import {
  doubles128,
  f32x4,
  f64x2,
  type I32,
  i32,
  i32c,
  i64x2,
  singles128,
  type V128,
  v128,
} from '../../../wasm/index.ts';
import {
  DOUBLES,
  doublesToOdd,
  fused,
  type Numbers,
  productError,
  remainder,
  SINGLES,
  sumError,
} from './error-free.ts';
import { all, GREATEST_SINGLE, type HelperCode, LEAST_SINGLE, type Ordinary } from './helper-code.ts';

/** Lanes of one format. */
type Lanes = {
  readonly numbers: Numbers<'v128'>;
  readonly float: typeof f64x2 | typeof f32x4;
  readonly constant: (value: number) => V128;
};
const DP: Lanes = {
  numbers: DOUBLES,
  float: f64x2,
  constant: doubles128,
};
const SP: Lanes = {
  numbers: SINGLES,
  float: f32x4,
  constant: singles128,
};

const isWithin = ({ float, constant }: Lanes, x: V128, least: number, greatest: number): V128 =>
  v128.and(float.ge(float.abs(x), constant(least)), float.le(float.abs(x), constant(greatest)));
const isOrdinary = (lanes: Lanes, x: V128): V128 =>
  isWithin(lanes, x, lanes.numbers.least, lanes.numbers.greatest);
const isZero = ({ float, constant }: Lanes, x: V128): V128 => float.eq(x, constant(0));

/** All lanes hold for `usual`, or for `rare` where they do not. */
function needsLanes(code: HelperCode, usual: V128, rare: () => V128): void {
  const mask = code.let(usual);
  code.needsEither(all(mask), () => all(v128.or(mask, rare())));
}
/** What is exact with a zero among its operands, and 0. */
const isExactZero = (lanes: Lanes, result: V128, ...operands: readonly V128[]): V128 =>
  v128.and(isZero(lanes, result), operands.map((each) => isZero(lanes, each)).reduce(v128.or));

/** Emits the rounded result, and whether some lane is not exact. */
type Rounded = { readonly result: V128; readonly isInexact: () => I32 };
type Operation = (code: HelperCode, lanes: Lanes, operands: readonly V128[]) => Rounded;

/** Whether some lane's error is not 0; a NaN says that it is not known. */
function isNotZero(code: HelperCode, { float, constant }: Lanes, error: V128): I32 {
  const each = code.let(error);
  code.needs(all(float.eq(each, each)));
  return v128.anyTrue(float.ne(each, constant(0)));
}

const sum: Operation = (code, lanes, [a, b]) => {
  const [x, y] = [a as V128, b as V128];
  const result = code.let(lanes.numbers.add(x, y));
  // A sum below the normal range is exact.
  code.needs(all(lanes.float.le(lanes.float.abs(result), lanes.constant(lanes.numbers.greatest))));
  return { result, isInexact: () => isNotZero(code, lanes, sumError(code, lanes.numbers, x, y, result)) };
};
const difference: Operation = (code, lanes, [a, b]) =>
  sum(code, lanes, [a as V128, code.let(lanes.float.neg(b as V128))]);

const product: Operation = (code, lanes, [a, b]) => {
  const [x, y] = [a as V128, b as V128];
  const result = code.let(lanes.numbers.mul(x, y));
  needsLanes(code, isOrdinary(lanes, result), () => isExactZero(lanes, result, x, y));
  return { result, isInexact: () => isNotZero(code, lanes, productError(code, lanes.numbers, x, y, result)) };
};

const quotient: Operation = (code, lanes, [a, b]) => {
  const [dividend, divisor] = [a as V128, b as V128];
  const { float, numbers } = lanes;
  const result = code.let(float.div(dividend, divisor));
  needsLanes(code, v128.and(isOrdinary(lanes, result), isOrdinary(lanes, dividend)), () =>
    isExactZero(lanes, result, dividend),
  );
  return {
    result,
    isInexact: () => isNotZero(code, lanes, remainder(code, numbers, dividend, result, divisor)),
  };
};

const root: Operation = (code, lanes, [a]) => {
  const operand = a as V128;
  const { float, numbers } = lanes;
  const result = code.let(float.sqrt(operand));
  const isUsual = v128.and(isOrdinary(lanes, operand), float.eq(result, result));
  needsLanes(code, isUsual, () => isZero(lanes, operand));
  return {
    result,
    isInexact: () => isNotZero(code, lanes, remainder(code, numbers, operand, result, result)),
  };
};

/** Of two doubles each. */
function multiplyAddDoubles(code: HelperCode, a: V128, c: V128, b: V128): Rounded {
  const { product: p, nearest, result, error } = fused(code, DOUBLES, doublesToOdd, { a, c, b });
  const isRarelyRight = (): V128 => v128.and(isZero(DP, result), i64x2.eq(result, nearest));
  needsLanes(code, isOrdinary(DP, result), isRarelyRight);
  needsLanes(code, isOrdinary(DP, p), () => isExactZero(DP, p, a, c));
  return { result, isInexact: () => isNotZero(code, DP, error()) };
}

const LOW = [0, 1, 2, 3, 4, 5, 6, 7];
const HIGH = LOW.map((lane) => lane + 8);
const upper = (x: V128): V128 => v128.shuffle(x, x, [...HIGH, ...HIGH]);
/** The two singles at the lower end of each vector. */
const joined = (low: V128, high: V128): V128 =>
  v128.shuffle(low, high, [...LOW, ...LOW.map((lane) => lane + 16)]);

/**
 * a × c + b of singles by doubles: the product is exact there, and the sum rounded to odd has bits enough for the rounding to
 * single to be the only one.
 * @returns `isExact` has lanes of ones
 */
export function multiplyAddSingles(
  code: HelperCode,
  a: V128,
  c: V128,
  b: V128,
): { readonly result: V128; readonly isExact: () => V128 } {
  const half = (take: (x: V128) => V128): { readonly odd: V128; readonly single: V128 } => {
    const [x, y, z] = [a, c, b].map((each) => f64x2.promoteLow(take(each))) as [V128, V128, V128];
    const p = code.let(f64x2.mul(x, y));
    const addend = code.let(z);
    const nearest = code.let(f64x2.add(p, addend));
    const odd = doublesToOdd(code, nearest, sumError(code, DOUBLES, p, addend, nearest));
    return { odd, single: code.let(f32x4.demote(odd)) };
  };
  const [low, high] = [half((x) => x), half(upper)];
  const isExact = (): V128 => {
    const [first, second] = [low, high].map(({ odd, single }) => f64x2.eq(f64x2.promoteLow(single), odd));
    const words = [0, 1, 2, 3, 8, 9, 10, 11];
    return v128.shuffle(first as V128, second as V128, [...words, ...words.map((lane) => lane + 16)]);
  };
  return { result: code.let(joined(low.single, high.single)), isExact };
}

function multiplyAdd(negateAddend: boolean): Operation {
  return (code, lanes, [a, c, b]) => {
    const [x, y] = [a as V128, c as V128];
    const addend = negateAddend ? code.let(lanes.float.neg(b as V128)) : (b as V128);
    if (lanes === DP) return multiplyAddDoubles(code, x, y, addend);
    const { result, isExact } = multiplyAddSingles(code, x, y, addend);
    needsLanes(code, isWithin(SP, result, LEAST_SINGLE, GREATEST_SINGLE), () =>
      v128.and(isZero(SP, result), isExact()),
    );
    return { result, isInexact: () => i32.eqz(all(isExact())) };
  };
}

function arithmetic(lanes: Lanes, operation: Operation, count: number, negate = false): Ordinary {
  return (code) => {
    const status = code.plainStatus();
    const operands = [0, 1, 2].slice(0, count).map((n) => code.vector(n));
    const { result, isInexact } = operation(code, lanes, operands);
    code.raiseInexact(status, isInexact);
    code.setVector(negate ? lanes.float.neg(result) : result);
    return i32c(1);
  };
}

/** The greater or the lesser, positive zero being more than negative zero. */
function extreme({ float }: Lanes, take: 'max' | 'min'): Ordinary {
  return (code) => {
    const [a, b] = [code.vector(0), code.vector(1)];
    code.needs(all(v128.and(float.eq(a, a), float.eq(b, b))));
    code.setVector(float[take](a, b));
    return i32c(1);
  };
}

/** CR6 of a vector compare from its mask: LT when all lanes are true, EQ when none is. */
export function conditionOf(mask: V128): I32 {
  return i32.or(i32.shl(all(mask), i32c(3)), i32.shl(i32.eqz(v128.anyTrue(mask)), i32c(1)));
}
function compare({ float }: Lanes, relation: 'eq' | 'gt' | 'ge'): Ordinary {
  return (code) => {
    const [a, b] = [code.vector(0), code.vector(1)];
    code.needs(all(v128.and(float.eq(a, a), float.eq(b, b))));
    const mask = code.let(float[relation](a, b));
    code.setVector(mask);
    return i32.or(conditionOf(mask), i32c(16));
  };
}

const inBoth = (
  make: (lanes: Lanes, suffix: 'dp' | 'sp') => readonly [string, Ordinary][],
): [string, Ordinary][] => [...make(DP, 'dp'), ...make(SP, 'sp')];

// biome-ignore format: related entries share a line
export const VECTOR_HELPERS: ReadonlyMap<string, Ordinary> = new Map<string, Ordinary>(inBoth((lanes, suffix) => [
  [`xvadd${suffix}`, arithmetic(lanes, sum, 2)], [`xvsub${suffix}`, arithmetic(lanes, difference, 2)],
  [`xvmul${suffix}`, arithmetic(lanes, product, 2)], [`xvdiv${suffix}`, arithmetic(lanes, quotient, 2)],
  [`xvsqrt${suffix}`, arithmetic(lanes, root, 1)],
  [`xvmadd${suffix}`, arithmetic(lanes, multiplyAdd(false), 3)], [`xvmsub${suffix}`, arithmetic(lanes, multiplyAdd(true), 3)],
  [`xvnmadd${suffix}`, arithmetic(lanes, multiplyAdd(false), 3, true)],
  [`xvnmsub${suffix}`, arithmetic(lanes, multiplyAdd(true), 3, true)],
  [`xvmax${suffix}`, extreme(lanes, 'max')], [`xvmin${suffix}`, extreme(lanes, 'min')],
  ...(['eq', 'gt', 'ge'] as const).map((each): [string, Ordinary] => [`xvcmp${each}${suffix}`, compare(lanes, each)]),
]));
