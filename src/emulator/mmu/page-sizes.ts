/**
 * Page sizes of the hash MMU and how segments and page table entries name them, mixed sizes in a segment included:
 * Power ISA 2.07, Book III-S, §5.7.7 and §5.7.8.1; the encodings are implementation dependent, these are POWER7's to
 * POWER9's, as QEMU 7.2 (target/ppc/mmu-hash64.c) has them. Left out: 16 GiB pages, which a partition has only where its
 * hypervisor set memory aside for them (ibm,expected#pages); this one's tree offers none.
 */

export type PageEncoding = {
  /** log2 of the actual page size. */
  readonly shift: number;
  /** What the low bits of the real page number hold, for entries with L = 1. */
  readonly encoding: number;
};

export type SegmentEncoding = {
  /** log2 of the base page size. */
  readonly shift: number;
  /** L and LP of the VSID doubleword. */
  readonly encoding: number;
  readonly pages: readonly PageEncoding[];
};

const LLP = 0x130;
const RPN_SHIFT = 12;
/** V dword: L. */
const LARGE = 4;

const SIZE_4K: SegmentEncoding = {
  shift: 12,
  encoding: 0,
  pages: [
    { shift: 12, encoding: 0 },
    { shift: 16, encoding: 0x7 },
    { shift: 24, encoding: 0x38 },
  ],
};
const SIZE_64K: SegmentEncoding = {
  shift: 16,
  encoding: 0x110,
  pages: [
    { shift: 16, encoding: 0x1 },
    { shift: 24, encoding: 0x8 },
  ],
};
const SIZE_16M: SegmentEncoding = { shift: 24, encoding: 0x100, pages: [{ shift: 24, encoding: 0 }] };

/** The contents of ibm,segment-page-sizes, in its order. */
export const SEGMENT_SIZES: readonly SegmentEncoding[] = [SIZE_4K, SIZE_64K, SIZE_16M];

/** The page sizes of a segment, from the low half of its VSID doubleword; undefined where L and LP mean nothing. */
export function segmentEncoding(vsidLo: number): SegmentEncoding | undefined {
  switch (vsidLo & LLP) {
    case 0:
      return SIZE_4K;
    case 0x110:
      return SIZE_64K;
    case 0x100:
      return SIZE_16M;
    default:
      return undefined;
  }
}

/** log2 of the actual page size of an entry in a segment, from the low halves of its doublewords; 0 where it is of another base size. */
export function actualShift(segment: SegmentEncoding, vLo: number, rLo: number): number {
  if ((vLo & LARGE) === 0) return segment.shift === 12 ? 12 : 0;
  for (const { shift, encoding } of segment.pages) {
    if (shift === 12) continue;
    const mask = ((1 << shift) - 1) & ~0xfff;
    if ((rLo & mask) === encoding << RPN_SHIFT) return shift;
  }
  return 0;
}

/** The base and actual size of an entry on its own; undefined where its encoding means nothing. */
export function entrySizes(
  vLo: number,
  rLo: number,
): { readonly base: number; readonly actual: number } | undefined {
  if ((vLo & LARGE) === 0) return { base: 12, actual: 12 };
  for (const segment of SEGMENT_SIZES) {
    const actual = actualShift(segment, vLo, rLo);
    if (actual !== 0) return { base: segment.shift, actual };
  }
  return undefined;
}
