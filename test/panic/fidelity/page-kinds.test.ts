/** Kinds of pages from an array of struct page that a test lays out as Linux 6.1 does. */

import { describe, expect, it } from 'vitest';
import { type Endian, putU32, putU64 } from '../../../src/base/bytes.ts';
import type { ReadThen } from '../../../src/panic/fidelity/page-array.ts';
import { type PageKinds, readPageKinds } from '../../../src/panic/fidelity/page-kinds.ts';
import type { Vmcoreinfo } from '../../../src/vmcore/format/index.ts';

const LINEAR = 0xc000000000000000n;
const VMEMMAP = 0xc00c000000000000n;
const PAGE = 65536;
const PAGES = 2048;
const STRUCT = 64;
/** Two blocks of the array, in the wrong order. */
const SHIFT = 16;
const BLOCKS = [0x30000, 0x20000];
const HEAD = 0x1000;
const PSIZE = 0x1008;
const SIZES = 0x1010;
const BACKING = 0x2000;
const LRU = 1n << 4n;
const PRIVATE = 1n << 13n;
const SLAB = 1n << 9n;
const POISON = 1n << 22n;

const INFO: Vmcoreinfo = new Map(
  Object.entries({
    PAGESIZE: `${PAGE}`,
    'SIZE(page)': `${STRUCT}`,
    'OFFSET(page.flags)': '0',
    'OFFSET(page.mapping)': '24',
    'OFFSET(page._mapcount)': '48',
    'OFFSET(page.private)': '40',
    'OFFSET(page.compound_dtor)': '16',
    'OFFSET(page.compound_head)': '8',
    'NUMBER(PG_lru)': '4',
    'NUMBER(PG_private)': '13',
    'NUMBER(PG_swapcache)': '10',
    'NUMBER(PG_slab)': '9',
    'NUMBER(PG_hwpoison)': '22',
    'NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)': '-129',
    'NUMBER(HUGETLB_PAGE_DTOR)': '2',
    'SYMBOL(vmemmap_list)': (LINEAR + BigInt(HEAD)).toString(16),
    'SYMBOL(mmu_vmemmap_psize)': (LINEAR + BigInt(PSIZE)).toString(16),
    'SYMBOL(mmu_psize_defs)': (LINEAR + BigInt(SIZES)).toString(16),
    'SIZE(vmemmap_backing)': '24',
    'OFFSET(vmemmap_backing.list)': '0',
    'OFFSET(vmemmap_backing.phys)': '8',
    'OFFSET(vmemmap_backing.virt_addr)': '16',
    'SIZE(mmu_psize_def)': '96',
    'OFFSET(mmu_psize_def.shift)': '0',
  }),
);

/** Undefined: not known, for a reason that is told. */
async function known(
  info: Vmcoreinfo,
  endian: Endian,
  memoryEnd: number,
  read: ReadThen,
): Promise<PageKinds | undefined> {
  const kinds = await readPageKinds({ info, endian, mmu: 'radix', memoryEnd }, read);
  if (typeof kinds !== 'string') return kinds;
  expect(kinds.length).toBeGreaterThan(10);
  return undefined;
}

function kernel(endian: Endian) {
  const memory = new Uint8Array(0x40000);
  putU32(memory, PSIZE, 1, endian);
  putU32(memory, SIZES + 96, SHIFT, endian);
  putU64(memory, HEAD, LINEAR + BigInt(BACKING), endian);
  for (const [i, phys] of BLOCKS.entries()) {
    const at = BACKING + 24 * i;
    putU64(memory, at, i === 0 ? LINEAR + BigInt(at + 24) : 0n, endian);
    putU64(memory, at + 8, BigInt(phys), endian);
    putU64(memory, at + 16, VMEMMAP + BigInt((1 - i) << SHIFT), endian);
  }
  const page = (
    pfn: number,
    { flags = 0n, mapping = 0n, mapcount = -1, order = 0n, link = 0n, dtor = 0 } = {},
  ): void => {
    const at = (BLOCKS[pfn < 1024 ? 1 : 0] as number) + (pfn % 1024) * STRUCT;
    putU64(memory, at, flags, endian);
    putU64(memory, at + 8, link, endian);
    if (dtor !== 0) memory[at + 16] = dtor;
    putU64(memory, at + 24, mapping, endian);
    putU64(memory, at + 40, order, endian);
    putU32(memory, at + 48, mapcount >>> 0, endian);
  };
  for (let pfn = 0; pfn < PAGES; pfn++) page(pfn);
  const read = async (raddr: number, length: number): Promise<Uint8Array | undefined> =>
    raddr + length <= memory.length ? memory.slice(raddr, raddr + length) : undefined;
  const kinds = () => known(INFO, endian, PAGES * PAGE, read);
  return { memory, page, kinds };
}

