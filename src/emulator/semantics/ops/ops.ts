/**
 * The seam between what instructions do and how they are executed: every instruction's meaning is a function over `Ops`.
 * The interpreter builder implements it with operands read from a decoded record at run time; a compiler of regions can
 * implement it with operands as constants.
 *
 * Operands are named as in the row of the instruction (`isa/`). Statements take effect in the order of the calls.
 *
 * The files of meanings open with pseudo-code: (r) is a register's contents and r|0 the value 0 for register 0, ← an
 * assignment, ‖ concatenation, MEM(ea, n) n bytes of storage as a number in the current byte order, EXTS and EXTZ sign- and
 * zero-extension to the target's width, x[i:j] bits in the ISA's numbering, where 0 is the most significant.
 */

import type { Expr, I32, I64, V128, ValueType } from '../../wasm/index.ts';

/** Widths of a storage access: bits, and whether a narrower value is zero- or sign-extended to 64 bits. */
export type LoadKind = 'u8' | 'u16' | 's16' | 'u32' | 's32' | 'u64';
export type StoreWidth = 8 | 16 | 32 | 64;

/**
 * An exit that an instruction can ask for; see cpu/exit.ts. The instruction has had no effect, save for `fpEnabled`, which
 * comes after everything else that it does.
 */
export type Trap = 'illegal' | 'privileged' | 'trap' | 'alignment' | 'attn' | 'fpEnabled';

/** XER bits kept as separate words of value 0 or 1. */
export type XerBit = 'SO' | 'OV' | 'CA' | 'OV32' | 'CA32';

export interface Ops {
  /** MSR[SF]: 64-bit mode. In 32-bit mode addresses, CR0 and the carry come from the low 32 bits. */
  readonly mode64: boolean;
  /** MSR[LE]. */
  readonly littleEndian: boolean;
  /** The row's forms. */
  readonly record: boolean;
  readonly overflow: boolean;

  /** The value of an operand that is known while code is made, or undefined. */
  known(operand: string): number | undefined;
  /** A small unsigned or signed operand. */
  imm(operand: string): I32;
  /** A constant operand as 64 bits (sign-extended). */
  imm64(operand: string): I64;

  gpr(operand: string): I64;
  setGpr(operand: string, value: I64): void;
  /** Doubleword 0 of a floating-point operand's VSR. */
  fpr(operand: string): I64;
  /** Sets doubleword 0 and clears doubleword 1, as scalar results do on POWER9. */
  setFpr(operand: string, value: I64): void;
  /** A vector (VRT …) or vector-scalar (XT …) operand; element 0 of the ISA is the highest lane. */
  vector(operand: string): V128;
  setVector(operand: string, value: V128): void;

  /** A CR field as LT 8, GT 4, EQ 2, SO 1; by operand or by number. */
  crField(operand: string | number): I32;
  setCrField(operand: string | number, value: I32): void;
  /** One CR bit (0 or 1) by an operand holding 0 to 31. */
  crBit(operand: string): I32;
  setCrBit(operand: string, value: I32): void;
  /** CR0 from a result compared with zero, and SO. */
  recordCr0(value: I64): void;

  xer(bit: XerBit): I32;
  setXer(bit: XerBit, value: I32): void;
  xerCount(): I32;

  lr(): I64;
  setLr(value: I64): void;
  ctr(): I64;
  setCtr(value: I64): void;
  tar(): I64;
  /** 32- or 64-bit state at a fixed place of cpu/layout.ts. */
  state32(offset: number): I32;
  setState32(offset: number, value: I32): void;
  state64(offset: number): I64;
  setState64(offset: number, value: I64): void;
  stateVector(offset: number): V128;
  setStateVector(offset: number, value: V128): void;

  /** Evaluates once; the result may be used any number of times. */
  let<T extends ValueType>(value: Expr<T>): Expr<T>;
  /** A variable for values that differ by path. */
  variable<T extends ValueType>(
    initial: Expr<T>,
  ): { readonly get: () => Expr<T>; readonly set: (value: Expr<T>) => void };
  if(condition: I32, then: () => void, otherwise?: () => void): void;
  /** Repeats `body` while the condition that it returns is true; it runs once at the least. */
  repeatWhile(body: () => I32): void;

  /** Nanoseconds since power-on. */
  now(): I64;
  /** The effective address of the next instruction in sequence. */
  nextInstruction(): I64;

  /** Loads; a fault leaves the instruction without effect. `reversed` is against the current byte order. */
  load(kind: LoadKind, ea: I64, reversed?: boolean): I64;
  store(width: StoreWidth, ea: I64, value: I64, reversed?: boolean): void;
  /** 16 bytes as one number in the current byte order (LE: first byte least significant). */
  loadVector(ea: I64): V128;
  storeVector(ea: I64, value: V128): void;
  /** Load and reserve; store conditional leaves 1 or 0. A misaligned address raises the alignment interrupt. */
  loadReserve(kind: 'u8' | 'u16' | 'u32' | 'u64', ea: I64): I64;
  storeConditional(width: StoreWidth, ea: I64, value: I64): I32;
  /** Zeroes an aligned 128-byte block. */
  zeroBlock(ea: I64): void;

  /** Ends the instruction by a jump: to the word `operand` bytes from here, or anywhere. */
  jumpRelative(operand: string): void;
  jump(target: I64): void;
  /** Ends the instruction with an interrupt-like exit when `condition` holds. */
  trapIf(trap: Trap, condition: I32): void;
  trap(trap: Trap): void;
  /** Calls a special handler (engine/specials.ts) by name. It may end the slice. */
  special(name: string): void;
  /** Calls a helper (semantics/helpers/) by name. */
  helper(name: string, args: readonly I32[]): I32;
}

export type Semantics = (o: Ops) => void;
