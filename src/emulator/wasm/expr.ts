/**
 * WebAssembly expressions as values: an instruction with the expressions of its operands, which is written where it is used.
 *
 * Source: WebAssembly Core Specification 2.0, chapter 5 (binary format), with the fixed-width SIMD proposal.
 * Using an expression twice runs its code twice, so keep a reused value in a local.
 */

import type { Bytes } from './bytes.ts';

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/**
 * An instruction behind the code of its operands. Opcodes above 0xff are prefixed: 0xfc.. and 0xfd.. as `prefix << 16 | sub`.
 * The immediate is written as the opcode has it: a constant, the offset of a memory operand, an index, or bytes as they are.
 */
export type Code = {
  readonly opcode: number;
  readonly operands: readonly Code[];
  readonly immediate: number | bigint | readonly number[] | undefined;
};
/** Code that pushes one value of type `T`. */
export type Expr<T extends ValueType = ValueType> = Code & { readonly type: T };
export type I32 = Expr<'i32'>;
export type I64 = Expr<'i64'>;
export type F64 = Expr<'f64'>;
export type V128 = Expr<'v128'>;

const LOCAL_GET = 0x20;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
const F64_CONST = 0x44;
const V128_CONST = 0xfd000c;

export function op<T extends ValueType>(
  type: T,
  opcode: number,
  operands: readonly Code[],
  immediate?: Code['immediate'],
): Expr<T> {
  return { type, opcode, operands, immediate };
}

/** Writes code. */
export function write({ opcode, operands, immediate }: Code, out: Bytes): void {
  for (const operand of operands) write(operand, out);
  if (opcode > 0xff) {
    out.byte(opcode >>> 16);
    out.unsigned(opcode & 0xffff);
  } else out.byte(opcode);
  if (immediate === undefined) return;
  if (typeof immediate === 'bigint') out.signed64(immediate);
  else if (typeof immediate !== 'number') out.raw(immediate);
  else if (opcode === I32_CONST || opcode === I64_CONST) out.signed32(immediate);
  else {
    // A memory operand's alignment exponent stands in front of its offset.
    if (isAccess(opcode)) out.byte(0);
    out.unsigned(immediate);
  }
}

/** Whether its immediate is a memory operand's offset: loads and stores, of vectors too. */
function isAccess(opcode: number): boolean {
  return (opcode >= 0x28 && opcode <= 0x3e) || (opcode >= 0xfd0000 && opcode <= 0xfd000b);
}

/** The value of a local or parameter. */
export function localGet<T extends ValueType>(type: T, index: number): Expr<T> {
  return op(type, LOCAL_GET, [], index);
}

export function i32c(value: number): I32 {
  return op('i32', I32_CONST, [], value | 0);
}

export function i64c(value: bigint | number): I64 {
  const isSmall = typeof value === 'number' && (value | 0) === value;
  return op('i64', I64_CONST, [], isSmall ? value : BigInt.asIntN(64, BigInt(value)));
}

export function f64c(value: number): F64 {
  return op('f64', F64_CONST, [], [...new Uint8Array(Float64Array.of(value).buffer)]);
}

/** A vector constant from its 16 bytes, lane 0 first. */
export function v128c(bytes: readonly number[]): V128 {
  return op('v128', V128_CONST, [], bytes);
}

type Loads = {
  readonly i32: (address: I32, offset?: number) => I32;
  readonly u8: (address: I32, offset?: number) => I32;
  readonly u16: (address: I32, offset?: number) => I32;
  readonly i64: (address: I32, offset?: number) => I64;
  readonly i64u8: (address: I32, offset?: number) => I64;
  readonly i64u16: (address: I32, offset?: number) => I64;
  readonly i64s32: (address: I32, offset?: number) => I64;
  readonly i64u32: (address: I32, offset?: number) => I64;
  readonly f64: (address: I32, offset?: number) => F64;
  readonly v128: (address: I32, offset?: number) => V128;
};

