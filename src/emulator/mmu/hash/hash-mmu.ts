/**
 * Translation by segments and a hashed page table: Power ISA 2.07, Book III-S, §5.7.6–5.7.13, as a partition sees it
 * (its real addresses are the machine's). POWER9 in hash mode does the same; its own form of page table entries never
 * shows behind the hypercalls.
 *
 * Reference and change bits are updated as hardware does. Left out: the virtualised real-mode area (real mode has an
 * offset of 0 and a limit), LPCR[ISL], expansion of KS and KP by LPCR.
 */

import {
  type Access,
  DSISR_KEY,
  DSISR_NO_TRANSLATION,
  DSISR_PROTECTION,
  DSISR_STORE,
  type GuestMmu,
  type MmuContext,
  SRR1_NO_EXECUTE,
  type Translation,
} from '../contract.ts';
import { actualShift, type SegmentEncoding, segmentEncoding } from '../page-sizes.ts';
import { VSID_KP, VSID_KS, VSID_NO_EXECUTE } from '../slb.ts';
import type { Tlb } from '../tlb.ts';
import {
  GROUP,
  type HashTable,
  hashOfSegment,
  R_CHANGE,
  R_GUARDED,
  R_KEY_HI,
  R_KEY_LO,
  R_NO_EXECUTE,
  R_PP,
  R_PP0,
  R_REFERENCE,
  V_1T,
  V_SECONDARY,
  V_VALID,
  WORDS,
} from './table.ts';

const TWO_32 = 4294967296;
/** What a search compares of the first doubleword's low half: virtual page number, H, V. */
const COMPARED = 0xffffff83 | 0;

export class HashMmu implements GuestMmu {
  readonly kind = 'hash';
  readonly table: HashTable;
  /** log2 of the size of the page that {@link #search} found. */
  #shift = 0;

  constructor(table: HashTable) {
    this.table = table;
  }

  /** The table is the hypervisor's, which drops what it changes by itself; what an instruction drops may be of a segment. */
  invalidate(tlb: Tlb): void {
    tlb.flushTranslated();
  }

  translate(lo: number, hi: number, access: Access, context: MmuContext, out: Translation): void {
    out.fault = 0;
    out.segment = false;
    out.userPage = false;
    const { slb } = context;
    const entry = slb.find(lo, hi);
    if (entry < 0) {
      out.segment = true;
      out.fault = DSISR_NO_TRANSLATION;
      return;
    }
    const vsidHi = slb.vsidHi(entry);
    const vsidLo = slb.vsidLo(entry);
    if (access === 'execute' && (vsidLo & VSID_NO_EXECUTE) !== 0) {
      out.fault = SRR1_NO_EXECUTE;
      return;
    }
    const index = this.#find(lo, hi, vsidHi, vsidLo);
    if (index < 0) {
      out.fault = access === 'write' ? DSISR_NO_TRANSLATION | DSISR_STORE : DSISR_NO_TRANSLATION;
      return;
    }
    const { table } = this;
    const at = index * WORDS + 2;
    const rHi = table.words[at] as number;
    const rLo = table.words[at + 1] as number;
    const key = (vsidLo & (context.problemState ? VSID_KP : VSID_KS)) !== 0;
    const fault = denied(rHi, rLo, key, access, context);
    if (fault !== 0) {
      out.fault = access === 'write' ? fault | DSISR_STORE : fault;
      return;
    }
    const want = access === 'write' ? R_REFERENCE | R_CHANGE : R_REFERENCE;
    if ((rLo & want) !== want) table.words[at + 1] = rLo | want;
    table.keep(index);
    const offset = (1 << this.#shift) - 1;
    out.raddr = (rHi & 0x0fffffff) * TWO_32 + (((rLo & ~0xfff & ~offset) | (lo & offset)) >>> 0);
  }

  /** The entry of a page: the primary group, then the secondary. -1 when there is none. */
  #find(lo: number, hi: number, vsidHi: number, vsidLo: number): number {
    const segment = segmentEncoding(vsidLo) as SegmentEncoding;
    const shift = segment.shift;
    const large = (vsidHi & V_1T) !== 0;
    // Of a segment of 1 TiB, address bits 32 to 39 are the high half's.
    const above = large ? hi & 0xff : 0;
    const offset = large ? lo : lo & 0x0fffffff;
    const page = (offset >>> shift) | (above << (32 - shift));
    const hash = hashOfSegment(vsidHi, vsidLo & ~0xfff) ^ page;
    const abbreviated = ((above << 16) | (offset >>> 16)) & ~((1 << Math.max(shift - 16, 7)) - 1);
    const vLo = (vsidLo & ~0xfff) | abbreviated | V_VALID;
    const found = this.#search(hash, segment, vsidHi, vLo);
    return found >= 0 ? found : this.#search(~hash, segment, vsidHi, vLo | V_SECONDARY);
  }

  #search(hash: number, segment: SegmentEncoding, vHi: number, vLo: number): number {
    const { words, groupMask } = this.table;
    const first = (hash & groupMask) * GROUP;
    for (let i = first; i < first + GROUP; i++) {
      const at = i * WORDS;
      if (words[at] !== vHi || (((words[at + 1] as number) ^ vLo) & COMPARED) !== 0) continue;
      const actual = actualShift(segment, words[at + 1] as number, words[at + 3] as number);
      if (actual === 0) continue;
      this.#shift = actual;
      return i;
    }
    return -1;
  }
}

/** The bits of DSISR or SRR1 for an access that the entry denies, store bit aside; 0 where it does not. §5.7.13 */
function denied(rHi: number, rLo: number, key: boolean, access: Access, context: MmuContext): number {
  const pp = (rLo & R_PP) | ((rHi & R_PP0) !== 0 ? 4 : 0);
  const class_ = ((rHi & R_KEY_HI) >>> 25) | ((rLo & R_KEY_LO) >>> 9);
  if (access === 'execute') {
    let fault = 0;
    if ((rLo & (R_NO_EXECUTE | R_GUARDED)) !== 0) fault = SRR1_NO_EXECUTE;
    else if (!readable(pp, key)) fault = DSISR_PROTECTION;
    if (context.iamr !== 0n && (keyBits(context.iamr, class_) & 1) !== 0) fault |= DSISR_KEY;
    return fault;
  }
  const store = access === 'write';
  let fault = (store ? writable(pp, key) : readable(pp, key)) ? 0 : DSISR_PROTECTION;
  if (context.amr !== 0n && (keyBits(context.amr, class_) & (store ? 2 : 1)) !== 0) fault |= DSISR_KEY;
  return fault;
}

/** Two bits of a key register: the first denies stores, the second loads (or, in IAMR, fetches). */
function keyBits(register: bigint, class_: number): number {
  return Number((register >> BigInt(2 * (31 - class_))) & 3n);
}

function readable(pp: number, key: boolean): boolean {
  return key ? pp === 1 || pp === 2 || pp === 3 : pp <= 3 || pp === 6;
}

function writable(pp: number, key: boolean): boolean {
  return key ? pp === 2 : pp <= 2;
}
