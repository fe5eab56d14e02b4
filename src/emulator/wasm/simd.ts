/**
 * Typed constructors for 128-bit vector expressions, named as the instructions are.
 * Source: WebAssembly Core Specification 2.0, §5.4.8 and its opcode table. Lane 0 is the least significant of the
 * little-endian number.
 */

import { type Expr, type I32, type I64, op, type V128, type ValueType, v128c } from './expr.ts';

const PREFIX = 0xfd0000;

type Unary = (a: V128) => V128;
type Binary = (a: V128, b: V128) => V128;
type Shift = (a: V128, count: I32) => V128;
type Test = (a: V128) => I32;

/** Operations that every integer lane width has. */
type Lanes = {
  readonly eq: Binary;
  readonly gtS: Binary;
  readonly abs: Unary;
  readonly neg: Unary;
  readonly allTrue: Test;
  /** Each lane's highest bit, lane 0's lowest. */
  readonly bitmask: Test;
  readonly shl: Shift;
  readonly shrS: Shift;
  readonly shrU: Shift;
  readonly add: Binary;
  readonly sub: Binary;
};
/** Operations of 8-, 16- and 32-bit lanes. */
type Ordered = Lanes & {
  readonly gtU: Binary;
  readonly geU: Binary;
  readonly minS: Binary;
  readonly minU: Binary;
  readonly maxS: Binary;
  readonly maxU: Binary;
};
/** Operations of 8- and 16-bit lanes. */
type Saturating = {
  readonly addSatS: Binary;
  readonly addSatU: Binary;
  readonly subSatS: Binary;
  readonly subSatU: Binary;
  readonly avgrU: Binary;
};
/** Operations that take lanes of half the width, from the low or the high half of the operand. */
type Widening = {
  readonly extendLowS: Unary;
  readonly extendHighS: Unary;
  readonly extendLowU: Unary;
  readonly extendHighU: Unary;
};
/** Lanes made half as wide with signed or unsigned saturation of signed values; `low` gives the low lanes. */
type Narrowing = {
  readonly narrowS: (low: V128, high: V128) => V128;
  readonly narrowU: (low: V128, high: V128) => V128;
};
type LaneAccess<T extends ValueType> = {
  readonly splat: (value: Expr<T>) => V128;
  readonly extract: (a: V128, lane: number) => Expr<T>;
  readonly replace: (a: V128, lane: number, value: Expr<T>) => V128;
};

function vv(opcode: number): Binary {
  return (a, b) => op('v128', PREFIX + opcode, [a, b]);
}
function v(opcode: number): Unary {
  return (a) => op('v128', PREFIX + opcode, [a]);
}
function shift(opcode: number): Shift {
  return (a, count) => op('v128', PREFIX + opcode, [a, count]);
}
function test(opcode: number): Test {
  return (a) => op('i32', PREFIX + opcode, [a]);
}
function access<T extends ValueType>(
  type: T,
  splat: number,
  extract: number,
  replace: number,
): LaneAccess<T> {
  return {
    splat: (value) => op('v128', PREFIX + splat, [value]),
    extract: (a, lane) => op(type, PREFIX + extract, [a], lane),
    replace: (a, lane, value) => op('v128', PREFIX + replace, [a, value], lane),
  };
}
/** The block of instructions that stands in the same order for each width: from `abs` and from `shl` on. */
function lanes(abs: number, eq: number, gtS: number): Lanes {
  return {
    eq: vv(eq),
    gtS: vv(gtS),
    abs: v(abs),
    neg: v(abs + 1),
    allTrue: test(abs + 3),
    bitmask: test(abs + 4),
    shl: shift(abs + 11),
    shrS: shift(abs + 12),
    shrU: shift(abs + 13),
    add: vv(abs + 14),
    sub: vv(abs + 17),
  };
}
function ordered(abs: number, eq: number): Ordered {
  return {
    ...lanes(abs, eq, eq + 4),
    gtU: vv(eq + 5),
    geU: vv(eq + 9),
    minS: vv(abs + 22),
    minU: vv(abs + 23),
    maxS: vv(abs + 24),
    maxU: vv(abs + 25),
  };
}
function saturating(abs: number): Saturating {
  return {
    addSatS: vv(abs + 15),
    addSatU: vv(abs + 16),
    subSatS: vv(abs + 18),
    subSatU: vv(abs + 19),
    avgrU: vv(abs + 27),
  };
}
function widening(abs: number): Widening {
  return {
    extendLowS: v(abs + 7),
    extendHighS: v(abs + 8),
    extendLowU: v(abs + 9),
    extendHighU: v(abs + 10),
  };
}

/** Lane values are read zero-extended. */
export const i8x16: Ordered & Saturating & LaneAccess<'i32'> & { readonly popcnt: Unary } = {
  ...ordered(0x60, 0x23),
  ...saturating(0x60),
  ...access('i32', 0x0f, 0x16, 0x17),
  popcnt: v(0x62),
};

/** Lane values are read zero-extended. */
export const i16x8: Ordered &
  Saturating &
  Widening &
  Narrowing &
  LaneAccess<'i32'> & { readonly mul: Binary } = {
  ...ordered(0x80, 0x2d),
  ...saturating(0x80),
  ...widening(0x80),
  ...access('i32', 0x10, 0x19, 0x1a),
  mul: vv(0x95),
  narrowS: vv(0x65),
  narrowU: vv(0x66),
};

