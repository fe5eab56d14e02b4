/**
 * Ordinary cases of scalar floating-point helpers with their exact status: rounding to nearest, nothing enabled, operands and
 * results zero or well inside the normal range.
 *
 * Whether a result's exact error (error-free.ts) is 0, and its sign against the result's, give FI and FR.
 */

import * as fpscr from '../../../cpu/fpscr.ts';
import { HELPER } from '../../../cpu/layout.ts';
import {
  type F64,
  f32,
  f64,
  f64c,
  type I32,
  type I64,
  i32,
  i32c,
  i64,
  i64c,
  load,
} from '../../../wasm/index.ts';
import { fused, productError, remainder, SCALAR, scalarToOdd, sumError } from './error-free.ts';
import { GREATEST_SINGLE, type HelperCode, LEAST_SINGLE, type Ordinary } from './helper-code.ts';

const { least: LEAST, greatest: GREATEST } = SCALAR;
const LEAST_NORMAL = 2 ** -1022;
/** Of a double's low word, the fraction bits that a single lacks; and those bits halfway between two singles. */
const BELOW_SINGLE = 0x1fffffff;
const SINGLE_TIE = 0x10000000;
const FR_SHIFT = 18;
const FX_SHIFT = 31;
/** Classes of results, in FPRF. */
const POSITIVE_NORMAL = 0x04 << fpscr.FPRF_SHIFT;
const POSITIVE_ZERO = 0x02 << fpscr.FPRF_SHIFT;
const NEGATIVE_ZERO = 0x12 << fpscr.FPRF_SHIFT;
const ZERO = f64c(0);

const isWithin = (x: F64, least: number, greatest: number): I32 =>
  i32.and(f64.ge(f64.abs(x), f64c(least)), f64.le(f64.abs(x), f64c(greatest)));
const isZero = (x: F64): I32 => f64.eq(x, ZERO);

/** The rounded result, and what the exact one has more: of it only the sign matters, and whether it is 0. */
type Rounded = { readonly result: F64; readonly error: F64 };

/** FPSCR after a rounded result: FI, FR, XX, FX, and in place of what `kept` leaves out the bits of `set`. */
function setRounded(code: HelperCode, old: I32, { result, error }: Rounded, kept: number, set: I32): void {
  const inexact = code.let(f64.ne(error, ZERO));
  const isUp = i32.wrap(i64.shrU(i64.xor(i64.reinterpret(error), i64.reinterpret(result)), i64c(63)));
  const raised = i32.and(inexact, i32.eqz(i32.and(old, i32c(fpscr.XX))));
  const status = [
    i32.and(i32.sub(i32c(0), inexact), i32c(fpscr.XX | fpscr.FI)),
    i32.shl(i32.and(inexact, isUp), i32c(FR_SHIFT)),
    i32.shl(raised, i32c(FX_SHIFT)),
    set,
  ];
  code.setStatus(status.reduce(i32.or, i32.and(old, i32c(kept & ~(fpscr.FR | fpscr.FI)))));
}

/** FPRF of a normal number or a zero. */
function classOf(code: HelperCode, value: F64): I32 {
  const negative = code.let(i32.wrap(i64.shrU(i64.reinterpret(value), i64c(63))));
  return i32.select(
    i32.select(i32c(NEGATIVE_ZERO), i32c(POSITIVE_ZERO), negative),
    i32.shl(i32c(POSITIVE_NORMAL), negative),
    isZero(value),
  );
}

/** Leaves the result at HELPER, its class and the status. */
function finish(code: HelperCode, old: I32, rounded: Rounded, negate = false): I32 {
  const value = code.let(negate ? f64.neg(rounded.result) : rounded.result);
  setRounded(code, old, rounded, ~fpscr.FPRF, classOf(code, value));
  code.body.store64(i32c(HELPER), i64.reinterpret(value));
  return i32c(1);
}

/** A result rounded to double once more rounded to single, as if at once: not so where the first rounding made a tie. */
function toSingle(code: HelperCode, { result, error }: Rounded): Rounded {
  code.needsEither(isWithin(result, LEAST_SINGLE, GREATEST_SINGLE), () => isZero(result));
  const below = i32.and(i32.wrap(i64.reinterpret(result)), i32c(BELOW_SINGLE));
  code.needs(i32.or(i32.ne(below, i32c(SINGLE_TIE)), isZero(error)));
  const rounded = code.let(f64.promote(f32.demote(result)));
  const rest = f64.sub(result, rounded);
  return { result: rounded, error: code.let(f64.select(error, rest, f64.eq(rounded, result))) };
}

/** Emits an operation on doubles, which stand in HELPER eight bytes apart. */
type Operation = (code: HelperCode, operands: readonly F64[]) => Rounded;

