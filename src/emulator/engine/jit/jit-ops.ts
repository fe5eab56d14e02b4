/**
 * Ops for a region: operands are constants of the instruction's word. General purpose registers, CR fields, the bits of XER,
 * LR, CTR and CFAR are locals of the region's function; they are loaded where it is entered, and those that it sets are stored
 * where it leaves. FPRs, VRs and VSRs stay in memory.
 */

import { assert, BugError } from '../../../base/errors.ts';
import { EXIT } from '../../cpu/exit.ts';
import * as layout from '../../cpu/layout.ts';
import type { Mode } from '../../cpu/mode.ts';
import { SPR, sprOffset } from '../../cpu/spr.ts';
import type { Operand } from '../../isa/index.ts';
import type { Ops, Trap, XerBit } from '../../semantics/index.ts';
import {
  type Expr,
  type FunctionBody,
  type I32,
  type I64,
  i32,
  i32c,
  i64,
  i64c,
  type Local,
  load,
  type V128,
} from '../../wasm/index.ts';
import { BodyOps } from '../interpreter/body-ops.ts';
import { registerAddress } from '../interpreter/record.ts';
import { StorageCode } from '../interpreter/storage-code.ts';
import type { RegionInstruction } from './region.ts';

const XER_OFFSETS: Readonly<Record<XerBit, number>> = {
  SO: layout.XER_SO,
  OV: layout.XER_OV,
  CA: layout.XER_CA,
  OV32: layout.XER_OV32,
  CA32: layout.XER_CA32,
};
const CFAR = sprOffset(SPR.CFAR) as number;

/** Registers in locals, by where they lie in the vCPU's block. */
export class RegisterLocals {
  readonly #body: FunctionBody;
  readonly #locals = new Map<number, Local<'i32' | 'i64'>>();
  readonly #set = new Set<number>();

  constructor(body: FunctionBody) {
    this.#body = body;
  }

  get<T extends 'i32' | 'i64'>(type: T, offset: number): Expr<T> {
    return this.#body.get(this.#local(type, offset));
  }
  set<T extends 'i32' | 'i64'>(type: T, offset: number, value: Expr<T>): void {
    this.#set.add(offset);
    this.#body.set(this.#local(type, offset), value);
  }

  /** Code at the function's beginning. */
  loadAll(): void {
    for (const [offset, local] of this.#locals) {
      if (local.type === 'i64') this.#body.set(local, load.i64(i32c(offset)));
      else this.#body.set(local, load.i32(i32c(offset)));
    }
  }

  /** Code where the function leaves. */
  storeSet(): void {
    for (const offset of this.#set) {
      const local = this.#locals.get(offset);
      assert(local !== undefined, 'what was set has a local');
      if (local.type === 'i64') this.#body.store64(i32c(offset), this.#body.get(local) as I64);
      else this.#body.store32(i32c(offset), this.#body.get(local) as I32);
    }
  }

  #local<T extends 'i32' | 'i64'>(type: T, offset: number): Local<T> {
    const known = this.#locals.get(offset);
    if (known !== undefined) return known as Local<T>;
    const local = this.#body.lasting(type);
    this.#locals.set(offset, local);
    return local;
  }
}

/** The region around an instruction: where that stands, and how the region's code leaves it. */
export interface RegionFrame {
  readonly body: FunctionBody;
  readonly tlb: I32;
  readonly registers: RegisterLocals;
  helper(name: string, args: readonly I32[]): I32;
  cia(): I64;
  /** Instructions left of the slice before this one. */
  left(): I32;
  /** Leaves before this instruction: the interpreter executes it. */
  leave(): void;
  /** Leaves with an exit code after all that this instruction does. */
  exit(code: number): void;
  /** The branch is taken: to the offset in this page, or to an effective address. */
  jumpNear(target: number): void;
  jumpFar(target: I64): void;
}

export class JitOps extends BodyOps implements Ops {
  readonly mode64 = true;
  readonly littleEndian: boolean;
  readonly #body: FunctionBody;
  readonly #frame: RegionFrame;
  readonly #registers: RegisterLocals;
  #instruction: RegionInstruction;

  /** @param first the region's first instruction; {@link at} takes each other one */
  constructor(mode: Mode, first: RegionInstruction, frame: RegionFrame) {
    const left = (): 'left' => {
      frame.leave();
      return 'left';
    };
    const storage = new StorageCode(mode, frame.body, {
      tlb: frame.tlb,
      exit: () => frame.leave(),
      slow: { resolve: left, store: left },
    });
    super(frame.body, storage);
    this.littleEndian = mode.littleEndian;
    this.#instruction = first;
    this.#frame = frame;
    this.#body = frame.body;
    this.#registers = frame.registers;
  }

  /** What follows is the code of this instruction. */
  at(instruction: RegionInstruction): void {
    this.#instruction = instruction;
  }

  get record(): boolean {
    return this.#instruction.row.record;
  }
  get overflow(): boolean {
    return this.#instruction.row.overflow;
  }

