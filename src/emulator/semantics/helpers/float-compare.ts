/**
 * Helpers of floating-point comparisons, maxima and minima, and tests: Power ISA 3.0B, Book I §4.6.8 and §7.6.
 * Scalars compare doublewords at HELPER and HELPER + 8; vectors and quads stand 16 bytes apart.
 */

import * as fpscr from '../../cpu/fpscr.ts';
import { FPSCR, HELPER } from '../../cpu/layout.ts';
import { readElement, widthOf, writeElement } from './elements.ts';
import { raise, trapEnabled, vector } from './float.ts';
import type { Helper } from './helper.ts';
import {
  compare,
  DOUBLE,
  type Format,
  isSignaling,
  type Order,
  propagate,
  QUAD,
  SINGLE,
  unpack,
  type Value,
} from './softfloat/index.ts';

const CONDITION: Readonly<Record<Order, number>> = { less: 8, greater: 4, equal: 2, unordered: 1 };

/** What a comparison with a NaN raises: a signaling NaN always, any NaN when ordered. */
function nanFlags(a: bigint, b: bigint, f: Format, ordered: boolean, enables: number): number {
  if (isSignaling(a, f) || isSignaling(b, f)) {
    return fpscr.VXSNAN | (ordered && (enables & fpscr.VE) === 0 ? fpscr.VXVC : 0);
  }
  return ordered ? fpscr.VXVC : 0;
}

function setFpcc(state: DataView, condition: number): void {
  const old = state.getUint32(FPSCR, true);
  state.setUint32(FPSCR, ((old & ~fpscr.FPCC) | (condition << fpscr.FPRF_SHIFT)) >>> 0, true);
}

/** Argument: 1 for the ordered compare. Answers the condition, which is also in FPCC. */
function scalarCompare(f: Format, distance: number): Helper {
  return {
    arity: 1,
    run: (state, ordered) => {
      const read = (at: number): bigint =>
        f === QUAD ? readElement(state, at / 16, 0, 16) : state.getBigUint64(HELPER + at, true);
      const [a, b] = [read(0), read(distance)];
      const order = compare(a, b, f);
      setFpcc(state, CONDITION[order]);
      if (order === 'unordered')
        raise(state, nanFlags(a, b, f, ordered !== 0, state.getUint32(FPSCR, true)), 0);
      return CONDITION[order];
    },
  };
}

type Relation = 'eq' | 'gt' | 'ge';
const HOLDS: Readonly<Record<Relation, readonly Order[]>> = {
  eq: ['equal'],
  gt: ['greater'],
  ge: ['greater', 'equal'],
};

/**
 * Element masks. Answers 16 when the target is to be written, with CR6's value (8 all true, 2 none) below; 0 to keep it.
 */
function vectorCompare(f: Format, relation: Relation, count: number): Helper {
  const width = widthOf(f);
  const ordered = relation !== 'eq';
  return {
    arity: 0,
    run: (state) => {
      const enables = state.getUint32(FPSCR, true);
      let flags = 0;
      const masks = Array.from({ length: count }, (_, i) => {
        const [a, b] = [readElement(state, 0, i, width), readElement(state, 1, i, width)];
        const order = compare(a, b, f);
        if (order === 'unordered') flags |= nanFlags(a, b, f, ordered, enables);
        return HOLDS[relation].includes(order);
      });
      raise(state, flags, 0);
      if (trapEnabled(flags, enables)) return 0;
      masks.forEach((mask, i) => {
        writeElement(state, i, width, mask ? -1n : 0n);
      });
      return 16 | (masks.every((mask) => mask) ? 8 : 0) | (masks.some((mask) => mask) ? 0 : 2);
    },
  };
}

