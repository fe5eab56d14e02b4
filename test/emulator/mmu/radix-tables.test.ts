/** What an invalidation drops: all that the tables no longer say, and, where few entries were changed, little else. */

import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Arena } from '../../../src/emulator/memory/arena.ts';
import { Ram } from '../../../src/emulator/memory/ram.ts';
import type { Translation } from '../../../src/emulator/mmu/contract.ts';
import { RadixMmu } from '../../../src/emulator/mmu/radix.ts';
import {
  CONTEXT_KERNEL,
  TLB_BYTES,
  TLB_INDEX_MASK,
  TLB_READ,
  TLB_WRITE,
  Tlb,
} from '../../../src/emulator/mmu/tlb.ts';

const RAM_BYTES = 8 * 1024 * 1024;
const PROCESS_TABLE = 0x10000;
const ROOT = 0x100000;
/** A page with sixteen tables of the last level for pages of 64 KiB, and one for pages of 4 KiB. */
const SMALL_TABLES = 0x200000;
const LARGE_TABLE = 0x201000;
const VALID = 1n << 63n;
const LEAF = 1n << 62n;
const ALL_ACCESS = 0xfn & ~8n;
const KERNEL = 0xc000_0000_0000_0000n;
const CONTEXT = {
  problemState: false,
  pid: 1,
  amrRead: false,
  amrWrite: false,
  iamrExecute: false,
} as const;

let arena: Arena;
let ram: Ram;
let mmu: RadixMmu;
let tlb: Tlb;

const lowOf = (ea: bigint): number => Number(BigInt.asIntN(32, ea));
const highOf = (ea: bigint): number => Number(BigInt.asIntN(32, ea >> 32n));

function walk(ea: bigint): Translation {
  const out: Translation = { raddr: -1, fault: 0, segment: false, userPage: false };
  mmu.translate(lowOf(ea), highOf(ea), 'read', CONTEXT, out);
  return out;
}

const entryOf = (ea: bigint): number =>
  (tlb.set(CONTEXT_KERNEL) + TLB_READ + ((lowOf(ea) >>> 8) & TLB_INDEX_MASK)) >>> 2;

/** What the TLB says of an address: where it is, less its offset in the page. */
function cached(ea: bigint): number | undefined {
  const at = entryOf(ea);
  const [lo, hi] = [arena.words[at], arena.words[at + 1]];
  return lo === (lowOf(ea) & ~0xfff) && hi === highOf(ea) ? (arena.words[at + 2] as number) : undefined;
}

/** A read of the guest's. The addend is the page's real address here, which is enough to tell translations apart. */
function read(ea: bigint): void {
  if (cached(ea) !== undefined) return;
  const { fault, raddr } = walk(ea);
  if (fault === 0) tlb.fill(CONTEXT_KERNEL, TLB_READ, lowOf(ea), highOf(ea), raddr - (raddr % 4096));
}

const set = (at: number, value: bigint): void => ram.writeU64(at, value, false);
const leaf = (frame: number): bigint => VALID | LEAF | (BigInt(frame) << 16n) | ALL_ACCESS;

/** Sixteen tables of 32 pages of 64 KiB each at KERNEL, then pages of 4 KiB. Slots are where their entries are. */
const SMALL_PAGES = 16 * 32;
const eaOf = (page: number): bigint =>
  page < SMALL_PAGES
    ? KERNEL + (BigInt(page) << 16n)
    : KERNEL + (BigInt(SMALL_PAGES) << 16n) + (BigInt(page - SMALL_PAGES) << 12n);
const slotOf = (page: number): number =>
  page < SMALL_PAGES ? SMALL_TABLES + 8 * page : LARGE_TABLE + 8 * (page - SMALL_PAGES);

beforeEach(() => {
  arena = new Arena(RAM_BYTES + 0x200000);
  ram = new Ram(arena, [{ base: 0, size: RAM_BYTES }]);
  tlb = new Tlb(arena.buffer, arena.reserve(TLB_BYTES));
  mmu = new RadixMmu(arena, ram, () => [tlb]);
  mmu.setProcessTable(PROCESS_TABLE, 0x10000);
  // RTS = 21, a root of 13 bits; then 9, 9, and 5 or 9 bits.
  set(PROCESS_TABLE, (2n << 61n) | (5n << 5n) | BigInt(ROOT) | 13n);
  const [second, third] = [ROOT + 0x10000, ROOT + 0x11000];
  set(ROOT, VALID | BigInt(second) | 9n);
  set(second, VALID | BigInt(third) | 9n);
  for (let i = 0; i < 16; i++) set(third + 8 * i, VALID | BigInt(SMALL_TABLES + 0x100 * i) | 5n);
  set(third + 8 * 16, VALID | BigInt(LARGE_TABLE) | 9n);
});

type Action =
  | { readonly kind: 'read'; readonly page: number }
  | { readonly kind: 'set'; readonly page: number; readonly frame: number }
  | { readonly kind: 'clear'; readonly page: number }
  | { readonly kind: 'invalidate' };

