/**
 * The slow path of storage accesses: translation on a TLB miss, accesses that cross a page, device registers.
 *
 * Compiled code passes an effective address and gets an arena address; where the operand has no single place in the
 * arena it is worked on in the SCRATCH part of the window, filled before a load and written out after a store.
 */

import { EA_REGION } from '../../base/power.ts';
import * as layout from '../cpu/layout.ts';
import type { Arena } from '../memory/arena.ts';
import type { Ram } from '../memory/ram.ts';
import {
  type Access,
  DSISR_PROTECTION,
  DSISR_STORE,
  type GuestMmu,
  type Translation,
} from '../mmu/contract.ts';
import * as tlb from '../mmu/tlb.ts';
import type { TranslationState } from './translation-state.ts';

/** Device registers at real addresses that are not RAM. Bytes are in bus (little-endian) order. */
export interface MmioBus {
  /** @returns false when nothing is there. */
  read(raddr: number, target: Uint8Array): boolean;
  write(raddr: number, source: Uint8Array): boolean;
}

/** Accesses to a real address where there is neither RAM nor a device. */
type NothingThere = 'bad-load' | 'bad-store' | 'bad-fetch';

/** An access that could not be made: the interrupt that it raises. */
export type StorageFault = {
  kind: 'none' | 'data' | 'data-segment' | 'instruction' | 'instruction-segment' | NothingThere;
  /** DSISR or SRR1 bits. */
  status: number;
  lo: number;
  hi: number;
};

/** Whether an access failed for want of anything at its real address. */
export function isNothingThere({ kind }: StorageFault): boolean {
  return kind === 'bad-load' || kind === 'bad-store' || kind === 'bad-fetch';
}

/** The effective address of the access that could not be made; of a store to a device that is not there, the real one. */
export function faultAddress(fault: StorageFault): bigint {
  return (BigInt(fault.hi >>> 0) << 32n) | BigInt(fault.lo >>> 0);
}

type Pending =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'split';
      readonly first: number;
      readonly second: number;
      readonly split: number;
      readonly bytes: number;
    }
  | { readonly kind: 'mmio'; readonly raddr: number; readonly bytes: number };

const PAGE = 4096;
/** The high half of an address without {@link EA_REGION}, which real mode ignores: Book III §5.7.3. */
const REAL_HIGH = Number(BigInt.asUintN(64, ~EA_REGION) >> 32n);
const NONE: Pending = { kind: 'none' };

export class StorageAccess {
  readonly fault: StorageFault = { kind: 'none', status: 0, lo: 0, hi: 0 };
  readonly state: TranslationState;
  /** The real address that {@link resolveCode} found last. */
  codeAt = 0;
  /** Real addresses from here on cannot be reached in real mode: the end of the real-mode area. */
  realLimit: number = Number.POSITIVE_INFINITY;
  readonly mmu: GuestMmu;
  readonly #arena: Arena;
  readonly #ram: Ram;
  readonly #bus: MmioBus;
  readonly #result: Translation = { raddr: 0, fault: 0, segment: false, userPage: false };
  #pending: Pending = NONE;
  /** Read entries that lead to RAM's zero page, by vCPU. */
  readonly #zeroReads = new Map<tlb.Tlb, Set<number>>();