const headOf = (pfn: number): bigint => VMEMMAP + BigInt(pfn * STRUCT) + 1n;

describe.each(['little', 'big'] as const)('readPageKinds, %s-endian', (endian) => {
  it('free blocks by their order, cache, private, anonymous, and what is none of them', async () => {
    const { page, kinds } = kernel(endian);
    page(8, { mapcount: -129, order: 2n });
    page(20, { flags: LRU, mapping: 0xc000n });
    page(21, { flags: LRU | PRIVATE, mapping: 0xc000n });
    page(22, { flags: LRU, mapping: 0xc001n, mapcount: 0 });
    page(23, { flags: SLAB, mapping: 0xc001n });
    page(24, { flags: LRU | POISON });
    page(1030, { flags: LRU, mapping: 0xc000n });
    const found = await kinds();
    expect(found?.pageSize).toBe(PAGE);
    const of = (pfn: number) => found?.kindOf(pfn * PAGE + 0x3000);
    expect([7, 8, 9, 10, 11, 12].map(of)).toEqual([undefined, 'free', 'free', 'free', 'free', undefined]);
    expect([20, 21, 22, 23, 24].map(of)).toEqual(['cache', 'private', 'user', undefined, 'poisoned']);
    expect(of(1030)).toBe('cache');
  });

  it('parts of a compound page are what its head is; hugetlbfs by its destructor', async () => {
    const { page, kinds } = kernel(endian);
    page(40, { flags: LRU | (1n << 16n), mapping: 0xc001n, mapcount: 0 });
    page(41, { link: headOf(40) });
    page(42, { link: headOf(40) });
    page(50, { flags: 1n << 16n });
    page(51, { link: headOf(50), dtor: 2 });
    const found = await kinds();
    expect([40, 41, 42, 43, 50, 51].map((pfn) => found?.kindOf(pfn * PAGE))).toEqual([
      'user',
      'user',
      'user',
      undefined,
      'user',
      'user',
    ]);
  });

  it('a list that leads out of memory, one without end, a size that cannot be → not known', async () => {
    const outside = kernel(endian);
    putU64(outside.memory, BACKING, LINEAR + 0x7f000000n, endian);
    expect(await outside.kinds()).toBeUndefined();
    const endless = kernel(endian);
    putU64(endless.memory, BACKING, LINEAR + BigInt(BACKING), endian);
    expect(await endless.kinds()).toBeUndefined();
    const large = kernel(endian);
    putU32(large.memory, SIZES + 96, 77, endian);
    expect(await large.kinds()).toBeUndefined();
  });
});

it('readPageKinds: VMCOREINFO that lacks something, or makes no sense → not known', async () => {
  const nothing = async (): Promise<undefined> => undefined;
  for (const key of INFO.keys()) {
    if (key === 'NUMBER(PG_slab)' || key === 'NUMBER(PG_hwpoison)' || key.includes('DTOR')) continue;
    const info = new Map([...INFO].filter(([name]) => name !== key));
    expect(await known(info, 'big', PAGE, nothing)).toBeUndefined();
  }
  const senseless = new Map([...INFO, ['PAGESIZE', 'many'] as const]);
  expect(await known(senseless, 'big', PAGE, nothing)).toBeUndefined();
});