const sum: Operation = (code, [a, b]) => {
  const result = code.let(f64.add(a as F64, b as F64));
  // A sum that is not normal is exact; but its class is another.
  code.needsEither(isWithin(result, LEAST_NORMAL, GREATEST), () => isZero(result));
  return { result, error: sumError(code, SCALAR, a as F64, b as F64, result) };
};
const difference: Operation = (code, [a, b]) => sum(code, [a as F64, code.let(f64.neg(b as F64))]);

/** What is exact with a zero among its operands, and 0. */
const isExactZero = (result: F64, ...operands: readonly F64[]): I32 =>
  i32.and(isZero(result), operands.map(isZero).reduce(i32.or));

const product: Operation = (code, [a, b]) => {
  const result = code.let(f64.mul(a as F64, b as F64));
  code.needsEither(isWithin(result, LEAST, GREATEST), () => isExactZero(result, a as F64, b as F64));
  const error = productError(code, SCALAR, a as F64, b as F64, result);
  code.needs(f64.eq(error, error));
  return { result, error };
};

const quotient: Operation = (code, [a, b]) => {
  const [dividend, divisor] = [a as F64, b as F64];
  const result = code.let(f64.div(dividend, divisor));
  const isUsual = i32.and(isWithin(result, LEAST, GREATEST), isWithin(dividend, LEAST, GREATEST));
  code.needsEither(isUsual, () => isExactZero(result, dividend));
  const rest = remainder(code, SCALAR, dividend, result, divisor);
  code.needs(f64.eq(rest, rest));
  // The remainder has the error's sign where the divisor is positive.
  return { result, error: code.let(f64.mul(rest, f64.copysign(f64c(1), divisor))) };
};

const root: Operation = (code, [a]) => {
  const operand = a as F64;
  const result = code.let(f64.sqrt(operand));
  code.needsEither(isWithin(operand, LEAST, GREATEST), () => isZero(operand));
  code.needs(f64.eq(result, result));
  return { result, error: remainder(code, SCALAR, operand, result, result) };
};

function multiplyAdd(negateAddend: boolean): Operation {
  return (code, [a, c, b]) => {
    const [x, y] = [a as F64, c as F64];
    const addend = negateAddend ? code.let(f64.neg(b as F64)) : (b as F64);
    const { nearest, result, error, ...made } = fused(code, SCALAR, scalarToOdd, { a: x, c: y, b: addend });
    code.needsEither(isWithin(result, LEAST, GREATEST), () =>
      i32.and(isZero(result), i64.eq(i64.reinterpret(result), i64.reinterpret(nearest))),
    );
    code.needsEither(isWithin(made.product, LEAST, GREATEST), () => isExactZero(made.product, x, y));
    return { result, error: error() };
  };
}

function arithmetic(operation: Operation, count: number, single: boolean, negate = false): Ordinary {
  return (code) => {
    const old = code.plainStatus();
    const operands = [0, 8, 16].slice(0, count).map((offset) => code.double(offset));
    const exact = operation(code, operands);
    return finish(code, old, single ? toSingle(code, exact) : exact, negate);
  };
}
const both = (name: string, operation: Operation, count: number, negate = false): [string, Ordinary][] => [
  [name, arithmetic(operation, count, false, negate)],
  [`${name}s`, arithmetic(operation, count, true, negate)],
];

const roundToSingle: Ordinary = (code) => {
  const old = code.plainStatus();
  const operand = code.double(0);
  return finish(code, old, toSingle(code, { result: operand, error: ZERO }));
};

/** Integers whose error is one too: far enough from the ends of the range. */
const GREATEST_INTEGER = 1n << 62n;

function fromInteger(isSigned: boolean, single: boolean): Ordinary {
  return (code) => {
    const old = code.plainStatus();
    const integer = code.let(load.i64(i32c(HELPER)));
    code.needs(
      isSigned
        ? i64.ltU(i64.add(integer, i64c(GREATEST_INTEGER)), i64c(2n * GREATEST_INTEGER))
        : i64.ltU(integer, i64c(GREATEST_INTEGER)),
    );
    const result = code.let(single ? f64.promote(f32.convertI64S(integer)) : f64.convertI64S(integer));
    const error = code.let(f64.convertI64S(i64.sub(integer, i64.truncSatS(result))));
    return finish(code, old, { result, error });
  };
}

/** Of a type of integers: what a rounded double must be at least, and below. */
type Range = { readonly least: number; readonly below: number };
const range = (bits: number, isSigned: boolean): Range =>
  isSigned ? { least: -(2 ** (bits - 1)), below: 2 ** (bits - 1) } : { least: 0, below: 2 ** bits };

