/**
 * Radix tree translation as a guest under a hypervisor uses it: Power ISA 3.0B, Book III, §5.7.10–5.7.12. The guest's real
 * addresses are the machine's: the partition-scoped tree is the hypervisor's and is not modelled.
 *
 * Reference and change bits are updated by the walk, as POWER9 hardware does.
 */

import type { Arena } from '../memory/arena.ts';
import type { Ram } from '../memory/ram.ts';
import {
  type Access,
  DSISR_BAD_TREE,
  DSISR_KEY,
  DSISR_NO_TRANSLATION,
  DSISR_PROTECTION,
  DSISR_STORE,
  type GuestMmu,
  type MmuContext,
  SRR1_NO_EXECUTE,
  type Translation,
} from './contract.ts';
import { RadixTables } from './radix-tables.ts';
import type { Tlb } from './tlb.ts';

/** What the walk needs of the vCPU. */
export type RadixContext = Pick<MmuContext, 'problemState' | 'pid' | 'amrWrite' | 'amrRead' | 'iamrExecute'>;

const PTE_VALID = 0x80000000 | 0;
const PTE_LEAF = 0x40000000;
const EAA_PRIVILEGED = 8;
const EAA_READ = 4;
const EAA_WRITE = 2;
const EAA_EXECUTE = 1;
const PTE_REFERENCE = 0x100;
const PTE_CHANGE = 0x80;
const TWO_32 = 4294967296;
/** Levels of a tree at the most, each of which takes five bits of 52 at the least, and the process table. */
const MOST_LEVELS = 11;

export class RadixMmu implements GuestMmu {
  readonly kind = 'radix';
  readonly #arena: Arena;
  readonly #ram: Ram;
  readonly #tables: RadixTables;
  /** Of the walk under way: arena addresses of the slots that it has read, and the bits of the address that each covers. */
  readonly #slots = new Float64Array(MOST_LEVELS);
  readonly #covers = new Uint8Array(MOST_LEVELS);
  /** Process table: real address and size; 0 bytes while none is registered. */
  #tableBase = 0;
  #tableBytes = 0;
  /** The last entry read: its arena address, and its halves. */
  #at = 0;
  #hi = 0;
  #lo = 0;

  /** @param tlbs of all vCPUs */
  constructor(arena: Arena, ram: Ram, tlbs: () => readonly Tlb[]) {
    this.#arena = arena;
    this.#ram = ram;
    this.#tables = new RadixTables(arena, ram, tlbs);
  }

  invalidate(tlb: Tlb): void {
    this.#tables.dropChanged(tlb);
  }

  /** As at power-on: without a process table. The caller drops all translations. */
  reset(): void {
    this.#tables.clear();
    this.setProcessTable(0, 0);
  }

  setProcessTable(base: number, bytes: number): void {
    this.#tableBase = base;
    this.#tableBytes = bytes;
  }