it.each([
  ['SIZE(page)', '0'],
  ['SIZE(page)', '1099511627776'],
  ['OFFSET(page.flags)', '-8'],
  ['OFFSET(page.mapping)', '64'],
  ['OFFSET(page._mapcount)', '9007199254740993'],
  ['OFFSET(page.compound_dtor)', '4096'],
  ['NUMBER(PG_lru)', '99999999999999999999'],
  ['NUMBER(PG_slab)', '-1'],
  ['SIZE(vmemmap_backing)', '2147483648'],
  ['OFFSET(vmemmap_backing.list)', '24'],
  ['OFFSET(vmemmap_backing.phys)', '-1'],
  ['SIZE(mmu_psize_def)', '0'],
])('readPageKinds: %s is %s → an answer, and no exception', async (key, value) => {
  const { memory } = kernel('little');
  const read = async (raddr: number, length: number): Promise<Uint8Array | undefined> =>
    raddr >= 0 && raddr + length <= memory.length ? memory.slice(raddr, raddr + length) : undefined;
  const found = await known(new Map([...INFO, [key, value]]), 'little', PAGES * PAGE, read);
  // A flag that cannot be is a flag that the kernel does not have.
  expect(found === undefined).toBe(key !== 'NUMBER(PG_slab)');
});

it('readPageKinds: a list whose blocks all lie on each other → each part is read once', async () => {
  const { memory } = kernel('little');
  const blocks = 1000;
  const list = new Uint8Array(24 * blocks);
  for (let i = 0; i < blocks; i++) {
    const next = i + 1 < blocks ? LINEAR + BigInt(memory.length + 24 * (i + 1)) : 0n;
    putU64(list, 24 * i, next, 'little');
    putU64(list, 24 * i + 8, 0x20000n, 'little');
    putU64(list, 24 * i + 16, VMEMMAP, 'little');
  }
  putU64(memory, HEAD, LINEAR + BigInt(memory.length), 'little');
  const all = Uint8Array.from([...memory, ...list]);
  let whole = 0;
  await known(INFO, 'little', PAGES * PAGE, async (raddr, length) => {
    if (length === 2 ** SHIFT) whole++;
    return all.slice(raddr, raddr + length);
  });
  expect(whole).toBe(1);
});

