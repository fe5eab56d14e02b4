/**
 * The hashed page table of a partition, kept by the hypervisor outside the guest's memory: Power ISA 2.07, Book III-S,
 * §5.7.9. An entry is four words: the halves, high first, of its two doublewords, in the layout of ISA 2.07, which is
 * the one that hypercalls speak also where the processor's own differs (ISA 3.0).
 *
 * The table remembers from which entries translations were made that a vCPU may still hold, so that a change of an
 * entry drops those alone.
 */

import { entrySizes } from '../page-sizes.ts';

/** Low half of the first doubleword. */
export const V_VALID = 1;
export const V_SECONDARY = 2;
export const V_BOLTED = 0x10;
/** High half of the first doubleword: segment of 1 TiB. */
export const V_1T = 0x40000000;
/** What of the low half belongs to the abbreviated virtual page number. */
export const AVPN_LO: number = ~0x7f;
/** Low half of the second doubleword. */
export const R_REFERENCE = 0x100;
export const R_CHANGE = 0x80;
export const R_PP = 3;
export const R_NO_EXECUTE = 4;
export const R_GUARDED = 8;
export const R_WIMG = 0x78;
export const R_KEY_LO = 0xe00;
/** High half of the second doubleword. */
export const R_PP0: number = 0x80000000 | 0;
export const R_KEY_HI = 0x30000000;

export const WORDS = 4;
export const GROUP = 8;
/** log2 of an entry's and of a group's bytes. */
const ENTRY_SHIFT = 4;
const GROUP_SHIFT = 7;
/** The architecture's smallest table, as log2 of its bytes. */
export const SMALLEST_TABLE = 18;
const TWO_32 = 4294967296;

/** Drops translations of virtual pages: `lo` is the low half of addresses (the bits below 24 count), `pages` of 4 KiB. */
export type DropPages = (lo: number, pages: number) => void;

/** An entry for reports. */
export type TableEntry = { readonly index: number; readonly v: bigint; readonly r: bigint };

export class HashTable {
  /** log2 of the table's bytes. */
  shift: number;
  words: Int32Array;
  /** Number of groups less one. */
  groupMask: number;
  #kept: Uint8Array;
  #valid = 0;
  readonly #first: number;
  readonly #drop: DropPages;

  constructor(shift: number, drop: DropPages) {
    this.#first = shift;
    this.#drop = drop;
    this.shift = shift;
    this.groupMask = 2 ** (shift - GROUP_SHIFT) - 1;
    this.words = new Int32Array(2 ** (shift - 2));
    this.#kept = new Uint8Array(2 ** (shift - ENTRY_SHIFT));
  }

  get entries(): number {
    return this.#kept.length;
  }
  /** How many entries are valid. */
  get valid(): number {
    return this.#valid;
  }