/** Loads of one width each; the address is an i32 plus a constant offset. */
export const load: Loads = {
  i32: (address, offset = 0) => op('i32', 0x28, [address], offset),
  u8: (address, offset = 0) => op('i32', 0x2d, [address], offset),
  u16: (address, offset = 0) => op('i32', 0x2f, [address], offset),
  i64: (address, offset = 0) => op('i64', 0x29, [address], offset),
  i64u8: (address, offset = 0) => op('i64', 0x31, [address], offset),
  i64u16: (address, offset = 0) => op('i64', 0x33, [address], offset),
  i64s32: (address, offset = 0) => op('i64', 0x34, [address], offset),
  i64u32: (address, offset = 0) => op('i64', 0x35, [address], offset),
  f64: (address, offset = 0) => op('f64', 0x2b, [address], offset),
  v128: (address, offset = 0) => op('v128', 0xfd0000, [address], offset),
};

type Binary<T extends ValueType, R extends ValueType = T> = (a: Expr<T>, b: Expr<T>) => Expr<R>;
type Unary<T extends ValueType, R extends ValueType = T> = (a: Expr<T>) => Expr<R>;

function binary<T extends ValueType, R extends ValueType>(type: R, opcode: number): Binary<T, R> {
  return (a, b) => op(type, opcode, [a, b]);
}
function unary<T extends ValueType, R extends ValueType>(type: R, opcode: number): Unary<T, R> {
  return (a) => op(type, opcode, [a]);
}

type I32Binary =
  | 'eq'
  | 'ne'
  | 'ltS'
  | 'ltU'
  | 'gtS'
  | 'gtU'
  | 'leS'
  | 'leU'
  | 'geS'
  | 'geU'
  | 'add'
  | 'sub'
  | 'mul'
  | 'divS'
  | 'divU'
  | 'remS'
  | 'remU'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shrS'
  | 'shrU'
  | 'rotl'
  | 'rotr';
type I32Unary = 'eqz' | 'clz' | 'ctz' | 'popcnt' | 'extend8' | 'extend16';
type I64Compare = 'eq' | 'ne' | 'ltS' | 'ltU' | 'gtS' | 'gtU' | 'leS' | 'leU' | 'geS' | 'geU';
type I64Binary =
  | 'add'
  | 'sub'
  | 'mul'
  | 'divS'
  | 'divU'
  | 'remS'
  | 'remU'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shrS'
  | 'shrU'
  | 'rotl'
  | 'rotr';
type I64Unary = 'clz' | 'ctz' | 'popcnt' | 'extend8' | 'extend16' | 'extend32';

type I32Operations = Readonly<Record<I32Binary, Binary<'i32'>>> &
  Readonly<Record<I32Unary, Unary<'i32'>>> & {
    readonly wrap: Unary<'i64', 'i32'>;
    readonly reinterpret: Unary<'f32', 'i32'>;
    readonly select: (a: I32, b: I32, condition: I32) => I32;
  };

type I64Operations = Readonly<Record<I64Compare, Binary<'i64', 'i32'>>> &
  Readonly<Record<I64Binary, Binary<'i64'>>> &
  Readonly<Record<I64Unary, Unary<'i64'>>> & {
    readonly eqz: Unary<'i64', 'i32'>;
    readonly extendS: Unary<'i32', 'i64'>;
    readonly extendU: Unary<'i32', 'i64'>;
    readonly reinterpret: Unary<'f64', 'i64'>;
    /** Toward zero; the nearest end of the range for what lies outside of it, 0 for a NaN. */
    readonly truncSatS: Unary<'f64', 'i64'>;
    readonly truncSatU: Unary<'f64', 'i64'>;
    readonly select: (a: I64, b: I64, condition: I32) => I64;
  };