/** Linux 6.12 under radix: an empty vmemmap_list, struct page through the kernel's page table, page types in the top byte. */
describe('readPageKinds, by the kernel’s page table', () => {
  const ROOT = 0x10000;
  const NEXT = [0x3000, 0x4000, 0x5000];
  const ARRAY = 0x20000;
  const SMALL = 4096;
  const COUNT = 2048;
  const typed = (type: number): number => (type << 24) | 0x123456;
  const NEW: Vmcoreinfo = new Map([
    ...[...INFO].filter(([key]) => !/DTOR|compound|PG_slab|BUDDY/.test(key)),
    ...Object.entries({
      PAGESIZE: `${SMALL}`,
      'OFFSET(page.compound_info)': '8',
      'NUMBER(PG_head_mask)': '64',
      'NUMBER(PG_swapbacked)': '17',
      'NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)': `${0xf0 << 24}`,
      'NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)': `${0xf1 << 24}`,
      'NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)': `${0xf4 << 24}`,
      'NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)': `${0xf5 << 24}`,
      'NUMBER(RADIX_MMU)': '1',
      'SYMBOL(vmemmap)': VMEMMAP.toString(16),
      'SYMBOL(swapper_pg_dir)': (LINEAR + BigInt(ROOT)).toString(16),
    }),
  ]);

  /** The array in pages of 64 KiB of the table, as Linux maps it without huge pages; its second page lies before the first. */
  function modern() {
    const endian = 'little';
    const memory = new Uint8Array(0x40000);
    putU32(memory, SIZES + 96, SHIFT, endian);
    putU32(memory, PSIZE, 1, endian);
    const entry = (table: number, at: number, value: bigint): void =>
      putU64(memory, table + at * 8, value, 'big');
    const directory = (raddr: number, bits: bigint): bigint => (1n << 63n) | BigInt(raddr) | bits;
    const leaf = (raddr: number): bigint => (3n << 62n) | BigInt(raddr) | 0x18en;
    const [pud = 0, pmd = 0, pte = 0] = NEXT;
    entry(ROOT, Number((VMEMMAP >> 39n) & 0x1fffn), directory(pud, 9n));
    entry(pud, 0, directory(pmd, 9n));
    entry(pmd, 0, directory(pte, 5n));
    entry(pte, 0, leaf(ARRAY + 0x10000));
    entry(pte, 1, leaf(ARRAY));
    const page = (
      pfn: number,
      { flags = 0n, mapping = 0n, mapcount = -1, order = 0n, link = 0n } = {},
    ): void => {
      const at = ARRAY + ((pfn * STRUCT) ^ 0x10000);
      putU64(memory, at, flags, endian);
      putU64(memory, at + 8, link, endian);
      putU64(memory, at + 24, mapping, endian);
      putU64(memory, at + 40, order, endian);
      putU32(memory, at + 48, mapcount >>> 0, endian);
    };
    for (let pfn = 0; pfn < COUNT; pfn++) page(pfn);
    const read: ReadThen = async (raddr, length) =>
      raddr + length <= memory.length ? memory.slice(raddr, raddr + length) : undefined;
    const kinds = (info = NEW) =>
      readPageKinds({ info, endian, mmu: 'hash', memoryEnd: COUNT * SMALL }, read);
    const kindsAt = async (pfns: readonly number[], info = NEW) => {
      const found = await kinds(info);
      return typeof found === 'string' ? found : pfns.map((pfn) => found.kindOf(pfn * SMALL));
    };
    return { memory, entry, page, kinds, kindsAt, pmd };
  }

  it('types in the top byte whatever the rest holds: free blocks, offline, hugetlb, slab', async () => {
    const { page, kindsAt } = modern();
    page(1030, { mapcount: typed(0xf0), order: 1n });
    page(3, { mapcount: typed(0xf1) });
    page(4, { flags: 64n, mapcount: typed(0xf4) });
    page(5, { flags: LRU, mapping: 0xc001n, mapcount: typed(0xf5) });
    page(6, { flags: LRU | PRIVATE });
    // PG_swapcache of a page without PG_swapbacked is another flag.
    page(7, { flags: 1n << 10n });
    page(8, { flags: (1n << 10n) | (1n << 17n) });
    expect(await kindsAt([1029, 1030, 1031, 1032, 3, 4, 5, 6, 7, 8])).toEqual([
      undefined,
      'free',
      'free',
      undefined,
      'offline',
      'user',
      undefined,
      'private',
      undefined,
      'cache',
    ]);
  });

  it('parts of a compound page: a pointer to the head, or a mask of the own address (7.1 and later)', async () => {
    const { page, kindsAt } = modern();
    page(16, { flags: LRU | 64n, mapping: 0xc001n });
    page(17, { link: headOf(16) });
    page(18, { link: ((1n << 64n) - BigInt(4 * STRUCT)) | 1n });
    page(19, { link: ((1n << 64n) - BigInt(4 * STRUCT)) | 1n });
    expect(await kindsAt([16, 17, 18, 19, 20])).toEqual(['user', 'user', 'user', 'user', undefined]);
  });

  it('a part that is not mapped has no kind; a table that maps nothing, or none at all → why', async () => {
    const { page, entry, kinds, kindsAt, pmd } = modern();
    page(1030, { flags: LRU });
    page(6, { flags: LRU });
    entry(NEXT[2] ?? 0, 1, 0n);
    expect(await kindsAt([6, 1030])).toEqual(['cache', undefined]);
    entry(pmd, 0, 0n);
    expect(await kinds()).toBe('vmemmap_list is empty; the page table does not map vmemmap');
    const nameless = new Map([...NEW].filter(([key]) => key !== 'SYMBOL(swapper_pg_dir)'));
    expect(await kinds(nameless)).toBe('vmemmap_list is empty; VMCOREINFO does not name swapper_pg_dir');
  });

  it('kernels that do not say where vmemmap is, or how they translate: radix by the machine, at the known address', async () => {
    const { memory, page } = modern();
    page(6, { flags: LRU });
    const old = new Map([...NEW].filter(([key]) => !/RADIX_MMU|\(vmemmap\)/.test(key)));
    const read: ReadThen = async (raddr, length) => memory.slice(raddr, raddr + length);
    const whole = { info: old, endian: 'little', memoryEnd: COUNT * SMALL } as const;
    const found = await readPageKinds({ ...whole, mmu: 'radix' }, read);
    expect(typeof found === 'string' ? found : found.kindOf(6 * SMALL)).toBe('cache');
    expect(await readPageKinds({ ...whole, mmu: 'hash' }, read)).toBe(
      'vmemmap_list is empty; VMCOREINFO does not name vmemmap',
    );
  });
});