describe('an invalidation', () => {
  const page = fc.oneof(
    fc.nat({ max: SMALL_PAGES - 1 }),
    fc.integer({ min: SMALL_PAGES, max: SMALL_PAGES + 511 }),
  );
  const action: fc.Arbitrary<Action> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('read'), page }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('set'), page, frame: fc.nat({ max: 100 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear'), page }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('invalidate') }) },
  );
  /** Pages that were read, so that actions meet in few of them. */
  const few = fc.array(page, { minLength: 2, maxLength: 12 });

  it('any accesses and changes → what is left in the TLB is what the tables say', () => {
    fc.assert(
      fc.property(few, fc.array(action, { maxLength: 300 }), (pages, actions) => {
        const near = (n: number): number => pages[n % pages.length] as number;
        for (const each of [...actions, { kind: 'invalidate' } as const]) {
          if (each.kind === 'read') read(eaOf(near(each.page)));
          else if (each.kind === 'set') set(slotOf(near(each.page)), leaf(each.frame));
          else if (each.kind === 'clear') set(slotOf(near(each.page)), 0n);
          else {
            mmu.invalidate(tlb);
            for (const known of pages) {
              const at = cached(eaOf(known));
              if (at === undefined) continue;
              const { fault, raddr } = walk(eaOf(known));
              expect([fault, raddr - (raddr % 4096)]).toEqual([0, at]);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('one entry was changed → its translation is stale until then, and the others stay', () => {
    for (const each of [3, 4, 40, SMALL_PAGES + 7]) {
      set(slotOf(each), leaf(each % 100));
      read(eaOf(each));
    }
    const before = cached(eaOf(4));
    set(slotOf(4), leaf(77));
    read(eaOf(4));
    expect(cached(eaOf(4))).toBe(before);
    mmu.invalidate(tlb);
    expect(cached(eaOf(4))).toBeUndefined();
    for (const each of [3, 40, SMALL_PAGES + 7]) expect(cached(eaOf(each))).toBeDefined();
  });

  it.each([
    ['the process table', PROCESS_TABLE, (2n << 61n) | (5n << 5n) | BigInt(ROOT + 0x80000) | 13n],
    ['the root', ROOT, 0n],
    ['a level between', ROOT + 0x11000, VALID | BigInt(SMALL_TABLES + 0x100) | 5n],
  ])('%s was changed → what follows from it goes', (_name, at, value) => {
    set(slotOf(3), leaf(30));
    read(eaOf(3));
    set(at, value);
    mmu.invalidate(tlb);
    expect(cached(eaOf(3))).toBeUndefined();
  });

  it('a table serves two places → a change drops the translations of both', () => {
    const second = KERNEL + (17n << 21n);
    set(ROOT + 0x11000 + 8 * 17, VALID | BigInt(SMALL_TABLES) | 5n);
    set(slotOf(3), leaf(30));
    read(eaOf(3));
    read(second + (3n << 16n));
    set(slotOf(3), leaf(31));
    mmu.invalidate(tlb);
    expect(cached(eaOf(3))).toBeUndefined();
    expect(cached(second + (3n << 16n))).toBeUndefined();
  });

  it('a page of tables becomes data → its stores cost nothing any more, and its translations go', () => {
    set(slotOf(3), leaf(30));
    read(eaOf(3));
    const page = ram.locate(SMALL_TABLES) | 0;
    expect(ram.isMarked(page)).toBe(true);
    for (let i = 0; i < 100; i++) set(SMALL_TABLES + 0x800, BigInt(i));
    expect(ram.isMarked(page)).toBe(false);
    mmu.invalidate(tlb);
    expect(cached(eaOf(3))).toBeUndefined();
  });

  it('changes are kept for a while alone, and none is missed', () => {
    for (let round = 0; round < 700; round++) {
      for (const each of [3, 4, 5]) {
        set(slotOf(each), leaf((round + each) % 100));
        read(eaOf(each));
      }
      for (const each of [3, 4, 5]) set(slotOf(each), leaf((round + each + 1) % 100));
      mmu.invalidate(tlb);
      for (const each of [3, 4, 5]) expect(cached(eaOf(each))).toBeUndefined();
    }
  });

  it('many changes at once → everything goes', () => {
    for (let each = 0; each < SMALL_PAGES; each++) {
      set(slotOf(each), leaf(each % 100));
      read(eaOf(each));
    }
    for (let each = 1; each < SMALL_PAGES; each++) {
      set(slotOf(each), leaf(50));
      if (each % 32 === 0) walk(eaOf(0));
    }
    mmu.invalidate(tlb);
    for (let each = 0; each < SMALL_PAGES; each++) expect(cached(eaOf(each))).toBeUndefined();
  });

  it('entries where there were none are no change', () => {
    set(slotOf(3), leaf(30));
    read(eaOf(3));
    for (let each = 100; each < 300; each++) {
      set(slotOf(each), leaf(31));
      if (each % 32 === 0) read(eaOf(each));
    }
    mmu.invalidate(tlb);
    expect(cached(eaOf(3))).toBeDefined();
  });

  it('what the walk stores itself, reference and change, is no change', () => {
    set(slotOf(3), leaf(30));
    set(slotOf(4), leaf(31));
    read(eaOf(3));
    read(eaOf(4));
    mmu.invalidate(tlb);
    expect(cached(eaOf(3))).toBeDefined();
    expect(cached(eaOf(4))).toBeDefined();
  });

  it('stores that found their page before it had tables ask as well', () => {
    const page = ram.locate(SMALL_TABLES) | 0;
    tlb.fill(CONTEXT_KERNEL, TLB_WRITE, SMALL_TABLES, 0, page - SMALL_TABLES);
    set(slotOf(3), leaf(30));
    read(eaOf(3));
    const at = (tlb.set(CONTEXT_KERNEL) + TLB_WRITE + ((SMALL_TABLES >>> 8) & TLB_INDEX_MASK)) >>> 2;
    expect(arena.words[at]).toBe(-1);
  });
});
