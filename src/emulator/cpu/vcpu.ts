/**
 * One virtual processor: its register block, its TLB, what interrupts wait for it. Registers are in the window while it
 * runs and in its own block otherwise; the accessors here find them in either place.
 */

import { MSR, MSR_LOW } from '../../base/power.ts';
import type { Arena } from '../memory/arena.ts';
import { Slb } from '../mmu/slb.ts';
import { TLB_BYTES, Tlb } from '../mmu/tlb.ts';
import * as layout from './layout.ts';
import { sprOffset } from './spr.ts';

/** Why a vCPU does not run. */
export type WaitState = 'stopped' | 'running' | 'ceded' | 'parked' | 'wedged';

const NEVER = Number.POSITIVE_INFINITY;
/** So many interrupts in the handlers of interrupts, without a return from any, do not end any more. */
export const STORM = 100_000;

export class Vcpu {
  readonly index: number;
  readonly hardwareId: number;
  readonly tlb: Tlb;
  readonly slb: Slb = new Slb();
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #block: number;
  #active = false;

  state: WaitState = 'stopped';
  /** H_PROD came while not ceded. */
  prodded = false;
  /** Pending interrupts: level inputs and latches. */
  external = false;
  systemReset = false;
  doorbell = false;
  /** Interrupt mode, set by H_SET_MODE for the partition. */
  interruptLittleEndian = false;
  alternateLocation: 0 | 2 | 3 = 0;
  /** Translation registers that are not plain: PIDR, AMR, IAMR. */
  pid = 0;
  #amr = 0n;
  #iamr = 0n;
  /** Key 0 of AMR (write denied, then read) and of IAMR (execute denied): their two most significant bits. */
  amrKey0 = 0;
  iamrKey0 = 0;
  /** The completed instruction address breakpoint (cpu/breakpoint.ts). */
  ciabr = 0n;
  /** Event-based branches: status and control, handler, return (engine/specials-spr.ts). */
  bescr = 0n;
  ebbhr = 0n;
  ebbrr = 0n;
  /** Nanosecond at which the decrementer turns negative; NEVER while it is out of reach. */
  decrementerExpiry: number = NEVER;
  /** The decrementer's value and the timebase when it was written. */
  decrementerValue = 0n;
  decrementerSetAt = 0n;
  /** The byte order that the first sets of execute entries of the TLB are for: that of interrupts when it last ran. */
  executesLittleEndian = false;
  /** The bits of XER that its processor has; carries and overflows are computed of all. */
  xerMask = -1;
  /** Interrupts that its instructions have raised since it last returned from one: {@link STORM} of them will not end. */
  unreturned = 0;
  /** Instructions executed by this vCPU. */
  instructions = 0;

  constructor(arena: Arena, index: number, hardwareId: number) {
    this.index = index;
    this.hardwareId = hardwareId;
    this.#view = arena.view;
    this.#bytes = arena.bytes;
    this.#block = arena.reserve(layout.STATE_SIZE);
    this.tlb = new Tlb(arena.buffer, arena.reserve(TLB_BYTES));
    this.resetRegisters();
  }

  /** Registers move to the window. Exactly one vCPU of an arena is active at a time. */
  activate(): void {
    this.#bytes.copyWithin(0, this.#block, this.#block + layout.STATE_SIZE);
    this.#active = true;
  }

  /** Registers move back; the reservation is lost, as another processor may now store. */
  deactivate(): void {
    this.#view.setInt32(layout.RESERVE, -1, true);
    this.#bytes.copyWithin(this.#block, 0, layout.STATE_SIZE);
    this.#active = false;
  }

  /** As {@link deactivate}, until the same vCPU is activated again, before any other: the reservation is kept. */
  pause(): void {
    this.#bytes.copyWithin(this.#block, 0, layout.STATE_SIZE);
    this.#active = false;
  }

  /** Every register zero, MSR = SF | ME, nothing pending. */
  resetRegisters(): void {
    this.#bytes.fill(0, this.#at(0), this.#at(0) + layout.STATE_SIZE);
    this.#view.setInt32(this.#at(layout.RESERVE), -1, true);
    this.msr = MSR.SF | MSR.ME;
    this.pid = 0;
    this.amr = 0n;
    this.iamr = 0n;
    this.ciabr = 0n;
    this.bescr = 0n;
    this.ebbhr = 0n;
    this.ebbrr = 0n;
    this.decrementerExpiry = NEVER;
    this.prodded = false;
    this.systemReset = false;
    this.doorbell = false;
    this.unreturned = 0;
    this.slb.reset();
    this.tlb.flushAll();
  }