  /** As at power-on: empty, of its first size. */
  reset(): void {
    if (this.shift === this.#first) {
      if (this.#valid > 0) this.words.fill(0);
      this.#kept.fill(0);
      this.#valid = 0;
    } else this.adopt(this.another(this.#first));
  }

  /** Takes the place and the entries of another table, which must not be used any more. Every translation has to be dropped. */
  adopt(other: HashTable): void {
    this.shift = other.shift;
    this.words = other.words;
    this.groupMask = other.groupMask;
    this.#kept = other.#kept;
    this.#valid = other.#valid;
  }

  /** An empty table of another size that drops translations as this one does. */
  another(shift: number): HashTable {
    return new HashTable(shift, this.#drop);
  }

  isValid(index: number): boolean {
    return ((this.words[index * WORDS + 1] as number) & V_VALID) !== 0;
  }

  /** The first entry of its group that is not valid; -1 when all are. */
  freeIn(group: number): number {
    for (let i = group * GROUP; i < (group + 1) * GROUP; i++) if (!this.isValid(i)) return i;
    return -1;
  }

  /** Writes an entry. Translations made from the one that was there are dropped. */
  write(index: number, vHi: number, vLo: number, rHi: number, rLo: number): void {
    this.forget(index);
    const at = index * WORDS;
    if (this.isValid(index)) this.#valid--;
    if ((vLo & V_VALID) !== 0) this.#valid++;
    this.words[at] = vHi;
    this.words[at + 1] = vLo;
    this.words[at + 2] = rHi;
    this.words[at + 3] = rLo;
  }

  /** A translation was made from an entry and is kept somewhere. */
  keep(index: number): void {
    this.#kept[index] = 1;
  }

  /** Drops the translations made from an entry. */
  forget(index: number): void {
    if (this.#kept[index] === 0) return;
    this.#kept[index] = 0;
    const at = index * WORDS;
    const vLo = this.words[at + 1] as number;
    const sizes = entrySizes(vLo, this.words[at + 3] as number);
    if (sizes === undefined) return;
    // Of a page larger than the base size, which the segment's other pages may share, everything goes.
    const offset = this.segmentOffset(index, sizes.base);
    this.#drop(offset & ~((1 << sizes.actual) - 1), 1 << (sizes.actual - 12));
  }

  /** Empties `count` entries from `index` on; the caller drops every translation. */
  clear(index: number, count: number): void {
    for (let i = index; i < index + count; i++) if (this.isValid(i)) this.#valid--;
    this.words.fill(0, index * WORDS, (index + count) * WORDS);
    this.#kept.fill(0, index, index + count);
  }

  /** Where in its segment an entry's base page lies, modulo 2^32: from the virtual page number and, below 8 MiB, from its group. */
  segmentOffset(index: number, baseShift: number): number {
    const at = index * WORDS;
    const vHi = this.words[at] as number;
    const vLo = this.words[at + 1] as number;
    const large = (vHi & V_1T) !== 0;
    const upper = large ? (vLo & AVPN_LO) << 16 : ((vLo & AVPN_LO) << 16) & 0x0fffffff;
    if (baseShift >= 23) return upper & ~((1 << baseShift) - 1);
    const group = Math.floor(index / GROUP);
    const hash = (vLo & V_SECONDARY) !== 0 ? ~group : group;
    const page = hash ^ hashOfSegment(vHi, vLo);
    return upper | ((page << baseShift) & 0x7fffff);
  }

  /**
   * The primary group of an entry in a table with `groupMask`, where its base page size is known: the whole virtual
   * address follows from the virtual page number and the group it is in.
   */
  groupIn(groupMask: number, index: number, baseShift: number): number {
    const at = index * WORDS;
    const vHi = this.words[at] as number;
    const vLo = this.words[at + 1] as number;
    const offset = this.segmentOffset(index, baseShift);
    // Address bits 32 to 39 of a segment of 1 TiB stand in the virtual page number as well.
    const above = (vHi & V_1T) !== 0 ? (vLo >>> 16) & 0xff : 0;
    const page = (offset >>> baseShift) | (above << (32 - baseShift));
    const hash = hashOfSegment(vHi, vLo) ^ page;
    return ((vLo & V_SECONDARY) !== 0 ? ~hash : hash) & groupMask;
  }

  /** Up to `limit` valid entries, in order. */
  sample(limit: number): readonly TableEntry[] {
    const out: TableEntry[] = [];
    for (let index = 0; index < this.entries && out.length < limit; index++) {
      if (!this.isValid(index)) continue;
      out.push({ index, v: this.#doubleword(index, 0), r: this.#doubleword(index, 2) });
    }
    return out;
  }

  #doubleword(index: number, word: number): bigint {
    const at = index * WORDS + word;
    return (BigInt((this.words[at] as number) >>> 0) << 32n) | BigInt((this.words[at + 1] as number) >>> 0);
  }
}

/** The low 32 bits of the part of the hash that the segment gives: §5.7.9.3. Works on the VSID and on a first doubleword alike. */
export function hashOfSegment(vHi: number, vLo: number): number {
  if ((vHi & V_1T) === 0) return (vHi << 20) | (vLo >>> 12);
  const vsid = (vHi << 8) | (vLo >>> 24);
  return vsid ^ (vsid << 25);
}

/** log2 of the bytes of the table that a partition with so much memory gets: a 128th of it, as a power of two. */
export function tableShift(memoryBytes: number): number {
  let shift = SMALLEST_TABLE;
  while (2 ** (shift + GROUP_SHIFT) < memoryBytes) shift++;
  return shift;
}

/** The real address at which an entry's page begins, by log2 of its size. */
export function frameOf(rHi: number, rLo: number, shift: number): number {
  return (rHi & 0x0fffffff) * TWO_32 + ((rLo & ~0xfff & ~((1 << shift) - 1)) >>> 0);
}