/** The IEEE 754-2008 maxNum and minNum: a quiet NaN loses against a number; positive zero is more than negative zero. */
function extreme(f: Format, greatest: boolean): Helper {
  return vector(2, f, ([a, b], context) => {
    const [x, y] = [unpack(a as bigint, f), unpack(b as bigint, f)];
    const quiet = (value: Value): boolean => value.kind === 'nan' && value.quiet;
    if (quiet(x) && y.kind !== 'nan') return b as bigint;
    if (quiet(y) && x.kind !== 'nan') return a as bigint;
    return propagate([x, y], f, context) ?? choose(a as bigint, b as bigint, f, greatest);
  });
}
function choose(a: bigint, b: bigint, f: Format, greatest: boolean): bigint {
  const order = compare(a, b, f);
  if (order === 'equal') return unpack(a, f).negative === greatest ? b : a;
  return (order === 'greater') === greatest ? a : b;
}
/** The maximum as C's `a > b ? a : b` has it: NaNs and equal operands give the second. */
function conditional(greatest: boolean): Helper {
  return vector(2, DOUBLE, ([a, b], context) => {
    const order = compare(a as bigint, b as bigint, DOUBLE);
    if (order === 'unordered') context.flags |= nanFlags(a as bigint, b as bigint, DOUBLE, false, 0);
    return order === (greatest ? 'greater' : 'less') ? (a as bigint) : (b as bigint);
  });
}
/** Java's: the first NaN, unchanged. */
function javaLike(greatest: boolean): Helper {
  return vector(2, DOUBLE, ([a, b], context) => {
    const [x, y] = [unpack(a as bigint, DOUBLE), unpack(b as bigint, DOUBLE)];
    if (x.kind !== 'nan' && y.kind !== 'nan') return choose(a as bigint, b as bigint, DOUBLE, greatest);
    const [nan, bits] = x.kind === 'nan' ? [x, a as bigint] : [y, b as bigint];
    if (nan.kind === 'nan' && !nan.quiet) context.flags |= fpscr.VXSNAN;
    return bits;
  });
}

const exponentOf = (bits: bigint, f: Format): number =>
  (Number(bits >> BigInt(f.fractionBits)) & (2 ** f.exponentBits - 1)) - f.bias;
const isTiny = (value: Value, f: Format): boolean =>
  value.kind === 'finite' && value.significand >> BigInt(f.fractionBits) === 0n;

/** FG (4): a special case the software routine cannot take; FE (2): its exponents could leave the range. */
function testDivide(a: bigint, b: bigint, f: Format): number {
  const [x, y] = [unpack(a, f), unpack(b, f)];
  if (x.kind === 'infinity' || y.kind === 'infinity' || y.kind === 'zero') return 6;
  const [ea, eb] = [exponentOf(a, f), exponentOf(b, f)];
  const least = 1 - f.bias;
  const near = (): boolean => ea - eb >= f.bias || ea - eb <= least + 1 || ea <= least + f.fractionBits;
  const fe =
    x.kind === 'nan' || y.kind === 'nan' || eb <= least || eb >= f.bias - 2 || (x.kind !== 'zero' && near());
  return (isTiny(y, f) ? 4 : 0) | (fe ? 2 : 0);
}
function testRoot(b: bigint, f: Format): number {
  const y = unpack(b, f);
  if (y.kind === 'infinity' || y.kind === 'zero') return 6;
  const fe = y.kind === 'nan' || y.negative || exponentOf(b, f) <= 1 - f.bias + f.fractionBits;
  return (isTiny(y, f) ? 4 : 0) | (fe ? 2 : 0);
}
/** Tests of all elements together; doublewords of scalars stand in element 0. */
function test(f: Format, count: number, one: (state: DataView, i: number, width: number) => number): Helper {
  return {
    arity: 0,
    run: (state) =>
      Array.from({ length: count }, (_, i) => one(state, i, widthOf(f))).reduce((all, each) => all | each, 8),
  };
}
const tests = (
  [
    ['xs', DOUBLE, 1, 'dp'],
    ['xv', DOUBLE, 2, 'dp'],
    ['xv', SINGLE, 4, 'sp'],
  ] as const
).flatMap(([prefix, f, count, suffix]): [string, Helper][] => [
  [
    `${prefix}tdiv${suffix}`,
    test(f, count, (state, i, width) =>
      testDivide(readElement(state, 0, i, width), readElement(state, 1, i, width), f),
    ),
  ],
  [
    `${prefix}tsqrt${suffix}`,
    test(f, count, (state, i, width) => testRoot(readElement(state, 0, i, width), f)),
  ],
]);