  known(operand: string): number {
    return Number(this.#value(operand));
  }
  imm(operand: string): I32 {
    return i32c(this.known(operand));
  }
  imm64(operand: string): I64 {
    return i64c(this.#value(operand));
  }

  gpr(operand: string): I64 {
    const offset = this.#register(operand);
    return offset === layout.ZERO ? i64c(0) : this.#registers.get('i64', offset);
  }
  setGpr(operand: string, value: I64): void {
    this.#registers.set('i64', this.#register(operand), value);
  }
  fpr(operand: string): I64 {
    return load.i64(i32c(this.#register(operand)));
  }
  setFpr(operand: string, value: I64): void {
    const register = i32c(this.#register(operand) - 8);
    this.#body.store64(register, value, 8);
    this.#body.store64(register, i64c(0));
  }
  vector(operand: string): V128 {
    return load.v128(i32c(this.#register(operand)));
  }
  setVector(operand: string, value: V128): void {
    this.#body.store128(i32c(this.#register(operand)), value);
  }

  crField(operand: string | number): I32 {
    return this.#registers.get('i32', this.#field(operand));
  }
  setCrField(operand: string | number, value: I32): void {
    this.#registers.set('i32', this.#field(operand), value);
  }
  crBit(operand: string): I32 {
    const bit = this.known(operand);
    return i32.and(i32.shrU(this.crField(bit >>> 2), i32c(3 - (bit & 3))), i32c(1));
  }
  setCrBit(operand: string, value: I32): void {
    const bit = this.known(operand);
    const shift = 3 - (bit & 3);
    const others = i32.and(this.crField(bit >>> 2), i32c(~(1 << shift)));
    this.setCrField(bit >>> 2, i32.or(others, i32.shl(value, i32c(shift))));
  }
  xer(bit: XerBit): I32 {
    return this.#registers.get('i32', XER_OFFSETS[bit]);
  }
  setXer(bit: XerBit, value: I32): void {
    this.#registers.set('i32', XER_OFFSETS[bit], value);
  }
  xerCount(): I32 {
    return this.state32(layout.XER_COUNT);
  }
  lr(): I64 {
    return this.#registers.get('i64', layout.LR);
  }
  setLr(value: I64): void {
    this.#registers.set('i64', layout.LR, value);
  }
  ctr(): I64 {
    return this.#registers.get('i64', layout.CTR);
  }
  setCtr(value: I64): void {
    this.#registers.set('i64', layout.CTR, value);
  }
  tar(): I64 {
    return load.i64(i32c(layout.TAR));
  }
  state32(offset: number): I32 {
    return load.i32(this.#elsewhere(offset));
  }
  setState32(offset: number, value: I32): void {
    this.#body.store32(this.#elsewhere(offset), value);
  }
  state64(offset: number): I64 {
    return offset === CFAR ? this.#registers.get('i64', CFAR) : load.i64(this.#elsewhere(offset));
  }
  setState64(offset: number, value: I64): void {
    if (offset === CFAR) this.#registers.set('i64', CFAR, value);
    else this.#body.store64(this.#elsewhere(offset), value);
  }
  stateVector(offset: number): V128 {
    return load.v128(this.#elsewhere(offset));
  }
  setStateVector(offset: number, value: V128): void {
    this.#body.store128(this.#elsewhere(offset), value);
  }

  now(): I64 {
    return i64.sub(this.state64(layout.SLICE_END), i64.extendS(this.#frame.left()));
  }
  nextInstruction(): I64 {
    return i64.add(this.#frame.cia(), i64c(4));
  }

  jumpRelative(operand: string): void {
    this.#comeFrom();
    const value = this.#value(operand);
    const target = this.#instruction.offset + Number(value);
    if (target >= 0 && target < 4096) this.#frame.jumpNear(target);
    else this.#frame.jumpFar(i64.add(this.#frame.cia(), i64c(value)));
  }
  jump(target: I64): void {
    this.#comeFrom();
    this.#frame.jumpFar(target);
  }
  trap(trap: Trap): void {
    // The others come before all that the instruction does: the interpreter raises them.
    if (trap === 'fpEnabled') this.#frame.exit(EXIT.fpEnabled);
    else this.#frame.leave();
  }
  /** Only where the instruction has had no effect: it is executed as a whole. */
  special(): void {
    this.#frame.leave();
  }
  helper(name: string, args: readonly I32[]): I32 {
    return this.#frame.helper(name, args);
  }

  #comeFrom(): void {
    this.#registers.set('i64', CFAR, this.#frame.cia());
  }

  #value(operand: string): number | bigint {
    return this.#operand(operand).extract(this.#instruction.word);
  }
  #register(operand: string): number {
    const { kind, extract } = this.#operand(operand);
    return registerAddress(kind, Number(extract(this.#instruction.word)));
  }
  #operand(operand: string): Operand {
    const { row } = this.#instruction;
    for (const each of row.operands) if (each.name === operand) return each;
    throw new BugError(`${row.mnemonic} has no operand ${operand}`);
  }
  #field(operand: string | number): number {
    return typeof operand === 'number' ? layout.CR + 4 * operand : this.#register(operand);
  }
  /** State that no local holds. */
  #elsewhere(offset: number): I32 {
    assert(!isRegister(offset), `state at ${offset} may be in a local`);
    return i32c(offset);
  }
}

/** Whether {@link JitOps} keeps it in a local. */
function isRegister(offset: number): boolean {
  return offset < layout.TAR || (offset >= layout.XER_SO && offset < layout.XER_COUNT) || offset === CFAR;
}