export const i32: I32Operations = {
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: binary<'i32', 'i32'>('i32', 0x46),
  ne: binary<'i32', 'i32'>('i32', 0x47),
  ltS: binary<'i32', 'i32'>('i32', 0x48),
  ltU: binary<'i32', 'i32'>('i32', 0x49),
  gtS: binary<'i32', 'i32'>('i32', 0x4a),
  gtU: binary<'i32', 'i32'>('i32', 0x4b),
  leS: binary<'i32', 'i32'>('i32', 0x4c),
  leU: binary<'i32', 'i32'>('i32', 0x4d),
  geS: binary<'i32', 'i32'>('i32', 0x4e),
  geU: binary<'i32', 'i32'>('i32', 0x4f),
  clz: unary<'i32', 'i32'>('i32', 0x67),
  ctz: unary<'i32', 'i32'>('i32', 0x68),
  popcnt: unary<'i32', 'i32'>('i32', 0x69),
  add: binary<'i32', 'i32'>('i32', 0x6a),
  sub: binary<'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32'>('i32', 0x6c),
  divS: binary<'i32', 'i32'>('i32', 0x6d),
  divU: binary<'i32', 'i32'>('i32', 0x6e),
  remS: binary<'i32', 'i32'>('i32', 0x6f),
  remU: binary<'i32', 'i32'>('i32', 0x70),
  and: binary<'i32', 'i32'>('i32', 0x71),
  or: binary<'i32', 'i32'>('i32', 0x72),
  xor: binary<'i32', 'i32'>('i32', 0x73),
  shl: binary<'i32', 'i32'>('i32', 0x74),
  shrS: binary<'i32', 'i32'>('i32', 0x75),
  shrU: binary<'i32', 'i32'>('i32', 0x76),
  rotl: binary<'i32', 'i32'>('i32', 0x77),
  rotr: binary<'i32', 'i32'>('i32', 0x78),
  wrap: unary<'i64', 'i32'>('i32', 0xa7),
  reinterpret: unary<'f32', 'i32'>('i32', 0xbc),
  extend8: unary<'i32', 'i32'>('i32', 0xc0),
  extend16: unary<'i32', 'i32'>('i32', 0xc1),
  select: (a: I32, b: I32, condition: I32): I32 => op('i32', 0x1b, [a, b, condition]),
};

export const i64: I64Operations = {
  eqz: unary<'i64', 'i32'>('i32', 0x50),
  eq: binary<'i64', 'i32'>('i32', 0x51),
  ne: binary<'i64', 'i32'>('i32', 0x52),
  ltS: binary<'i64', 'i32'>('i32', 0x53),
  ltU: binary<'i64', 'i32'>('i32', 0x54),
  gtS: binary<'i64', 'i32'>('i32', 0x55),
  gtU: binary<'i64', 'i32'>('i32', 0x56),
  leS: binary<'i64', 'i32'>('i32', 0x57),
  leU: binary<'i64', 'i32'>('i32', 0x58),
  geS: binary<'i64', 'i32'>('i32', 0x59),
  geU: binary<'i64', 'i32'>('i32', 0x5a),
  clz: unary<'i64', 'i64'>('i64', 0x79),
  ctz: unary<'i64', 'i64'>('i64', 0x7a),
  popcnt: unary<'i64', 'i64'>('i64', 0x7b),
  add: binary<'i64', 'i64'>('i64', 0x7c),
  sub: binary<'i64', 'i64'>('i64', 0x7d),
  mul: binary<'i64', 'i64'>('i64', 0x7e),
  divS: binary<'i64', 'i64'>('i64', 0x7f),
  divU: binary<'i64', 'i64'>('i64', 0x80),
  remS: binary<'i64', 'i64'>('i64', 0x81),
  remU: binary<'i64', 'i64'>('i64', 0x82),
  and: binary<'i64', 'i64'>('i64', 0x83),
  or: binary<'i64', 'i64'>('i64', 0x84),
  xor: binary<'i64', 'i64'>('i64', 0x85),
  shl: binary<'i64', 'i64'>('i64', 0x86),
  shrS: binary<'i64', 'i64'>('i64', 0x87),
  shrU: binary<'i64', 'i64'>('i64', 0x88),
  rotl: binary<'i64', 'i64'>('i64', 0x89),
  rotr: binary<'i64', 'i64'>('i64', 0x8a),
  extendS: unary<'i32', 'i64'>('i64', 0xac),
  extendU: unary<'i32', 'i64'>('i64', 0xad),
  reinterpret: unary<'f64', 'i64'>('i64', 0xbd),
  truncSatS: unary<'f64', 'i64'>('i64', 0xfc0006),
  truncSatU: unary<'f64', 'i64'>('i64', 0xfc0007),
  extend8: unary<'i64', 'i64'>('i64', 0xc2),
  extend16: unary<'i64', 'i64'>('i64', 0xc3),
  extend32: unary<'i64', 'i64'>('i64', 0xc4),
  select: (a: I64, b: I64, condition: I32): I64 => op('i64', 0x1b, [a, b, condition]),
};