/** DCMX bits: NaN 64, +∞ 32, −∞ 16, +0 8, −0 4, +denormal 2, −denormal 1. */
function inClass(bits: bigint, f: Format, mask: number): boolean {
  const value = unpack(bits, f);
  const signed = (positive: number): number => (value.negative ? positive >> 1 : positive);
  if (value.kind === 'nan') return (mask & 64) !== 0;
  if (value.kind === 'infinity') return (mask & signed(32)) !== 0;
  if (value.kind === 'zero') return (mask & signed(8)) !== 0;
  return isTiny(value, f) && (mask & signed(2)) !== 0;
}
/** Argument: DCMX. Answers the condition: the sign, the match, for singles whether the double is no single. */
function testClass(f: Format, single: boolean): Helper {
  return {
    arity: 1,
    run: (state, mask) => {
      const bits = readElement(state, 0, 0, widthOf(f));
      const value = unpack(bits, f);
      let condition = (value.negative ? 8 : 0) | (inClass(bits, f, mask) ? 2 : 0);
      if (single) {
        const exponent = exponentOf(bits, f) + f.bias;
        if (exponent > 0 && exponent < 0x381) condition |= 2;
        if (!isSingle(bits, value)) condition |= 1;
      }
      setFpcc(state, condition);
      return condition;
    },
  };
}
/** Whether a double has an equal single: its low bits and its range. */
function isSingle(bits: bigint, value: Value): boolean {
  if (value.kind !== 'finite') return value.kind !== 'nan' || (bits & 0x1fffffffn) === 0n;
  const trailing = value.significand & -value.significand;
  const lowest = value.exponent + trailing.toString(2).length - 1;
  const exponent = exponentOf(bits, DOUBLE);
  return exponent <= 127 && lowest >= Math.max(exponent - 23, -149);
}
function testClasses(f: Format, count: number): Helper {
  return {
    arity: 1,
    run: (state, mask) => {
      const width = widthOf(f);
      for (let i = 0; i < count; i++)
        writeElement(state, i, width, inClass(readElement(state, 0, i, width), f, mask) ? -1n : 0n);
      return 1;
    },
  };
}

/** Compares exponents only; NaNs are unordered. */
function exponentCompare(f: Format): Helper {
  return {
    arity: 0,
    run: (state) => {
      const width = widthOf(f);
      const [a, b] = [readElement(state, 0, 0, width), readElement(state, 1, 0, width)];
      const nan = unpack(a, f).kind === 'nan' || unpack(b, f).kind === 'nan';
      const [p, q] = [exponentOf(a, f), exponentOf(b, f)];
      const condition = nan ? 1 : p < q ? 8 : p > q ? 4 : 2;
      setFpcc(state, condition);
      return condition;
    },
  };
}

// biome-ignore format: related entries share a line
export const FLOAT_COMPARE_HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ['fcmp', scalarCompare(DOUBLE, 8)],
  ['xscmpqp', scalarCompare(QUAD, 16)],
  ...(['eq', 'gt', 'ge'] as const).flatMap((relation): [string, Helper][] => [
    [`xscmp${relation}dp`, vectorCompare(DOUBLE, relation, 1)],
    [`xvcmp${relation}dp`, vectorCompare(DOUBLE, relation, 2)],
    [`xvcmp${relation}sp`, vectorCompare(SINGLE, relation, 4)],
  ]),
  ['xvmaxdp', extreme(DOUBLE, true)], ['xvmindp', extreme(DOUBLE, false)],
  ['xvmaxsp', extreme(SINGLE, true)], ['xvminsp', extreme(SINGLE, false)],
  ['xsmaxcdp', conditional(true)], ['xsmincdp', conditional(false)],
  ['xsmaxjdp', javaLike(true)], ['xsminjdp', javaLike(false)],
  ...tests,
  ['xscmpexpdp', exponentCompare(DOUBLE)], ['xscmpexpqp', exponentCompare(QUAD)],
  ['xststdcsp', testClass(DOUBLE, true)], ['xststdcdp', testClass(DOUBLE, false)], ['xststdcqp', testClass(QUAD, false)],
  ['xvtstdcdp', testClasses(DOUBLE, 2)], ['xvtstdcsp', testClasses(SINGLE, 4)],
]);
