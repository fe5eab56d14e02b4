/**
 * Finds what the crashed kernel used each page for, from its array of struct page at T1: the kinds that a dump filter
 * (makedumpfile 1.7, -d) can leave out.
 *
 * Sources: kernel/vmcore_info.c of Linux 6.12 and 7.2, kernel/crash_core.c of 6.1 (the contents of VMCOREINFO);
 * include/linux/page-flags.h and mm_types.h (compound pages: `compound_head` points to the head of a part; where struct pages of
 * huge pages are shared, 7.1 and later keep a mask of the part's own address in `compound_info` instead, d50569612c29);
 * page types: bits below -1 in `_mapcount` up to 6.11, a value in its top byte since 6.12 (4ffca5a96678c), whose other
 * bytes may hold anything; hugetlbfs: a destructor up to 6.5, PG_hugetlb of the second page up to 6.8, a page type since
 * (d99e3140a4d3). makedumpfile(8) and makedumpfile.c b7587f1, __exclude_unnecessary_pages (which kinds are left out).
 * Left out: memory that is not accepted yet (no such thing on Power).
 */

import { type Endian, getU32, getU64 } from '../../base/bytes.ts';
import { FormatError } from '../../base/errors.ts';
import { type Vmcoreinfo, vmcoreinfoNumber, vmcoreinfoPageSize } from '../../vmcore/format/index.ts';
import type { PageKind } from '../trace/index.ts';
import { fits, type PageArray, type ReadThen, readPageArray } from './page-array.ts';

/** Kinds of pages; `undefined`: of no kind that a filter leaves out. */
export type PageKinds = {
  /** The kernel's, in bytes. */
  readonly pageSize: number;
  kindOf(raddr: number): PageKind | undefined;
};

export type KindsToRead = {
  readonly info: Vmcoreinfo;
  readonly endian: Endian;
  readonly mmu: 'hash' | 'radix';
  /** The end of memory. */
  readonly memoryEnd: number;
};

const ANONYMOUS = 1n;
/** Bytes of the array: that of a machine of 64 GiB in pages of 4 KiB. */
const MOST_ARRAY = 2 ** 30;
/** Blocks of the buddy allocator and huge pages: 16 GiB in pages of 4 KiB. */
const MOST_ORDER = 22;
const CODES: readonly (PageKind | undefined)[] = [
  undefined,
  'free',
  'cache',
  'private',
  'user',
  'poisoned',
  'offline',
];
const CODE = { none: 0, free: 1, cache: 2, private: 3, user: 4, poisoned: 5, offline: 6 } as const;

type Layout = {
  readonly size: number;
  readonly flags: number;
  readonly mapping: number;
  readonly mapcount: number;
  readonly order: number;
  readonly compoundHead: number;
  readonly compoundDtor: number | undefined;
  readonly lru: bigint;
  readonly privateFlag: bigint;
  readonly swapCache: bigint;
  /** PG_swapcache is another flag where this one is not set. */
  readonly swapBacked: bigint;
  readonly slab: bigint | undefined;
  readonly poison: bigint | undefined;
  readonly head: bigint;
  readonly buddy: number;
  readonly offline: number | undefined;
  readonly hugeDtor: number | undefined;
  /** In the flags of a huge page's second page. */
  readonly hugeFlag: bigint | undefined;
  readonly hugeType: number | undefined;
};

/** @returns a sentence that says why not, where VMCOREINFO or memory lack what is needed; @throws Error when the worker dies */
export async function readPageKinds(
  { info, endian, mmu, memoryEnd }: KindsToRead,
  readThen: ReadThen,
): Promise<PageKinds | string> {
  try {
    const pageSize = vmcoreinfoPageSize(info);
    const layout = layoutOf(info);
    if (pageSize === undefined || layout === undefined) return 'VMCOREINFO does not describe struct page';
    const bytes = Math.ceil(memoryEnd / pageSize) * layout.size;
    if (bytes > MOST_ARRAY) return `the array of struct page has ${bytes} bytes`;
    const pages = await readPageArray({ info, endian, pageSize, mmu, bytes }, readThen);
    if (typeof pages === 'string') return pages;
    const codes = classify(pages, layout, endian);
    return { pageSize, kindOf: (raddr) => CODES[codes[Math.floor(raddr / pageSize)] ?? 0] };
  } catch (error) {
    // VMCOREINFO that cannot be parsed counts as missing.
    if (!(error instanceof FormatError)) throw error;
    return error.message;
  }
}