type FloatCompare = 'eq' | 'ne' | 'lt' | 'gt' | 'le' | 'ge';
type FloatBinary = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'copysign';
/** `nearest` rounds to an integral value, ties to even. */
type FloatUnary = 'abs' | 'neg' | 'ceil' | 'floor' | 'trunc' | 'nearest' | 'sqrt';
type FloatOperations<T extends 'f32' | 'f64'> = Readonly<Record<FloatCompare, Binary<T, 'i32'>>> &
  Readonly<Record<FloatBinary, Binary<T>>> &
  Readonly<Record<FloatUnary, Unary<T>>> & {
    readonly convertI32S: Unary<'i32', T>;
    readonly convertI32U: Unary<'i32', T>;
    readonly convertI64S: Unary<'i64', T>;
    readonly convertI64U: Unary<'i64', T>;
    readonly select: (a: Expr<T>, b: Expr<T>, condition: I32) => Expr<T>;
  };

/** The instructions of one width, which stand in the same order for both: comparisons, arithmetic, conversions. */
function floats<T extends 'f32' | 'f64'>(
  type: T,
  eq: number,
  abs: number,
  convert: number,
): FloatOperations<T> {
  const compare = (distance: number): Binary<T, 'i32'> => binary<T, 'i32'>('i32', eq + distance);
  const one = (distance: number): Unary<T> => unary<T, T>(type, abs + distance);
  const two = (distance: number): Binary<T> => binary<T, T>(type, abs + distance);
  return {
    eq: compare(0),
    ne: compare(1),
    lt: compare(2),
    gt: compare(3),
    le: compare(4),
    ge: compare(5),
    abs: one(0),
    neg: one(1),
    ceil: one(2),
    floor: one(3),
    trunc: one(4),
    nearest: one(5),
    sqrt: one(6),
    add: two(7),
    sub: two(8),
    mul: two(9),
    div: two(10),
    min: two(11),
    max: two(12),
    copysign: two(13),
    convertI32S: unary<'i32', T>(type, convert),
    convertI32U: unary<'i32', T>(type, convert + 1),
    convertI64S: unary<'i64', T>(type, convert + 2),
    convertI64U: unary<'i64', T>(type, convert + 3),
    select: (a, b, condition) => op(type, 0x1b, [a, b, condition]),
  };
}

/** Results that are NaNs have bits that the specification leaves open. */
export const f32: FloatOperations<'f32'> & {
  readonly demote: Unary<'f64', 'f32'>;
  readonly reinterpret: Unary<'i32', 'f32'>;
} = {
  ...floats('f32', 0x5b, 0x8b, 0xb2),
  demote: unary<'f64', 'f32'>('f32', 0xb6),
  reinterpret: unary<'i32', 'f32'>('f32', 0xbe),
};

/** As {@link f32}. */
export const f64: FloatOperations<'f64'> & {
  readonly promote: Unary<'f32', 'f64'>;
  readonly reinterpret: Unary<'i64', 'f64'>;
} = {
  ...floats('f64', 0x61, 0x99, 0xb7),
  promote: unary<'f32', 'f64'>('f64', 0xbb),
  reinterpret: unary<'i64', 'f64'>('f64', 0xbf),
};

/** Complements every bit. */
export function not64(a: I64): I64 {
  return i64.xor(a, i64c(-1n));
}

/** The low 32 bits, zero-extended. */
export function low32(a: I64): I64 {
  return i64.and(a, i64c(0xffffffffn));
}
