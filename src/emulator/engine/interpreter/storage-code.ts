/**
 * Code of storage accesses in a handler: the lookup in the software TLB, the access itself in the guest's byte order, and
 * the call of the slow path where the TLB has no entry.
 */

import { EXIT } from '../../cpu/exit.ts';
import * as layout from '../../cpu/layout.ts';
import type { Mode } from '../../cpu/mode.ts';
import { TLB_INDEX_MASK, TLB_WRITE } from '../../mmu/tlb.ts';
import type { LoadKind, StoreWidth } from '../../semantics/index.ts';
import {
  type FunctionBody,
  type I32,
  type I64,
  i32,
  i32c,
  i64,
  i64c,
  type Local,
  load,
  low32,
  type V128,
  v128c,
} from '../../wasm/index.ts';
import { reverse16, reverseBytes } from './byte-order.ts';

const BYTES: Readonly<Record<LoadKind, number>> = { u8: 1, u16: 2, s16: 2, u32: 4, s32: 4, u64: 8 };

/** Code for an access that the TLB has no entry for. `left`: the code leaves, and nothing follows it. */
export type SlowPath = {
  /** Leaves an arena address, or -1 for a fault. */
  readonly resolve: (access: 'read' | 'write', ea: I64, bytes: number) => I32 | 'left';
  /** Leaves 0 or an exit code. The value is in memory order. */
  readonly store: (ea: I64, value: I64 | V128, bytes: number) => I32 | 'left';
};

export type StorageFrame = {
  readonly tlb: I32;
  /** Leaves with an exit code; the instruction counts as not executed. */
  readonly exit: (code: I32) => void;
  readonly slow: SlowPath;
};

export class StorageCode {
  readonly #mode: Mode;
  readonly #body: FunctionBody;
  readonly #frame: StorageFrame;

  constructor(mode: Mode, body: FunctionBody, frame: StorageFrame) {
    this.#mode = mode;
    this.#body = body;
    this.#frame = frame;
  }

  load(kind: LoadKind, ea: I64, reversed: boolean): I64 {
    const raw = rawLoad(kind, this.#readAddress(ea, BYTES[kind]));
    const swap = reversed === this.#mode.littleEndian;
    return this.#body.let(extend(kind, swap ? reverseBytes(this.#body, raw, BYTES[kind]) : raw));
  }

  store(width: StoreWidth, ea: I64, value: I64, reversed: boolean): void {
    const swap = reversed === this.#mode.littleEndian;
    const ordered = this.#body.let(swap ? reverseBytes(this.#body, value, width / 8) : value);
    const effective = this.#effective(ea);
    this.#store(effective, ordered, width / 8, (address) => this.#rawStore(width, address, ordered));
  }

  loadVector(ea: I64): V128 {
    const value = load.v128(this.#readAddress(ea, 16));
    return this.#body.let(this.#mode.littleEndian ? value : reverse16(value));
  }

  storeVector(ea: I64, value: V128): void {
    const ordered = this.#body.let(this.#mode.littleEndian ? value : reverse16(value));
    const effective = this.#effective(ea);
    this.#store(effective, ordered, 16, (address) => this.#body.store128(address, ordered));
  }

  loadReserve(kind: LoadKind, ea: I64): I64 {
    const effective = this.#effective(ea);
    this.#align(effective, BYTES[kind]);
    const address = this.#body.let(this.#readAddress(effective, BYTES[kind]));
    this.#body.store32(i32c(layout.RESERVE), granule(address));
    const raw = rawLoad(kind, address);
    return this.#body.let(
      extend(kind, this.#mode.littleEndian ? raw : reverseBytes(this.#body, raw, BYTES[kind])),
    );
  }

  storeConditional(width: StoreWidth, ea: I64, value: I64): I32 {
    const effective = this.#effective(ea);
    const bytes = width / 8;
    this.#align(effective, bytes);
    const ordered = this.#body.let(this.#mode.littleEndian ? value : reverseBytes(this.#body, value, bytes));
    const entry = this.#entry(effective);
    const address = this.#body.local('i32');
    const isHeld = (): I32 => i32.eq(load.i32(i32c(layout.RESERVE)), granule(this.#body.get(address)));
    this.#body.if(
      misses(entry, TLB_WRITE, effective, bytes),
      () => {
        // A request to write notifies the observers of the page: only a store that happens may do so.
        this.#resolveInto(address, 'read', effective, bytes);
        this.#body.if(isHeld(), () => this.#resolveInto(address, 'write', effective, bytes));
      },
      () => this.#body.set(address, hit(entry, TLB_WRITE, effective)),
    );
    const held = this.#body.let(isHeld());
    this.#body.store32(i32c(layout.RESERVE), i32c(-1));
    this.#body.if(held, () => this.#rawStore(width, this.#body.get(address), ordered));
    return held;
  }

  zeroBlock(ea: I64): void {
    const effective = this.#effective(ea);
    const address = this.#body.let(this.#address(effective, 128, 'write'));
    // Device registers are not cached: Power ISA 3.0B, Book II §4.3.2.
    this.#body.if(i32.eq(address, i32c(layout.SCRATCH)), () => this.#misaligned(effective));
    for (let offset = 0; offset < 128; offset += 16)
      this.#body.store128(address, v128c(new Array(16).fill(0)), offset);
  }

  #effective(ea: I64): I64 {
    return this.#body.let(this.#mode.mode64 ? ea : low32(ea));
  }

  /** The address of the TLB entry that would serve an address. */
  #entry(effective: I64): I32 {
    return this.#body.let(
      i32.add(this.#frame.tlb, i32.and(i32.shrU(i32.wrap(effective), i32c(8)), i32c(TLB_INDEX_MASK))),
    );
  }

  /** Arena address of a readable operand; leaves on a fault. */
  #readAddress(ea: I64, bytes: number): I32 {
    return this.#address(this.#effective(ea), bytes, 'read');
  }