  /** Walks the tree for one effective address, given as halves. The result object is `out`, reused by the caller. */
  translate(lo: number, hi: number, access: Access, context: RadixContext, out: Translation): void {
    out.fault = 0;
    out.segment = false;
    const quadrant = hi >>> 30;
    if (quadrant === 1 || quadrant === 2 || (hi & 0x3ff00000) !== 0) {
      out.segment = true;
      out.fault = DSISR_NO_TRANSLATION;
      return;
    }
    const entry = this.#tableBase + (quadrant === 3 ? 0 : context.pid) * 16;
    if (entry + 16 > this.#tableBase + this.#tableBytes || !this.#fetch(entry)) {
      out.fault = DSISR_BAD_TREE;
      return;
    }
    const high = hi & 0xfffff;
    const rts = (((this.#hi >>> 29) & 3) << 3) | ((this.#lo >>> 5) & 7);
    if (rts + 31 !== 52) {
      out.fault = DSISR_BAD_TREE;
      return;
    }
    this.#slots[0] = this.#at;
    this.#covers[0] = 64;
    let level = 1;
    let base = this.#pointer();
    let width = this.#lo & 31;
    let left = 52;
    for (;;) {
      left -= width;
      if (width < 5 || left < 12) {
        out.fault = DSISR_BAD_TREE;
        return;
      }
      const from = left >= 32 ? high >>> (left - 32) : (high << (32 - left)) | (lo >>> left);
      const at = base + (from & ((1 << width) - 1)) * 8;
      if (!this.#fetch(at)) {
        out.fault = DSISR_BAD_TREE;
        return;
      }
      if ((this.#hi & PTE_VALID) === 0) {
        out.fault = DSISR_NO_TRANSLATION;
        return;
      }
      this.#slots[level] = this.#at;
      this.#covers[level++] = left;
      if ((this.#hi & PTE_LEAF) !== 0) {
        this.#leaf(at, lo, high, left, access, context, out);
        if (out.fault === 0)
          while (level-- > 0)
            this.#tables.read(this.#slots[level] as number, lo, this.#covers[level] as number);
        return;
      }
      base = this.#pointer();
      width = this.#lo & 31;
    }
  }

  #leaf(
    at: number,
    lo: number,
    high: number,
    pageBits: number,
    access: Access,
    context: RadixContext,
    out: Translation,
  ): void {
    const fault = denied(this.#lo, access, context);
    out.userPage = (this.#lo & EAA_PRIVILEGED) === 0;
    if (fault !== 0) {
      out.fault = fault;
      return;
    }
    const want = access === 'write' ? PTE_REFERENCE | PTE_CHANGE : PTE_REFERENCE;
    if ((this.#lo & want) !== want) {
      const address = this.#ram.locate(at) + 6;
      this.#tables.isWalking = true;
      this.#ram.beforeWrite(address, 2);
      this.#tables.isWalking = false;
      const low = (this.#lo | want) & 0xffff;
      this.#arena.bytes[address] = low >>> 8;
      this.#arena.bytes[address + 1] = low & 0xff;
    }
    // The frame is aligned to the page's size. Up to 1 GiB the offset lies within the low half; a power or a remainder of doubles
    // would cost more than the walk.
    if (pageBits < 32) {
      const offset = (1 << pageBits) - 1;
      out.raddr = (this.#hi & 0x01ffffff) * TWO_32 + (((this.#lo & ~0xfff & ~offset) | (lo & offset)) >>> 0);
      return;
    }
    const frame = (this.#hi & 0x01ffffff) * TWO_32 + ((this.#lo & ~0xfff) >>> 0);
    out.raddr = frame - (frame % 2 ** pageBits) + ((high * TWO_32 + (lo >>> 0)) % 2 ** pageBits);
  }

  /** Reads a big-endian doubleword. @returns false when it is not in RAM. */
  #fetch(raddr: number): boolean {
    const at = this.#ram.locateForRead(raddr);
    if (at < 0) return false;
    this.#at = at;
    this.#hi = swap(this.#arena.words[at >>> 2] as number);
    this.#lo = swap(this.#arena.words[(at >>> 2) + 1] as number);
    return true;
  }

  /** NLB or RPDB: bits 4 to 55 of the entry. */
  #pointer(): number {
    return (this.#hi & 0x0fffffff) * TWO_32 + ((this.#lo & ~0xff) >>> 0);
  }
}

function denied(pte: number, access: Access, context: RadixContext): number {
  const privilegedPage = (pte & EAA_PRIVILEGED) !== 0;
  if (context.problemState && privilegedPage)
    return access === 'write' ? DSISR_PROTECTION | DSISR_STORE : DSISR_PROTECTION;
  const guarded = !context.problemState && !privilegedPage;
  switch (access) {
    case 'execute':
      if ((pte & EAA_EXECUTE) === 0) return SRR1_NO_EXECUTE;
      return guarded && context.iamrExecute ? DSISR_KEY : 0;
    case 'write':
      if ((pte & EAA_WRITE) === 0) return DSISR_PROTECTION | DSISR_STORE;
      return guarded && context.amrWrite ? DSISR_KEY | DSISR_STORE : 0;
    case 'read':
      if ((pte & (EAA_READ | EAA_WRITE)) === 0) return DSISR_PROTECTION;
      return guarded && context.amrRead ? DSISR_KEY : 0;
  }
}

function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24) | 0;
}