  constructor(arena: Arena, ram: Ram, mmu: GuestMmu, bus: MmioBus, state: TranslationState) {
    this.#arena = arena;
    this.#ram = ram;
    this.mmu = mmu;
    this.#bus = bus;
    this.state = state;
    ram.observePages(() => this.#forgetZeroReads());
  }

  /** @returns the arena address of `bytes` readable bytes at an effective address, or -1 with {@link fault} set. */
  resolveRead(lo: number, hi: number, bytes: number): number {
    const offset = lo & (PAGE - 1);
    if (offset + bytes > PAGE) return this.#readSplit(lo, hi, bytes);
    const raddr = this.#translate(lo, hi, 'read');
    if (raddr < 0) return -1;
    const address = this.#ram.locateForRead(raddr);
    if (address < 0) {
      const target = this.#arena.bytes.subarray(layout.SCRATCH, layout.SCRATCH + bytes);
      return this.#bus.read(raddr, target) ? layout.SCRATCH : this.#nothingThere('bad-load', lo, hi);
    }
    const { vcpu, dataSet } = this.state;
    const entry = vcpu.tlb.fill(dataSet, tlb.TLB_READ, lo, hi, (address - (lo >>> 0)) | 0);
    if (this.#ram.isZeroPage(address)) this.#rememberZeroRead(vcpu.tlb, entry);
    return address;
  }

  /** As {@link resolveRead} of one byte, at the arena address that stores to it will have too. */
  resolveLasting(lo: number, hi: number): number {
    const address = this.resolveRead(lo, hi, 1);
    if (address < 0 || !this.#ram.isZeroPage(address)) return address;
    return this.#ram.locate(this.#translate(lo, hi, 'read'));
  }

  /** As {@link resolveRead}, for a store that follows at once; SCRATCH means that {@link commitWrite} must follow it. */
  resolveWrite(lo: number, hi: number, bytes: number): number {
    const offset = lo & (PAGE - 1);
    if (offset + bytes > PAGE) return this.#prepareSplit(lo, hi, bytes);
    const raddr = this.#translate(lo, hi, 'write');
    if (raddr < 0) return -1;
    const address = this.#ram.locate(raddr);
    if (address < 0) {
      this.#pending = { kind: 'mmio', raddr, bytes };
      return layout.SCRATCH;
    }
    const page = address - offset;
    if (this.#ram.isMarked(page)) this.#ram.beforeWrite(address, bytes);
    if (!this.#ram.isMarked(page))
      this.state.vcpu.tlb.fill(this.state.dataSet, tlb.TLB_WRITE, lo, hi, (address - (lo >>> 0)) | 0);
    return address;
  }

  /** Moves a store from SCRATCH to where it belongs. @returns 0, or -1 with {@link fault} set. */
  commitWrite(): number {
    const pending = this.#pending;
    this.#pending = NONE;
    switch (pending.kind) {
      case 'none':
        return 0;
      case 'mmio': {
        const source = this.#arena.bytes.slice(layout.SCRATCH, layout.SCRATCH + pending.bytes);
        return this.#bus.write(pending.raddr, source)
          ? 0
          : this.#nothingThere('bad-store', pending.raddr | 0, Math.floor(pending.raddr / 2 ** 32));
      }
      case 'split': {
        const { first, second, split, bytes } = pending;
        // Observers of the second part may read the first one.
        this.#ram.beforeWrite(first, split);
        this.#arena.bytes.copyWithin(first, layout.SCRATCH, layout.SCRATCH + split);
        this.#ram.beforeWrite(second, bytes - split);
        this.#arena.bytes.copyWithin(second, layout.SCRATCH + split, layout.SCRATCH + bytes);
        return 0;
      }
    }
  }

  /** The arena address of code at an effective address, or -1 with {@link fault} set. */
  resolveCode(lo: number, hi: number): number {
    const raddr = this.#translate(lo, hi, 'execute');
    if (raddr < 0) return -1;
    this.codeAt = raddr;
    const address = this.#ram.locate(raddr);
    return address < 0 ? this.#nothingThere('bad-fetch', lo, hi) : address;
  }

  /** The real address of an effective one, or -1 with {@link fault} set. */
  #translate(lo: number, hi: number, access: Access): number {
    const code = access === 'execute';
    const result = this.#result;
    if (code ? this.state.codeReal : this.state.dataReal) {
      const raddr = (hi & REAL_HIGH) * 4294967296 + (lo >>> 0);
      if (raddr < this.realLimit) return raddr;
      // Power ISA 2.07, Book III-S, §5.7.3.
      result.segment = false;
      result.fault = DSISR_PROTECTION;
    } else this.mmu.translate(lo, hi, access, this.state.context, result);
    if (result.fault === 0) return result.raddr;
    const fault = this.fault;
    if (result.segment) fault.kind = code ? 'instruction-segment' : 'data-segment';
    else fault.kind = code ? 'instruction' : 'data';
    fault.status = access === 'write' ? result.fault | DSISR_STORE : result.fault;
    fault.lo = lo;
    fault.hi = hi;
    return -1;
  }

  #rememberZeroRead(of: tlb.Tlb, entry: number): void {
    const entries = this.#zeroReads.get(of);
    if (entries === undefined) this.#zeroReads.set(of, new Set([entry]));
    else entries.add(entry);
  }

  /** A page was made that TLB entries may still read as zeros: they are dropped, and the next access looks it up. */
  #forgetZeroReads(): void {
    for (const [of, entries] of this.#zeroReads) {
      for (const entry of entries) of.drop(entry);
      entries.clear();
    }
  }

  #nothingThere(kind: NothingThere, lo: number, hi: number): number {
    this.fault.kind = kind;
    this.fault.status = 0;
    this.fault.lo = lo;
    this.fault.hi = hi;
    return -1;
  }

  #secondPage(lo: number, hi: number): readonly [number, number] {
    const next = ((lo & ~(PAGE - 1)) + PAGE) | 0;
    return [next, next === 0 ? (hi + 1) | 0 : hi];
  }

  #readSplit(lo: number, hi: number, bytes: number): number {
    const split = PAGE - (lo & (PAGE - 1));
    const [lo2, hi2] = this.#secondPage(lo, hi);
    const first = this.#translate(lo, hi, 'read');
    if (first < 0) return -1;
    const second = this.#translate(lo2, hi2, 'read');
    if (second < 0) return -1;
    const a = this.#ram.locateForRead(first);
    const b = this.#ram.locateForRead(second);
    if (a < 0 || b < 0) return this.#nothingThere('bad-load', lo, hi);
    this.#arena.bytes.copyWithin(layout.SCRATCH, a, a + split);
    this.#arena.bytes.copyWithin(layout.SCRATCH + split, b, b + bytes - split);
    return layout.SCRATCH;
  }

  #prepareSplit(lo: number, hi: number, bytes: number): number {
    const split = PAGE - (lo & (PAGE - 1));
    const [lo2, hi2] = this.#secondPage(lo, hi);
    const first = this.#translate(lo, hi, 'write');
    if (first < 0) return -1;
    const second = this.#translate(lo2, hi2, 'write');
    if (second < 0) return -1;
    const a = this.#ram.locate(first);
    const b = this.#ram.locate(second);
    if (a < 0 || b < 0) return this.#nothingThere('bad-store', lo, hi);
    this.#pending = { kind: 'split', first: a, second: b, split, bytes };
    return layout.SCRATCH;
  }
}