function layoutOf(info: Vmcoreinfo): Layout | undefined {
  const number = (kind: 'OFFSET' | 'SIZE' | 'NUMBER', name: string): number | undefined => {
    const value = vmcoreinfoNumber(info, kind, name);
    return value === undefined ? undefined : Number(value);
  };
  const offset = (name: string) => number('OFFSET', name);
  const bit = (name: string) => {
    const at = vmcoreinfoNumber(info, 'NUMBER', name);
    return at === undefined || at < 0n || at > 63n ? undefined : 1n << at;
  };
  const size = number('SIZE', 'page');
  const found = {
    size,
    flags: offset('page.flags'),
    mapping: offset('page.mapping'),
    mapcount: offset('page._mapcount'),
    order: offset('page.private'),
    compoundHead: offset('page.compound_head') ?? offset('page.compound_info'),
    lru: bit('PG_lru'),
    privateFlag: bit('PG_private'),
    swapCache: bit('PG_swapcache'),
    buddy: number('NUMBER', 'PAGE_BUDDY_MAPCOUNT_VALUE'),
  };
  if (Object.values(found).includes(undefined)) return undefined;
  const compoundDtor = offset('page.compound_dtor');
  const { flags, mapping, mapcount, order, compoundHead } = found;
  if (!fits(size, [flags, mapping, mapcount, order, compoundHead, compoundDtor])) return undefined;
  return {
    ...(found as { [K in keyof typeof found]: NonNullable<(typeof found)[K]> }),
    compoundDtor,
    swapBacked: bit('PG_swapbacked') ?? 0n,
    slab: bit('PG_slab'),
    poison: bit('PG_hwpoison'),
    head: vmcoreinfoNumber(info, 'NUMBER', 'PG_head_mask') ?? 0n,
    offline: number('NUMBER', 'PAGE_OFFLINE_MAPCOUNT_VALUE'),
    hugeDtor: number('NUMBER', 'HUGETLB_PAGE_DTOR'),
    hugeFlag: bit('PG_hugetlb'),
    hugeType: number('NUMBER', 'PAGE_HUGETLB_MAPCOUNT_VALUE'),
  };
}

function classify(array: PageArray, layout: Layout, endian: Endian): Uint8Array {
  const { bytes } = array;
  const count = Math.floor(bytes.length / layout.size);
  const codes = new Uint8Array(count);
  for (let pfn = 0; pfn < count; ) {
    const at = pfn * layout.size;
    const mapcount = getU32(bytes, at + layout.mapcount, endian);
    if (isType(mapcount, layout.buddy)) {
      // Of free pages only the first of a block says so; its order is in `private`.
      const order = Math.min(MOST_ORDER, Number(getU64(bytes, at + layout.order, endian) & 0xffn));
      const end = pfn + 2 ** order;
      codes.fill(CODE.free, pfn, end);
      pfn = end;
      continue;
    }
    codes[pfn++] = used(array, at, layout, endian);
  }
  return codes;
}

/** The kind of a page that is not free. The parts of a compound page are of its head's kind. */
function used(array: PageArray, own: number, layout: Layout, endian: Endian): number {
  const { bytes } = array;
  const head = headOf(array, own, layout, endian);
  if (head === undefined) return CODE.none;
  const flags = getU64(bytes, head + layout.flags, endian);
  const ownFlags = getU64(bytes, own + layout.flags, endian);
  if (layout.poison !== undefined && (ownFlags & layout.poison) !== 0n) return CODE.poisoned;
  const mapcount = getU32(bytes, head + layout.mapcount, endian);
  if (isType(mapcount, layout.offline)) return CODE.offline;
  if (isHuge(array, head, mapcount, layout, endian)) return CODE.user;
  // These use the fields for something else.
  const typed = (mapcount | 0) < -1;
  if (typed || (layout.slab !== undefined && (flags & layout.slab) !== 0n)) return CODE.none;
  if ((getU64(bytes, head + layout.mapping, endian) & ANONYMOUS) !== 0n) return CODE.user;
  const swapped = layout.swapCache | layout.swapBacked;
  if ((flags & layout.lru) === 0n && (flags & swapped) !== swapped) return CODE.none;
  return (flags & layout.privateFlag) === 0n ? CODE.cache : CODE.private;
}

/** Where the head of a compound page is that a struct page is a part of; its own place where it is none. Undefined: nowhere. */
function headOf(array: PageArray, own: number, layout: Layout, endian: Endian): number | undefined {
  const { bytes, base } = array;
  const link = getU64(bytes, own + layout.compoundHead, endian);
  if ((link & 1n) === 0n) return own;
  // A mask has all of its upper bits set. No struct page is that high.
  const address = link >> 32n === 0xffffffffn ? (base + BigInt(own)) & link & ~1n : link - 1n;
  const head = Number(address - base);
  return head < 0 || head % layout.size !== 0 || head + layout.size > bytes.length ? undefined : head;
}

/** Whether the head is that of a page of hugetlbfs. */
function isHuge(array: PageArray, head: number, mapcount: number, layout: Layout, endian: Endian): boolean {
  const { size, compoundDtor, hugeDtor, hugeFlag, hugeType } = layout;
  if (hugeType !== undefined) return isType(mapcount, hugeType);
  const { bytes } = array;
  const second = head + size;
  if (second + size > bytes.length || headOf(array, second, layout, endian) !== head) return false;
  if (hugeFlag !== undefined)
    return (
      (getU64(bytes, head + layout.flags, endian) & layout.head) !== 0n &&
      (getU64(bytes, second + layout.flags, endian) & hugeFlag) !== 0n
    );
  return compoundDtor !== undefined && hugeDtor !== undefined && bytes[second + compoundDtor] === hugeDtor;
}

/** Types of 6.12 and later are the top byte. Earlier ones are whole values. */
function isType(mapcount: number, type: number | undefined): boolean {
  if (type === undefined) return false;
  return (type & 0xffffff) === 0 ? mapcount >>> 24 === type >>> 24 : mapcount === type >>> 0;
}
