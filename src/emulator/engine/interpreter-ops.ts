/**
 * Ops for the interpreter: operands come from the record at run time. A handler is made either inside the interpreter's
 * main function (it may jump) or as a function of its own (it may not); the difference is in {@link HandlerFrame}.
 */

import { BugError } from '../../base/errors.ts';
import { EXIT } from '../cpu/exit.ts';
import * as layout from '../cpu/layout.ts';
import { TLB_INDEX_MASK, TLB_WRITE } from '../mmu/tlb.ts';
import type { LoadKind, Ops, StoreWidth, Trap, XerBit } from '../semantics/index.ts';
import {
  call,
  callVoid,
  type Expr,
  type FunctionBody,
  type FunctionRef,
  type I32,
  type I64,
  i32,
  i32c,
  i64,
  i64c,
  type Local,
  load,
  low32,
  op,
  type V128,
  type ValueType,
  v128c,
} from '../wasm/index.ts';
import type { Handler } from './handlers.ts';

/** Functions that handlers call: the host's and the module's own. */
export type Callees = {
  /** (record): stores what the host needs to know before it acts. */
  readonly publish: FunctionRef;
  /** (ea, bytes, record) → arena address, or -1 for a fault. */
  readonly slowRead: FunctionRef;
  readonly slowWrite: FunctionRef;
  /** (ea, value, bytes, record) → 0 or an exit code. The value is in memory order. */
  readonly slowStore: FunctionRef;
  readonly slowStoreVector: FunctionRef;
  readonly special: FunctionRef;
  readonly specialId: (name: string) => number;
  readonly helper: (name: string) => FunctionRef;
};

/** Where a handler's code stands. */
export type HandlerFrame = {
  readonly record: I32;
  readonly tlb: I32;
  /** Leaves with an exit code; the instruction counts as not executed. */
  readonly exit: (code: I32) => void;
  /** Present in the main function only. */
  readonly main?: {
    readonly cia: () => I64;
    /** Instructions left of the slice before this one. */
    readonly left: () => I32;
    readonly jumpNear: (distance: I32) => void;
    readonly jumpFar: (target: I64) => void;
  };
};

const XER_OFFSETS: Readonly<Record<XerBit, number>> = {
  SO: layout.XER_SO,
  OV: layout.XER_OV,
  CA: layout.XER_CA,
  OV32: layout.XER_OV32,
  CA32: layout.XER_CA32,
};
const BYTES: Readonly<Record<LoadKind, number>> = { u8: 1, u16: 2, s16: 2, u32: 4, s32: 4, u64: 8 };
const at = (offset: number): I32 => i32c(offset);
const CFAR = 28;
const REVERSE16 = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

export class InterpreterOps implements Ops {
  readonly mode64: boolean;
  readonly littleEndian: boolean;
  readonly record: boolean;
  readonly overflow: boolean;
  readonly #body: FunctionBody;
  readonly #handler: Handler;
  readonly #frame: HandlerFrame;
  readonly #callees: Callees;

  constructor(
    mode: { mode64: boolean; littleEndian: boolean },
    body: FunctionBody,
    handler: Handler,
    frame: HandlerFrame,
    callees: Callees,
  ) {
    this.mode64 = mode.mode64;
    this.littleEndian = mode.littleEndian;
    this.record = handler.row.record;
    this.overflow = handler.row.overflow;
    this.#body = body;
    this.#handler = handler;
    this.#frame = frame;
    this.#callees = callees;
  }

  known(operand: string): number | undefined {
    return this.#handler.known.get(operand);
  }

