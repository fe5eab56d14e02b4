/** Pages of a hashed table as an operating system describes them: Power ISA 2.07, Book III-S, §5.7.7–5.7.9. */

import { segmentEncoding } from '../../src/emulator/mmu/page-sizes.ts';

export type Segment = {
  /** Where it begins. */
  readonly ea: bigint;
  /** 28 or 40. */
  readonly bits: 28 | 40;
  readonly vsid: bigint;
  /** L and LP: 0, 0x110 or 0x100; with KS, KP, N, C. */
  readonly flags: bigint;
};

export type Page = {
  readonly ea: bigint;
  readonly raddr: bigint;
  /** log2 of the actual page size. */
  readonly shift: number;
  /** PP, N, WIMG, R, C and key of the second doubleword; absent: readable and writable RAM. */
  readonly flags?: bigint;
};

export const RAM_READ_WRITE = 0x12n;
const VALID = 1n;
const LARGE = 4n;
const B_1T = 1n << 62n;

/** The operands of slbmte: RB without the index, RS. */
export function slbEntry({ ea, bits, vsid, flags }: Segment): readonly [esid: bigint, vsid: bigint] {
  const esid = (ea & ~((1n << BigInt(bits)) - 1n)) | 0x08000000n;
  return [esid, bits === 40 ? B_1T | (vsid << 24n) | flags : (vsid << 12n) | flags];
}

function encodingOf(segment: Segment, shift: number): { readonly base: number; readonly bits: number } {
  const sizes = segmentEncoding(Number(segment.flags));
  const page = sizes?.pages.find((each) => each.shift === shift);
  if (sizes === undefined || page === undefined) throw new Error('no such page size in the segment');
  return { base: sizes.shift, bits: page.encoding };
}

/** The two doublewords of a page's entry; valid, not bolted, primary. */
export function pageEntry(segment: Segment, page: Page): readonly [v: bigint, r: bigint] {
  const { base, bits } = encodingOf(segment, page.shift);
  const offset = page.ea & ((1n << BigInt(segment.bits)) - 1n) & ~((1n << BigInt(base)) - 1n);
  const abbreviated = (offset >> 16n) & ~0x7fn;
  const large = page.shift > 12 ? LARGE : 0n;
  const v =
    segment.bits === 40 ? B_1T | (segment.vsid << 24n) | abbreviated : (segment.vsid << 12n) | abbreviated;
  const frame = page.raddr & ~((1n << BigInt(page.shift)) - 1n);
  const encoding = page.shift > 12 ? BigInt(bits) << 12n : 0n;
  return [v | large | VALID, frame | encoding | (page.flags ?? RAM_READ_WRITE)];
}

/** The hash of a page's virtual address; the group is its low bits, or, secondary, those of its complement. */
export function pageHash(segment: Segment, page: Page): bigint {
  const { base } = encodingOf(segment, page.shift);
  const offset = page.ea & ((1n << BigInt(segment.bits)) - 1n);
  const index = offset >> BigInt(base);
  const { vsid } = segment;
  return segment.bits === 40 ? vsid ^ (vsid << 25n) ^ index : vsid ^ index;
}