export const i32x4: Ordered &
  Widening &
  Narrowing &
  LaneAccess<'i32'> & {
    readonly mul: Binary;
    /** From singles, toward zero and saturated. */
    readonly truncSatS: Unary;
    readonly truncSatU: Unary;
    /** From the doubles to the low lanes; the others become 0. */
    readonly truncSatLowS: Unary;
    readonly truncSatLowU: Unary;
  } = {
  ...ordered(0xa0, 0x37),
  ...widening(0xa0),
  ...access('i32', 0x11, 0x1b, 0x1c),
  mul: vv(0xb5),
  truncSatS: v(0xf8),
  truncSatU: v(0xf9),
  truncSatLowS: v(0xfc),
  truncSatLowU: v(0xfd),
  narrowS: vv(0x85),
  narrowU: vv(0x86),
};

export const i64x2: Lanes & Widening & LaneAccess<'i64'> & { readonly mul: Binary } = {
  ...lanes(0xc0, 0xd6, 0xd9),
  ...widening(0xc0),
  ...access('i64', 0x12, 0x1d, 0x1e),
  mul: vv(0xd5),
};

/** Operations of floating-point lanes. Lanes that are NaNs have bits that the specification leaves open. */
type FloatLanes<T extends 'f32' | 'f64'> = Readonly<
  Record<'eq' | 'ne' | 'lt' | 'gt' | 'le' | 'ge' | 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max', Binary>
> &
  Readonly<Record<'abs' | 'neg' | 'sqrt' | 'ceil' | 'floor' | 'trunc' | 'nearest', Unary>> &
  LaneAccess<T>;
function floatLanes<T extends 'f32' | 'f64'>(
  type: T,
  eq: number,
  abs: number,
  splat: number,
  extract: number,
): Omit<FloatLanes<T>, 'ceil' | 'floor' | 'trunc' | 'nearest'> {
  return {
    eq: vv(eq),
    ne: vv(eq + 1),
    lt: vv(eq + 2),
    gt: vv(eq + 3),
    le: vv(eq + 4),
    ge: vv(eq + 5),
    abs: v(abs),
    neg: v(abs + 1),
    sqrt: v(abs + 3),
    add: vv(abs + 4),
    sub: vv(abs + 5),
    mul: vv(abs + 6),
    div: vv(abs + 7),
    min: vv(abs + 8),
    max: vv(abs + 9),
    ...access(type, splat, extract, extract + 1),
  };
}

export const f32x4: FloatLanes<'f32'> & {
  /** The doubles to the low lanes; the others become 0. */
  readonly demote: Unary;
  readonly convertS: Unary;
  readonly convertU: Unary;
} = {
  ...floatLanes('f32', 0x41, 0xe0, 0x13, 0x1f),
  ceil: v(0x67),
  floor: v(0x68),
  trunc: v(0x69),
  nearest: v(0x6a),
  demote: v(0x5e),
  convertS: v(0xfa),
  convertU: v(0xfb),
};

export const f64x2: FloatLanes<'f64'> & {
  /** From the low singles, or words. */
  readonly promoteLow: Unary;
  readonly convertLowS: Unary;
  readonly convertLowU: Unary;
} = {
  ...floatLanes('f64', 0x47, 0xec, 0x14, 0x21),
  ceil: v(0x74),
  floor: v(0x75),
  trunc: v(0x7a),
  nearest: v(0x94),
  promoteLow: v(0x5f),
  convertLowS: v(0xfe),
  convertLowU: v(0xff),
};

type Whole = {
  readonly not: Unary;
  readonly and: Binary;
  /** `a` and not `b`. */
  readonly andNot: Binary;
  readonly or: Binary;
  readonly xor: Binary;
  /** Bits of `a` where `mask` is 1, of `b` where it is 0. */
  readonly bitselect: (a: V128, b: V128, mask: V128) => V128;
  readonly anyTrue: Test;
  /** Byte lane i of the result is lane `lanes[i]` of `a` (0–15) followed by `b` (16–31). */
  readonly shuffle: (a: V128, b: V128, lanes: readonly number[]) => V128;
  /** Byte lane i of the result is lane `b[i]` of `a`, or 0 where that is 16 or more. */
  readonly swizzle: Binary;
};

/** Operations on the vector as a whole. */
export const v128: Whole = {
  not: v(0x4d),
  and: vv(0x4e),
  andNot: vv(0x4f),
  or: vv(0x50),
  xor: vv(0x51),
  bitselect: (a, b, mask) => op('v128', PREFIX + 0x52, [a, b, mask]),
  anyTrue: test(0x53),
  shuffle: (a, b, order) => op('v128', PREFIX + 0x0d, [a, b], order),
  swizzle: vv(0x0e),
};

/** A vector from its doublewords, the less significant first. */
export function pair64(low: I64, high: I64): V128 {
  return i64x2.replace(i64x2.splat(low), 1, high);
}

/** A constant with the same byte in all lanes. */
export function bytes128(value: number): V128 {
  return v128c(new Array<number>(16).fill(value & 0xff));
}

/** A constant from its doublewords, the less significant first. */
export function constant128(low: bigint, high: bigint): V128 {
  const bytes: number[] = [];
  for (const word of [low, high]) for (let i = 0n; i < 64n; i += 8n) bytes.push(Number((word >> i) & 0xffn));
  return v128c(bytes);
}

/** A constant with the same number in all lanes, as doubles and as singles. */
export function doubles128(value: number): V128 {
  return v128c([...new Uint8Array(Float64Array.of(value, value).buffer)]);
}
export function singles128(value: number): V128 {
  return v128c([...new Uint8Array(Float32Array.of(value, value, value, value).buffer)]);
}
