/**
 * Translates effective addresses of the kernel by its own page table, `swapper_pg_dir`: vmalloc, modules and, under radix,
 * the array of struct page lie outside of the linear map. Under hash translation the hardware never reads this table;
 * Linux keeps it all the same. Entries are big-endian in every kernel.
 *
 * Sources: Power ISA 3.1B, Book III, 6.7.10 (radix: directory entries with NLB and NLS, leaves with RPN); Linux 6.12
 * arch/powerpc/include/asm/book3s/64: radix.h and radix-4k.h, radix-64k.h (a tree of 52 bits whose root has 13), hash-4k.h
 * and hash-64k.h (index sizes), pgtable.h (_PAGE_PRESENT, _PAGE_PTE, PTE_RPN_MASK, PMD_MASKED_BITS), pgtable-be-types.h.
 * Left out: kernels before 4.17 (other index sizes under hash), hugepd.
 */

import { getU64 } from '../../base/bytes.ts';

export type PageTableFormat = 'radix' | 'hash-4k' | 'hash-64k';

/** `mapped`: the next `bytes` from the address on lie at `raddr`; `absent`: they are not mapped. */
export type Mapping =
  | { readonly kind: 'mapped'; readonly raddr: number; readonly bytes: number }
  | { readonly kind: 'absent'; readonly bytes: number };

/** Real memory; undefined where there is none. */
export type ReadReal = (raddr: number, length: number) => Promise<Uint8Array | undefined>;

const PRESENT = 1n << 63n;
const LEAF = 1n << 62n;
const RADIX_NEXT = 0x0fffffffffffff00n;
const RADIX_NEXT_BITS = 0x1fn;
const HASH_NEXT = 0x3fffffffffffff00n;
/** Linux uses no real address above it (_PAGE_PA_MAX), whatever the format. */
const REAL_PAGE = 0x001ffffffffff000n;
const RADIX = { bits: 52, root: 13 } as const;
/** Index sizes from the root down, and the size of a page. */
const HASH = {
  'hash-4k': { page: 12, levels: [9, 9, 7, 9] },
  'hash-64k': { page: 16, levels: [8, 10, 10, 8] },
} as const;
const SMALLEST_PAGE = 12;
/** Tables are read in pieces of this size, some of which are kept: neighbours are asked for together. */
const PIECE = 4096;
const KEPT = 256;

export class KernelPageTable {
  readonly #format: PageTableFormat;
  readonly #root: number;
  readonly #read: ReadReal;
  readonly #pieces: Map<number, Uint8Array | undefined> = new Map();

  /** @param root real address of swapper_pg_dir */
  constructor(format: PageTableFormat, root: number, read: ReadReal) {
    this.#format = format;
    this.#root = root;
    this.#read = read;
  }

  /** Where an effective address of the kernel lies, and how far that holds. Tables that lead out of memory map nothing. */
  async find(address: bigint): Promise<Mapping> {
    return this.#format === 'radix'
      ? await this.#findRadix(address)
      : await this.#findHash(address, HASH[this.#format]);
  }

  async #findRadix(address: bigint): Promise<Mapping> {
    let table = this.#root;
    let shift: number = RADIX.bits;
    for (let bits: number = RADIX.root; ; ) {
      shift -= bits;
      if (bits === 0 || shift < SMALLEST_PAGE) return absent(address, Math.max(shift, SMALLEST_PAGE));
      const entry = await this.#entry(table, index(address, shift, bits));
      if ((entry & PRESENT) === 0n) return absent(address, shift);
      if ((entry & LEAF) !== 0n) return mapped(entry & REAL_PAGE, address, shift);
      table = Number(entry & RADIX_NEXT);
      bits = Number(entry & RADIX_NEXT_BITS);
    }
  }

  async #findHash(address: bigint, { page, levels }: (typeof HASH)[keyof typeof HASH]): Promise<Mapping> {
    let table = this.#root;
    let shift = levels.reduce((sum: number, bits) => sum + bits, page);
    for (const bits of levels) {
      shift -= bits;
      const entry = await this.#entry(table, index(address, shift, bits));
      if ((entry & LEAF) !== 0n)
        return (entry & PRESENT) === 0n ? absent(address, shift) : mapped(entry & REAL_PAGE, address, shift);
      if (entry === 0n) return absent(address, shift);
      table = Number(entry & HASH_NEXT);
    }
    return absent(address, page);
  }

  /** 0 where the table is not in memory. */
  async #entry(table: number, at: number): Promise<bigint> {
    const raddr = table + at * 8;
    const start = raddr - (raddr % PIECE);
    if (!this.#pieces.has(start)) {
      if (this.#pieces.size >= KEPT) this.#pieces.clear();
      this.#pieces.set(start, await this.#read(start, PIECE));
    }
    const piece = this.#pieces.get(start);
    return piece === undefined ? 0n : getU64(piece, raddr - start, 'big');
  }
}

function index(address: bigint, shift: number, bits: number): number {
  return Number((address >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n));
}

function mapped(page: bigint, address: bigint, shift: number): Mapping {
  const within = address & ((1n << BigInt(shift)) - 1n);
  const start = page & ~((1n << BigInt(shift)) - 1n);
  return { kind: 'mapped', raddr: Number(start + within), bytes: 2 ** shift - Number(within) };
}

function absent(address: bigint, shift: number): Mapping {
  return { kind: 'absent', bytes: 2 ** shift - Number(address & ((1n << BigInt(shift)) - 1n)) };
}