/** An integer of 32 or 64 bits; words fill both halves. `offset` is where operand and result stand in HELPER. */
function toInteger(bits: number, isSigned: boolean, round: (x: F64) => F64, offset: number): Ordinary {
  return (code) => {
    const old = code.plainStatus();
    const operand = code.double(offset);
    const result = code.let(round(operand));
    const { least, below } = range(bits, isSigned);
    code.needs(i32.and(f64.ge(result, f64c(least)), f64.lt(result, f64c(below))));
    setRounded(code, old, { result, error: code.let(f64.sub(operand, result)) }, -1, i32c(0));
    const integer = isSigned ? i64.truncSatS(result) : i64.truncSatU(result);
    const twice = (word: I64): I64 => i64.mul(i64.extendU(i32.wrap(word)), i64c(0x1_0000_0001n));
    if (offset > 0) code.body.store64(i32c(HELPER), i64c(0));
    code.body.store64(i32c(HELPER + offset), bits === 32 ? twice(integer) : integer);
    return i32c(1);
  };
}

/** Rounded to an integral value. @param isExact no inexact result is reported */
function toIntegral(round: (code: HelperCode, x: F64) => F64, isExact: boolean): Ordinary {
  return (code) => {
    const old = code.plainStatus();
    const operand = code.double(0);
    code.needs(f64.le(f64.abs(operand), f64c(GREATEST)));
    const result = code.let(round(code, operand));
    return finish(code, old, { result, error: isExact ? ZERO : code.let(f64.sub(operand, result)) });
  };
}
function awayFromTies(code: HelperCode, x: F64): F64 {
  const cut = code.let(f64.trunc(x));
  const step = f64.select(f64c(1), ZERO, f64.ge(f64.abs(f64.sub(x, cut)), f64c(0.5)));
  return f64.add(cut, f64.copysign(step, x));
}
const plainly = (round: (x: F64) => F64) => (_: HelperCode, x: F64) => round(x);

/** The condition LT 8, GT 4, EQ 2, also in FPCC. */
const compare: Ordinary = (code) => {
  const [a, b] = [code.double(0), code.double(8)];
  const order = i32.or(
    i32.shl(f64.lt(a, b), i32c(3)),
    i32.or(i32.shl(f64.gt(a, b), i32c(2)), i32.shl(f64.eq(a, b), i32c(1))),
  );
  const condition = code.let(order);
  code.needs(condition);
  const others = i32.and(code.status(), i32c(~fpscr.FPCC));
  code.setStatus(i32.or(others, i32.shl(condition, i32c(fpscr.FPRF_SHIFT))));
  return condition;
};

/** All ones or zeros in doubleword 0; the answer as of the vector compares. */
function compareToMask(relation: (a: F64, b: F64) => I32): Ordinary {
  return (code) => {
    const [a, b] = [code.double(8), code.double(24)];
    code.needs(i32.and(f64.eq(a, a), f64.eq(b, b)));
    const holds = code.let(relation(a, b));
    code.body.store64(i32c(HELPER + 8), i64.sub(i64c(0), i64.extendU(holds)));
    return i32.select(i32c(16 | 8), i32c(16 | 2), holds);
  };
}

const toIntegers = [true, false].flatMap((isSigned): [string, Ordinary][] =>
  [32, 64].flatMap((bits): [string, Ordinary][] => {
    const classic = `fcti${bits === 32 ? 'w' : 'd'}${isSigned ? '' : 'u'}`;
    return [
      [classic, toInteger(bits, isSigned, f64.nearest, 0)],
      [`${classic}z`, toInteger(bits, isSigned, f64.trunc, 0)],
      [`xscvdp${isSigned ? 's' : 'u'}x${bits === 32 ? 'w' : 'd'}s`, toInteger(bits, isSigned, f64.trunc, 8)],
    ];
  }),
);

// biome-ignore format: related entries share a line
export const SCALAR_HELPERS: ReadonlyMap<string, Ordinary> = new Map<string, Ordinary>([
  ...both('fadd', sum, 2), ...both('fsub', difference, 2), ...both('fmul', product, 2), ...both('fdiv', quotient, 2),
  ...both('fsqrt', root, 1),
  ...both('fmadd', multiplyAdd(false), 3), ...both('fmsub', multiplyAdd(true), 3),
  ...both('fnmadd', multiplyAdd(false), 3, true), ...both('fnmsub', multiplyAdd(true), 3, true),
  ['frsp', roundToSingle],
  ['fcfid', fromInteger(true, false)], ['fcfids', fromInteger(true, true)],
  ['fcfidu', fromInteger(false, false)], ['fcfidus', fromInteger(false, true)],
  ...toIntegers,
  ['xsrdpi', toIntegral(awayFromTies, true)], ['xsrdpiz', toIntegral(plainly(f64.trunc), true)],
  ['xsrdpip', toIntegral(plainly(f64.ceil), true)], ['xsrdpim', toIntegral(plainly(f64.floor), true)],
  ['xsrdpic', toIntegral(plainly(f64.nearest), false)],
  ['fcmp', compare],
  ['xscmpeqdp', compareToMask(f64.eq)], ['xscmpgtdp', compareToMask(f64.gt)], ['xscmpgedp', compareToMask(f64.ge)],
]);