  /** Copies the register block's first bytes. */
  copyBlock(into: Uint8Array): void {
    into.set(this.#bytes.subarray(this.#at(0), this.#at(0) + into.length));
  }

  get64(offset: number): bigint {
    return this.#view.getBigUint64(this.#at(offset), true);
  }
  set64(offset: number, value: bigint): void {
    this.#view.setBigUint64(this.#at(offset), BigInt.asUintN(64, value), true);
  }
  get32(offset: number): number {
    return this.#view.getInt32(this.#at(offset), true);
  }
  set32(offset: number, value: number): void {
    this.#view.setInt32(this.#at(offset), value, true);
  }

  gpr(n: number): bigint {
    return this.get64(layout.GPR + n * 8);
  }
  setGpr(n: number, value: bigint): void {
    this.set64(layout.GPR + n * 8, value);
  }

  get nia(): bigint {
    return this.get64(layout.NIA);
  }
  set nia(value: bigint) {
    this.set64(layout.NIA, value);
  }
  /** The address of the instruction being executed, while a special handler or a slow path acts for it. */
  get cia(): bigint {
    return this.get64(layout.CIA);
  }

  get msr(): bigint {
    return this.get64(layout.MSR);
  }
  set msr(value: bigint) {
    this.set64(layout.MSR, value);
    const flag = (bit: number): number => (this.msrHas(bit) ? 1 : 0);
    this.set32(layout.MSR_PR, flag(MSR_LOW.PR));
    this.set32(layout.MSR_FP, flag(MSR_LOW.FP));
    this.set32(layout.MSR_VEC, flag(MSR_LOW.VEC));
    this.set32(layout.MSR_VSX, flag(MSR_LOW.VSX));
  }

  /** @param bits of {@link MSR_LOW}: whether any of them is set */
  msrHas(bits: number): boolean {
    return (this.get32(layout.MSR) & bits) !== 0;
  }
  /** MSR[SF]. */
  get mode64(): boolean {
    return this.get32(layout.MSR + 4) < 0;
  }
  /** MSR[LE]: the byte order of its accesses. */
  get littleEndian(): boolean {
    return this.msrHas(MSR_LOW.LE);
  }
  /** An address as an instruction computes it: in 32-bit mode its low half. */
  effective(ea: bigint): bigint {
    return this.mode64 ? BigInt.asUintN(64, ea) : ea & 0xffffffffn;
  }

  get amr(): bigint {
    return this.#amr;
  }
  set amr(value: bigint) {
    this.#amr = value;
    this.amrKey0 = Number(value >> 62n);
  }
  get iamr(): bigint {
    return this.#iamr;
  }
  set iamr(value: bigint) {
    this.#iamr = value;
    this.iamrKey0 = Number(value >> 62n);
  }

  /** A plain SPR (cpu/spr.ts) by number. */
  spr(number: number): bigint {
    return this.get64(sprOffset(number) as number);
  }
  setSpr(number: number, value: bigint): void {
    this.set64(sprOffset(number) as number, value);
  }

  /** CR as one 32-bit number, field 0 in the high digit. */
  get cr(): number {
    let out = 0;
    for (let field = 0; field < 8; field++) out = (out << 4) | (this.get32(layout.CR + field * 4) & 15);
    return out >>> 0;
  }
  set cr(value: number) {
    for (let field = 0; field < 8; field++)
      this.set32(layout.CR + field * 4, (value >>> (28 - field * 4)) & 15);
  }

  get xer(): number {
    const bit = (offset: number, at: number): number => (this.get32(offset) & 1) << at;
    const word =
      bit(layout.XER_SO, 31) |
      bit(layout.XER_OV, 30) |
      bit(layout.XER_CA, 29) |
      bit(layout.XER_OV32, 19) |
      bit(layout.XER_CA32, 18);
    return ((word | this.get32(layout.XER_COUNT)) & this.xerMask) >>> 0;
  }
  set xer(given: number) {
    const value = given & this.xerMask;
    const set = (offset: number, at: number): void => this.set32(offset, (value >>> at) & 1);
    set(layout.XER_SO, 31);
    set(layout.XER_OV, 30);
    set(layout.XER_CA, 29);
    set(layout.XER_OV32, 19);
    set(layout.XER_CA32, 18);
    this.set32(layout.XER_COUNT, value & 0x3ffff);
  }

  #at(offset: number): number {
    return this.#active ? offset : this.#block + offset;
  }
}
