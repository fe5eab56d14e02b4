/**
 * The segment lookaside buffer of one vCPU: Power ISA 2.07 and 3.0B, Book III-S, §5.7.7 and §5.9.3.1. Thirty-two entries
 * as POWER8 and POWER9 have; 256 MiB and 1 TiB segments. Entries are kept as the instructions write them, in halves.
 *
 * Left out: segment tables of ISA 3.0 (LPCR[UPRT] = 0: the SLB is software's), SLB multi-hit machine checks (the lowest
 * entry wins).
 */

import { segmentEncoding } from './page-sizes.ts';

export const SLB_ENTRIES = 32;

/** Of the ESID doubleword: V. */
const ESID_VALID = 0x08000000;
/** Of the VSID doubleword's low half. */
export const VSID_KS = 0x800;
export const VSID_KP = 0x400;
export const VSID_NO_EXECUTE = 0x200;
const VSID_CLASS = 0x80;
/** Of its high half: B. */
const VSID_B_1T = 0x40000000;
const VSID_B_RESERVED = 0x80000000 | 0;
/** A segment of an ESID's top nibble 0 belongs to programs; the others to the kernel. */
const REGION_SHIFT = 28;

/** Which entries {@link Slb.invalidateAll} keeps: entry 0, those of class 0, none. */
export type SlbKeep = 'first' | 'class0' | 'none';

export class Slb {
  readonly #esidHi = new Int32Array(SLB_ENTRIES);
  readonly #esidLo = new Int32Array(SLB_ENTRIES);
  readonly #vsidHi = new Int32Array(SLB_ENTRIES);
  readonly #vsidLo = new Int32Array(SLB_ENTRIES);
  /** The entry that {@link find} answered last. */
  #recent = 0;
  /** Whether an entry of class 1 was ever made for an address outside programs' region. */
  classOneElsewhere = false;

  /** As after power-on: nothing valid. */
  reset(): void {
    for (const part of [this.#esidHi, this.#esidLo, this.#vsidHi, this.#vsidLo]) part.fill(0);
    this.#recent = 0;
    this.classOneElsewhere = false;
  }

  /**
   * Writes an entry. `esid` and `vsid` are the doublewords of slbmte without the index.
   * @returns whether the entry can be: its page size exists, its segment size does, no reserved bit is set.
   */
  write(index: number, esid: bigint, vsid: bigint): boolean {
    const esidHi = Number((esid >> 32n) & 0xffffffffn) | 0;
    const esidLo = Number(esid & 0xffffffffn) | 0;
    const vsidHi = Number((vsid >> 32n) & 0xffffffffn) | 0;
    const vsidLo = Number(vsid & 0xffffffffn) | 0;
    if (index >= SLB_ENTRIES || (esidLo & 0x07ffffff) !== 0 || (vsidHi & VSID_B_RESERVED) !== 0) return false;
    if (segmentEncoding(vsidLo) === undefined) return false;
    this.#esidHi[index] = esidHi;
    this.#esidLo[index] = esidLo;
    this.#vsidHi[index] = vsidHi;
    this.#vsidLo[index] = vsidLo;
    if ((vsidLo & VSID_CLASS) !== 0 && esidHi >>> REGION_SHIFT !== 0) this.classOneElsewhere = true;
    return true;
  }

  /** The entry that translates an effective address, or -1. */
  find(lo: number, hi: number): number {
    if (this.#matches(this.#recent, lo, hi)) return this.#recent;
    for (let i = 0; i < SLB_ENTRIES; i++) {
      if (!this.#matches(i, lo, hi)) continue;
      this.#recent = i;
      return i;
    }
    return -1;
  }

  vsidHi(index: number): number {
    return this.#vsidHi[index] as number;
  }
  vsidLo(index: number): number {
    return this.#vsidLo[index] as number;
  }

  isValid(index: number): boolean {
    return ((this.#esidLo[index] as number) & ESID_VALID) !== 0;
  }

  /** Whether an entry is valid and for the same ESID as the one that would be written, but not the same in all. */
  isReplacedBy(index: number, esid: bigint, vsid: bigint): boolean {
    const change = this.esid(index) ^ esid;
    const same = (change & ~BigInt(ESID_VALID)) === 0n;
    return this.isValid(index) && same && (change !== 0n || this.vsid(index) !== vsid);
  }

  /** The doublewords as slbmfee and slbmfev give them. */
  esid(index: number): bigint {
    return join(this.#esidHi[index] as number, this.#esidLo[index] as number);
  }
  vsid(index: number): bigint {
    return join(this.#vsidHi[index] as number, this.#vsidLo[index] as number);
  }

  invalidate(index: number): void {
    (this.#esidLo[index] as number) &= ~ESID_VALID;
  }

  invalidateAll(keep: SlbKeep): void {
    for (let i = keep === 'first' ? 1 : 0; i < SLB_ENTRIES; i++) {
      if (keep === 'class0' && ((this.#vsidLo[i] as number) & VSID_CLASS) === 0) continue;
      this.invalidate(i);
    }
  }

  #matches(index: number, lo: number, hi: number): boolean {
    const esidLo = this.#esidLo[index] as number;
    if ((esidLo & ESID_VALID) === 0) return false;
    if (((this.#vsidHi[index] as number) & VSID_B_1T) !== 0)
      return (((this.#esidHi[index] as number) ^ hi) & ~0xff) === 0;
    return this.#esidHi[index] === hi && ((esidLo ^ lo) & 0xf0000000) === 0;
  }
}

function join(hi: number, lo: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