  imm(operand: string): I32 {
    const known = this.known(operand);
    if (known !== undefined) return i32c(known);
    const place = this.#place(operand);
    if (place.width === 16) return load.u16(this.#frame.record, place.offset);
    if (place.width === 32) return load.i32(this.#frame.record, place.offset);
    throw new BugError(`${operand} is 64 bits wide`);
  }

  imm64(operand: string): I64 {
    const place = this.#place(operand);
    if (place.width === 64) return load.i64(this.#frame.record, place.offset);
    if (place.width === 32) return load.i64s32(this.#frame.record, place.offset);
    return load.i64u16(this.#frame.record, place.offset);
  }

  gpr(operand: string): I64 {
    return load.i64(this.#register(operand));
  }
  setGpr(operand: string, value: I64): void {
    this.#body.store64(this.#register(operand), value);
  }
  fpr(operand: string): I64 {
    return load.i64(this.#register(operand));
  }
  setFpr(operand: string, value: I64): void {
    const result = this.let(value);
    const register = this.let(i32.sub(this.#register(operand), i32c(8)));
    this.#body.store64(register, result, 8);
    this.#body.store64(register, i64c(0));
  }
  vector(operand: string): V128 {
    return load.v128(this.#register(operand));
  }
  setVector(operand: string, value: V128): void {
    this.#body.store128(this.#register(operand), value);
  }
  gprAt(index: I32): I64 {
    return load.i64(i32.shl(index, i32c(3)), layout.GPR);
  }
  setGprAt(index: I32, value: I64): void {
    this.#body.store64(i32.shl(index, i32c(3)), value, layout.GPR);
  }

  crField(operand: string | number): I32 {
    return typeof operand === 'number'
      ? load.i32(at(layout.CR + 4 * operand))
      : load.i32(this.#register(operand));
  }
  setCrField(operand: string | number, value: I32): void {
    this.#body.store32(
      typeof operand === 'number' ? at(layout.CR + 4 * operand) : this.#register(operand),
      value,
    );
  }
  crBit(operand: string): I32 {
    const bit = this.let(this.imm(operand));
    return i32.and(i32.shrU(load.i32(crFieldOf(bit), layout.CR), shiftOf(bit)), i32c(1));
  }
  setCrBit(operand: string, value: I32): void {
    const bit = this.let(this.imm(operand));
    const set = this.let(value);
    const cleared = i32.and(
      load.i32(crFieldOf(bit), layout.CR),
      i32.xor(i32.shl(i32c(1), shiftOf(bit)), i32c(-1)),
    );
    this.#body.store32(crFieldOf(bit), i32.or(cleared, i32.shl(set, shiftOf(bit))), layout.CR);
  }
  recordCr0(value: I64): void {
    const v = this.let(this.mode64 ? value : i64.extend32(value));
    const order = i32.or(
      i32.shl(i64.ltS(v, i64c(0)), i32c(3)),
      i32.or(i32.shl(i64.gtS(v, i64c(0)), i32c(2)), i32.shl(i64.eqz(v), i32c(1))),
    );
    this.setCrField(0, i32.or(order, this.xer('SO')));
  }

  xer(bit: XerBit): I32 {
    return load.i32(at(XER_OFFSETS[bit]));
  }
  setXer(bit: XerBit, value: I32): void {
    this.#body.store32(at(XER_OFFSETS[bit]), value);
  }
  xerCount(): I32 {
    return load.i32(at(layout.XER_COUNT));
  }
  lr(): I64 {
    return load.i64(at(layout.LR));
  }
  setLr(value: I64): void {
    this.#body.store64(at(layout.LR), value);
  }
  ctr(): I64 {
    return load.i64(at(layout.CTR));
  }
  setCtr(value: I64): void {
    this.#body.store64(at(layout.CTR), value);
  }
  tar(): I64 {
    return load.i64(at(layout.TAR));
  }
  state32(offset: number): I32 {
    return load.i32(at(offset));
  }
  setState32(offset: number, value: I32): void {
    this.#body.store32(at(offset), value);
  }
  state64(offset: number): I64 {
    return load.i64(at(offset));
  }
  setState64(offset: number, value: I64): void {
    this.#body.store64(at(offset), value);
  }
  stateVector(offset: number): V128 {
    return load.v128(at(offset));
  }
  setStateVector(offset: number, value: V128): void {
    this.#body.store128(at(offset), value);
  }

  let<T extends ValueType>(value: Expr<T>): Expr<T> {
    return this.#body.let(value);
  }
  variable<T extends ValueType>(
    initial: Expr<T>,
  ): { readonly get: () => Expr<T>; readonly set: (value: Expr<T>) => void } {
    const local = this.#body.local(initial.type as T);
    this.#body.set(local, initial);
    return { get: () => this.#body.get(local), set: (value) => this.#body.set(local, value) };
  }
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.#body.if(condition, then, otherwise);
  }
  repeatWhile(body: () => I32): void {
    this.#body.loop('repeat');
    this.#body.brIf('repeat', body());
    this.#body.end();
  }

  now(): I64 {
    return i64.sub(this.state64(layout.SLICE_END), i64.extendS(this.#main('now').left()));
  }
  cia(): I64 {
    return this.#main('cia').cia();
  }
  nextInstruction(): I64 {
    const next = i64.add(this.cia(), i64c(4));
    return this.mode64 ? next : low32(next);
  }

  load(kind: LoadKind, ea: I64, reversed = false): I64 {
    const raw = this.#rawLoad(kind, this.#readAddress(ea, BYTES[kind]));
    const swap = reversed === this.littleEndian;
    return this.let(this.#extend(kind, swap ? this.#swap(raw, BYTES[kind]) : raw));
  }

  store(width: StoreWidth, ea: I64, value: I64, reversed = false): void {
    const swap = reversed === this.littleEndian;
    const ordered = this.let(swap ? this.#swap(value, width / 8) : value);
    const effective = this.#effective(ea);
    this.#store(
      effective,
      width / 8,
      (address, addend) => this.#rawStore(width, address, addend, ordered),
      () => call('i32', this.#callees.slowStore, [effective, ordered, i32c(width / 8), this.#frame.record]),
    );
  }

  loadVector(ea: I64): V128 {
    const value = load.v128(this.#readAddress(ea, 16));
    return this.let(this.littleEndian ? value : reverse16(value));
  }

  storeVector(ea: I64, value: V128): void {
    const ordered = this.let(this.littleEndian ? value : reverse16(value));
    const effective = this.#effective(ea);
    this.#store(
      effective,
      16,
      (address) => this.#body.store128(address, ordered),
      () => call('i32', this.#callees.slowStoreVector, [effective, ordered, this.#frame.record]),
    );
  }

  loadReserve(kind: 'u8' | 'u16' | 'u32' | 'u64', ea: I64): I64 {
    const effective = this.#effective(ea);
    this.#align(effective, BYTES[kind]);
    const address = this.let(this.#readAddress(effective, BYTES[kind]));
    this.#body.store32(at(layout.RESERVE), i32.and(address, i32c(-128)));
    const raw = this.#rawLoad(kind, address);
    return this.let(this.#extend(kind, this.littleEndian ? raw : this.#swap(raw, BYTES[kind])));
  }

  storeConditional(width: StoreWidth, ea: I64, value: I64): I32 {
    const effective = this.#effective(ea);
    this.#align(effective, width / 8);
    const ordered = this.let(this.littleEndian ? value : this.#swap(value, width / 8));
    const bytes = width / 8;
    const entry = this.#entry(effective);
    const address = this.#body.local('i32');
    const isHeld = (): I32 =>
      i32.eq(load.i32(at(layout.RESERVE)), i32.and(this.#body.get(address), i32c(-128)));
    this.#body.if(
      this.#misses(entry, TLB_WRITE, effective, bytes),
      () => {
        // Asking to write tells whoever watches the page: only a store that happens may do so.
        this.#resolveInto(address, this.#callees.slowRead, effective, bytes);
        this.#body.if(isHeld(), () => this.#resolveInto(address, this.#callees.slowWrite, effective, bytes));
      },
      () => this.#body.set(address, this.#hit(entry, TLB_WRITE, effective)),
    );
    const held = this.let(isHeld());
    this.#body.store32(at(layout.RESERVE), i32c(-1));
    this.#body.if(held, () => this.#rawStore(width, this.#body.get(address), undefined, ordered));
    return held;
  }

  zeroBlock(ea: I64): void {
    const effective = this.#effective(ea);
    const address = this.let(this.#address(effective, 128, TLB_WRITE, this.#callees.slowWrite));
    // Device registers are not cached: Power ISA 3.0B, Book II §4.3.2.
    this.#body.if(i32.eq(address, i32c(layout.SCRATCH)), () => this.#misaligned(effective));
    for (let offset = 0; offset < 128; offset += 16)
      this.#body.store128(address, v128c(new Array(16).fill(0)), offset);
  }

  jumpRelative(operand: string): void {
    const main = this.#main('jumpRelative');
    this.#comeFrom();
    if (this.#handler.near) main.jumpNear(this.imm(operand));
    else main.jumpFar(i64.add(main.cia(), this.imm64(operand)));
  }
  jump(target: I64): void {
    const main = this.#main('jump');
    this.#comeFrom();
    main.jumpFar(target);
  }
  trapIf(trap: Trap, condition: I32): void {
    this.#body.if(condition, () => this.trap(trap));
  }
  trap(trap: Trap): void {
    this.#frame.exit(i32c(EXIT[trap]));
  }
  special(name: string): void {
    this.#main(name);
    this.#body.effect(callVoid(this.#callees.publish, [this.#frame.record]));
    const code = this.let(
      call('i32', this.#callees.special, [i32c(this.#callees.specialId(name)), this.#frame.record]),
    );
    this.#body.if(code, () => this.#frame.exit(code));
  }
  helper(name: string, args: readonly I32[]): I32 {
    return call('i32', this.#callees.helper(name), args);
  }

  /** CFAR, which every taken branch sets: Power ISA 3.0B, Book III §4.4. */
  #comeFrom(): void {
    this.setState64(layout.sprOffset(CFAR) as number, this.cia());
  }

  #main(what: string): NonNullable<HandlerFrame['main']> {
    if (this.#frame.main === undefined)
      throw new BugError(`${this.#handler.row.mnemonic} uses ${what} outside the main function`);
    return this.#frame.main;
  }
  #place(operand: string): { offset: number; width: number } {
    const place = this.#handler.layout.get(operand);
    if (place === undefined) throw new BugError(`${this.#handler.row.mnemonic} has no operand ${operand}`);
    return place;
  }
  #register(operand: string): I32 {
    return load.u16(this.#frame.record, this.#place(operand).offset);
  }
  #effective(ea: I64): I64 {
    return this.let(this.mode64 ? ea : low32(ea));
  }

  #entry(effective: I64): I32 {
    return this.let(
      i32.add(this.#frame.tlb, i32.and(i32.shrU(i32.wrap(effective), i32c(8)), i32c(TLB_INDEX_MASK))),
    );
  }
  #misses(entry: I32, array: number, effective: I64, bytes: number): I32 {
    const last = bytes === 1 || bytes === 128 ? effective : i64.add(effective, i64c(bytes - 1));
    return i64.ne(load.i64(entry, array), i64.and(last, i64c(-4096n)));
  }

  /** Arena address of a readable operand; leaves on a fault. */
  #readAddress(ea: I64, bytes: number): I32 {
    return this.#address(this.#effective(ea), bytes, 0, this.#callees.slowRead);
  }
  #address(effective: I64, bytes: number, array: number, callee: FunctionRef): I32 {
    const entry = this.#entry(effective);
    const address = this.#body.local('i32');
    this.#body.if(
      this.#misses(entry, array, effective, bytes),
      () => this.#resolveInto(address, callee, effective, bytes),
      () => this.#body.set(address, this.#hit(entry, array, effective)),
    );
    return this.#body.get(address);
  }
  /** The slow path: asks the host, and leaves on a fault. */
  #resolveInto(address: Local<'i32'>, callee: FunctionRef, effective: I64, bytes: number): void {
    this.#body.set(address, call('i32', callee, [effective, i32c(bytes), this.#frame.record]));
    this.#body.if(i32.eq(this.#body.get(address), i32c(-1)), () => this.#frame.exit(i32c(EXIT.fault)));
  }
  #hit(entry: I32, array: number, effective: I64): I32 {
    return i32.add(i32.wrap(effective), load.i32(entry, array + 8));
  }
  #store(
    effective: I64,
    bytes: number,
    fast: (address: I32, offset?: number) => void,
    slow: () => I32,
  ): void {
    const entry = this.#entry(effective);
    this.#body.if(
      this.#misses(entry, TLB_WRITE, effective, bytes),
      () => {
        const code = this.let(slow());
        this.#body.if(code, () => this.#frame.exit(code));
      },
      () => fast(this.#hit(entry, TLB_WRITE, effective)),
    );
  }
  #align(effective: I64, bytes: number): void {
    if (bytes === 1) return;
    this.#body.if(i32.and(i32.wrap(effective), i32c(bytes - 1)), () => this.#misaligned(effective));
  }
  /** An alignment interrupt with the operand's address. */
  #misaligned(effective: I64): void {
    this.setState64(layout.HELPER, effective);
    this.trap('alignment');
  }

  #rawLoad(kind: LoadKind, address: I32): I64 {
    switch (BYTES[kind]) {
      case 1:
        return load.i64u8(address);
      case 2:
        return load.i64u16(address);
      case 4:
        return load.i64u32(address);
      default:
        return load.i64(address);
    }
  }
  #extend(kind: LoadKind, value: I64): I64 {
    return kind === 's16' ? i64.extend16(value) : kind === 's32' ? i64.extend32(value) : value;
  }
  #rawStore(width: StoreWidth, address: I32, offset: number | undefined, value: I64): void {
    const o = offset ?? 0;
    if (width === 8) this.#body.store8(address, i32.wrap(value), o);
    else if (width === 16) this.#body.store16(address, i32.wrap(value), o);
    else if (width === 32) this.#body.store32(address, i32.wrap(value), o);
    else this.#body.store64(address, value, o);
  }
  /** Reverses the low `bytes` bytes; higher ones of the result are zero. */
  #swap(value: I64, bytes: number): I64 {
    if (bytes === 1) return value;
    if (bytes === 8) {
      // i64x2.splat, i8x16.shuffle, extract lane 0: cheaper than shifts and masks (docs/adr).
      const splat = op('v128', 0xfd0012, [value]);
      return op(
        'i64',
        0xfd001d,
        [op('v128', 0xfd000d, [splat, splat], [7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0])],
        [0],
      );
    }
    const word = this.let(i32.wrap(value));
    if (bytes === 4) {
      const swapped = i32.or(
        i32.and(i32.rotl(word, i32c(8)), i32c(0x00ff00ff)),
        i32.and(i32.rotl(word, i32c(24)), i32c(0xff00ff00 | 0)),
      );
      return i64.extendU(swapped);
    }
    return i64.extendU(
      i32.or(i32.shl(i32.and(word, i32c(0xff)), i32c(8)), i32.and(i32.shrU(word, i32c(8)), i32c(0xff))),
    );
  }
}

function crFieldOf(bit: I32): I32 {
  return i32.and(bit, i32c(0x1c));
}
function shiftOf(bit: I32): I32 {
  return i32.xor(i32.and(bit, i32c(3)), i32c(3));
}

/** All sixteen bytes in the opposite order. */
export function reverse16(value: V128): V128 {
  return op('v128', 0xfd000d, [value, value], REVERSE16);
}
