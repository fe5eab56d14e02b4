/**
 * Ops for the interpreter: operands come from the record at run time. A handler is made either inside the interpreter's
 * main function (it may jump) or as a function of its own (it may not): handler-frame.ts.
 */

import { BugError } from '../../../base/errors.ts';
import { EXIT } from '../../cpu/exit.ts';
import * as layout from '../../cpu/layout.ts';
import type { Mode } from '../../cpu/mode.ts';
import { SPR, sprOffset } from '../../cpu/spr.ts';
import type { Ops, Trap, XerBit } from '../../semantics/index.ts';
import {
  call,
  callVoid,
  type FunctionBody,
  type I32,
  type I64,
  i32,
  i32c,
  i64,
  i64c,
  load,
  low32,
  type V128,
} from '../../wasm/index.ts';
import { BodyOps } from './body-ops.ts';
import type { Callees, HandlerFrame } from './handler-frame.ts';
import type { Handler } from './handlers.ts';
import { StorageCode } from './storage-code.ts';

const XER_OFFSETS: Readonly<Record<XerBit, number>> = {
  SO: layout.XER_SO,
  OV: layout.XER_OV,
  CA: layout.XER_CA,
  OV32: layout.XER_OV32,
  CA32: layout.XER_CA32,
};
const at = (offset: number): I32 => i32c(offset);

export class InterpreterOps extends BodyOps implements Ops {
  readonly mode64: boolean;
  readonly littleEndian: boolean;
  readonly record: boolean;
  readonly overflow: boolean;
  readonly #body: FunctionBody;
  readonly #handler: Handler;
  readonly #frame: HandlerFrame;
  readonly #callees: Callees;

  constructor(mode: Mode, body: FunctionBody, handler: Handler, frame: HandlerFrame, callees: Callees) {
    const { record, tlb, exit } = frame;
    const storage = new StorageCode(mode, body, {
      tlb,
      exit,
      slow: {
        resolve: (access, ea, bytes) =>
          call('i32', access === 'read' ? callees.slowRead : callees.slowWrite, [ea, i32c(bytes), record]),
        store: (ea, value, bytes) =>
          value.type === 'v128'
            ? call('i32', callees.slowStoreVector, [ea, value, record])
            : call('i32', callees.slowStore, [ea, value, i32c(bytes), record]),
      },
    });
    super(body, storage);
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

  now(): I64 {
    return i64.sub(this.state64(layout.SLICE_END), i64.extendS(this.#main('now').left()));
  }
  nextInstruction(): I64 {
    const next = i64.add(this.#cia(), i64c(4));
    return this.mode64 ? next : low32(next);
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
    this.setState64(sprOffset(SPR.CFAR) as number, this.#cia());
  }

  #cia(): I64 {
    return this.#main('cia').cia();
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
}

function crFieldOf(bit: I32): I32 {
  return i32.and(bit, i32c(0x1c));
}
function shiftOf(bit: I32): I32 {
  return i32.xor(i32.and(bit, i32c(3)), i32c(3));
}