  #address(effective: I64, bytes: number, access: 'read' | 'write'): I32 {
    const array = access === 'read' ? 0 : TLB_WRITE;
    const entry = this.#entry(effective);
    const address = this.#body.local('i32');
    this.#body.if(
      misses(entry, array, effective, bytes),
      () => this.#resolveInto(address, access, effective, bytes),
      () => this.#body.set(address, hit(entry, array, effective)),
    );
    return this.#body.get(address);
  }

  /** The slow path: exits on a fault. */
  #resolveInto(address: Local<'i32'>, access: 'read' | 'write', effective: I64, bytes: number): void {
    const found = this.#frame.slow.resolve(access, effective, bytes);
    if (found === 'left') return;
    this.#body.set(address, found);
    this.#body.if(i32.eq(this.#body.get(address), i32c(-1)), () => this.#frame.exit(i32c(EXIT.fault)));
  }

  #store(effective: I64, ordered: I64 | V128, bytes: number, fast: (address: I32) => void): void {
    const entry = this.#entry(effective);
    this.#body.if(
      misses(entry, TLB_WRITE, effective, bytes),
      () => {
        const answer = this.#frame.slow.store(effective, ordered, bytes);
        if (answer === 'left') return;
        const code = this.#body.let(answer);
        this.#body.if(code, () => this.#frame.exit(code));
      },
      () => fast(hit(entry, TLB_WRITE, effective)),
    );
  }

  #rawStore(width: StoreWidth, address: I32, value: I64): void {
    if (width === 8) this.#body.store8(address, i32.wrap(value));
    else if (width === 16) this.#body.store16(address, i32.wrap(value));
    else if (width === 32) this.#body.store32(address, i32.wrap(value));
    else this.#body.store64(address, value);
  }

  #align(effective: I64, bytes: number): void {
    if (bytes === 1) return;
    this.#body.if(i32.and(i32.wrap(effective), i32c(bytes - 1)), () => this.#misaligned(effective));
  }

  /** An alignment interrupt with the operand's address. */
  #misaligned(effective: I64): void {
    this.#body.store64(i32c(layout.HELPER), effective);
    this.#frame.exit(i32c(EXIT.alignment));
  }
}

/** An operand misses where its last byte is not on the page of the entry: one that crosses a page always does. */
function misses(entry: I32, array: number, effective: I64, bytes: number): I32 {
  const last = bytes === 1 || bytes === 128 ? effective : i64.add(effective, i64c(bytes - 1));
  return i64.ne(load.i64(entry, array), i64.and(last, i64c(-4096n)));
}

function hit(entry: I32, array: number, effective: I64): I32 {
  return i32.add(i32.wrap(effective), load.i32(entry, array + 8));
}

/** What a reservation is held for. */
function granule(address: I32): I32 {
  return i32.and(address, i32c(-128));
}

function rawLoad(kind: LoadKind, address: I32): I64 {
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

function extend(kind: LoadKind, value: I64): I64 {
  return kind === 's16' ? i64.extend16(value) : kind === 's32' ? i64.extend32(value) : value;
}
