/**
 * Finds what the crashed kernel used each page for, from its array of struct page at T1: the kinds that a dump filter
 * (makedumpfile 1.7, -d) can leave out.
 *
 * Source: Linux 6.1 Documentation/admin-guide/kdump/vmcoreinfo.rst (the contents of VMCOREINFO), arch/powerpc/mm/init_64.c
 * (vmemmap_list: where the array lies), include/linux/page-flags.h and mm_types.h (compound pages, page types),
 * makedumpfile(8) (which pages each level leaves out). Where memory begins at 0 the lowest address of the array is that of
 * page 0. Left out: kernels without vmemmap, memory that was hot-plugged below the first.
 */

import { type Endian, getU32, getU64 } from '../../base/bytes.ts';
import { FormatError } from '../../base/errors.ts';
import {
  type Vmcoreinfo,
  vmcoreinfoNumber,
  vmcoreinfoPageSize,
  vmcoreinfoSymbol,
} from '../../vmcore/format/index.ts';
import type { FilteredKind } from '../trace/index.ts';

/** Kinds of pages; `undefined`: of no kind that a filter leaves out. */
export type PageKinds = {
  /** The kernel's, in bytes. */
  readonly pageSize: number;
  kindOf(raddr: number): FilteredKind | undefined;
};

/** Memory at T1; undefined where there is none. */
export type ReadThen = (raddr: number, length: number) => Promise<Uint8Array | undefined>;
type ReadSurely = (raddr: number, length: number) => Promise<Uint8Array>;

/** Thrown where the kernel's tables lead outside of memory. */
class NoMemory extends Error {}

/** The linear mapping: real address 0 is here. */
const LINEAR = 0xc000000000000000n;
const LINEAR_BITS = (1n << 60n) - 1n;
const ANONYMOUS = 1n;
const MAX_BLOCKS = 65536;
/** Bytes of a structure of the kernel: struct page has 64, others less. */
const MOST_BYTES = 4096;
/** Bytes of the array: that of a machine of 64 GiB in pages of 4 KiB. */
const MOST_ARRAY = 2 ** 30;
const CODES: readonly (FilteredKind | undefined)[] = [
  undefined,
  'free',
  'cache',
  'private',
  'user',
  'poisoned',
];
const CODE = { none: 0, free: 1, cache: 2, private: 3, user: 4, poisoned: 5 } as const;

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
  readonly slab: bigint | undefined;
  readonly poison: bigint | undefined;
  readonly buddy: number;
  readonly hugeDtor: number | undefined;
};

type Block = { readonly virtual: bigint; readonly phys: number };

/** @returns undefined where VMCOREINFO or memory lack what is needed; @throws Error when the worker dies */
export async function readPageKinds(
  info: Vmcoreinfo,
  endian: Endian,
  memoryEnd: number,
  readThen: ReadThen,
): Promise<PageKinds | undefined> {
  const read: ReadSurely = async (raddr, length) => {
    const bytes = await readThen(raddr, length);
    if (bytes === undefined) throw new NoMemory();
    return bytes;
  };
  try {
    const pageSize = vmcoreinfoPageSize(info);
    const layout = layoutOf(info);
    const blocks = pageSize === undefined ? undefined : await readBlocks(info, endian, read);
    if (pageSize === undefined || layout === undefined || blocks === undefined) return undefined;
    if ((memoryEnd / pageSize) * layout.size > MOST_ARRAY) return undefined;
    const pages = await readArray(blocks, Math.ceil(memoryEnd / pageSize), layout.size, read);
    const codes = classify(pages, layout, endian);
    return { pageSize, kindOf: (raddr) => CODES[codes[Math.floor(raddr / pageSize)] ?? 0] };
  } catch (error) {
    // VMCOREINFO that cannot be parsed counts as missing.
    if (!(error instanceof FormatError || error instanceof NoMemory)) throw error;
    return undefined;
  }
}

function layoutOf(info: Vmcoreinfo): Layout | undefined {
  const offset = (name: string) => asNumber(vmcoreinfoNumber(info, 'OFFSET', name));
  const bit = (name: string) => {
    const number = vmcoreinfoNumber(info, 'NUMBER', name);
    return number === undefined || number < 0n || number > 63n ? undefined : 1n << number;
  };
  const size = asNumber(vmcoreinfoNumber(info, 'SIZE', 'page'));
  const found = {
    size,
    flags: offset('page.flags'),
    mapping: offset('page.mapping'),
    mapcount: offset('page._mapcount'),
    order: offset('page.private'),
    compoundHead: offset('page.compound_head'),
    lru: bit('PG_lru'),
    privateFlag: bit('PG_private'),
    swapCache: bit('PG_swapcache'),
    buddy: asNumber(vmcoreinfoNumber(info, 'NUMBER', 'PAGE_BUDDY_MAPCOUNT_VALUE')),
  };
  if (Object.values(found).includes(undefined)) return undefined;
  const compoundDtor = offset('page.compound_dtor');
  const { flags, mapping, mapcount, order, compoundHead } = found;
  if (!fits(size, [flags, mapping, mapcount, order, compoundHead, compoundDtor])) return undefined;
  return {
    ...(found as { [K in keyof typeof found]: NonNullable<(typeof found)[K]> }),
    compoundDtor,
    hugeDtor: asNumber(vmcoreinfoNumber(info, 'NUMBER', 'HUGETLB_PAGE_DTOR')),
    slab: bit('PG_slab'),
    poison: bit('PG_hwpoison'),
  };
}

/** Whether fields of up to a doubleword lie inside of a structure of `size` bytes. Those that are absent do. */
function fits(size: number | undefined, offsets: readonly (number | undefined)[]): boolean {
  if (size === undefined || size < 8 || size > MOST_BYTES) return false;
  return offsets.every((at) => at === undefined || (at >= 0 && at + 8 <= size));
}

/** Where the parts of the array lie, in order of their virtual addresses, and how large each is. */
async function readBlocks(
  info: Vmcoreinfo,
  endian: Endian,
  read: ReadSurely,
): Promise<{ readonly bytes: number; readonly blocks: readonly Block[] } | undefined> {
  const symbol = (name: string) => vmcoreinfoSymbol(info, name);
  const number = (kind: 'SIZE' | 'OFFSET', name: string) => asNumber(vmcoreinfoNumber(info, kind, name));
  const [head, which, sizes] = [
    symbol('vmemmap_list'),
    symbol('mmu_vmemmap_psize'),
    symbol('mmu_psize_defs'),
  ];
  const [each, shiftAt] = [number('SIZE', 'mmu_psize_def'), number('OFFSET', 'mmu_psize_def.shift')];
  const [next, phys, virtual] = ['list', 'phys', 'virt_addr'].map((field) =>
    number('OFFSET', `vmemmap_backing.${field}`),
  );
  const size = number('SIZE', 'vmemmap_backing');
  if (head === undefined || which === undefined || sizes === undefined) return undefined;
  if (each === undefined || shiftAt === undefined || size === undefined) return undefined;
  if (next === undefined || phys === undefined || virtual === undefined) return undefined;
  if (!fits(each, [shiftAt]) || !fits(size, [next, phys, virtual])) return undefined;
  const index = getU32(await read(real(which), 4), 0, endian);
  const shift = getU32(await read(real(sizes) + index * each + shiftAt, 4), 0, endian);
  if (shift < 12 || shift > 30) return undefined;
  const blocks: Block[] = [];
  let at = getU64(await read(real(head), 8), 0, endian);
  while (at !== 0n) {
    if (blocks.length > MAX_BLOCKS || at < LINEAR) return undefined;
    const entry = await read(real(at), size);
    blocks.push({
      virtual: getU64(entry, virtual, endian),
      phys: Number(getU64(entry, phys, endian) & LINEAR_BITS),
    });
    at = getU64(entry, next, endian);
  }
  blocks.sort((a, b) => (a.virtual < b.virtual ? -1 : 1));
  return blocks.length === 0 ? undefined : { bytes: 2 ** shift, blocks };
}

/** The array from page 0 on; parts that are not in memory are zeros. */
async function readArray(
  { bytes, blocks }: { readonly bytes: number; readonly blocks: readonly Block[] },
  pages: number,
  size: number,
  read: ReadSurely,
): Promise<{ readonly bytes: Uint8Array; readonly base: bigint }> {
  const base = (blocks[0] as Block).virtual;
  const out = new Uint8Array(pages * size);
  let filled = 0;
  for (const { virtual, phys } of blocks) {
    const from = Number(virtual - base);
    // A block that lies on the one before says nothing new.
    const length = from < filled ? 0 : Math.min(bytes, out.length - from);
    if (length <= 0) continue;
    out.set(await read(phys, length), from);
    filled = from + length;
  }
  return { bytes: out, base };
}

function classify(
  { bytes, base }: { readonly bytes: Uint8Array; readonly base: bigint },
  layout: Layout,
  endian: Endian,
): Uint8Array {
  const count = bytes.length / layout.size;
  const codes = new Uint8Array(count);
  for (let pfn = 0; pfn < count; ) {
    const at = pfn * layout.size;
    if (getU32(bytes, at + layout.mapcount, endian) === layout.buddy >>> 0) {
      // Of free pages only the first of a block says so; its order is in `private`.
      const end = pfn + 2 ** Math.min(20, Number(getU64(bytes, at + layout.order, endian) & 0xffn));
      codes.fill(CODE.free, pfn, end);
      pfn = end;
      continue;
    }
    codes[pfn++] = used(bytes, at, base, layout, endian);
  }
  return codes;
}

/** The kind of a page that is not free. The parts of a compound page are of its head's kind. */
function used(bytes: Uint8Array, own: number, base: bigint, layout: Layout, endian: Endian): number {
  const link = getU64(bytes, own + layout.compoundHead, endian);
  const head = (link & 1n) === 0n ? own : Number(link - 1n - base);
  if (head < 0 || head % layout.size !== 0 || head + layout.size > bytes.length) return CODE.none;
  const flags = getU64(bytes, head + layout.flags, endian);
  const ownFlags = getU64(bytes, own + layout.flags, endian);
  if (layout.poison !== undefined && (ownFlags & layout.poison) !== 0n) return CODE.poisoned;
  // These use the fields for something else.
  const typed = getI32(bytes, head + layout.mapcount, endian) < -1;
  if (typed || (layout.slab !== undefined && (flags & layout.slab) !== 0n)) return CODE.none;
  const anonymous = (getU64(bytes, head + layout.mapping, endian) & ANONYMOUS) !== 0n;
  const cached = (flags & (layout.lru | layout.swapCache)) !== 0n;
  if (anonymous || isHuge(bytes, head, base, layout, endian)) return CODE.user;
  if (!cached) return CODE.none;
  return (flags & layout.privateFlag) === 0n ? CODE.cache : CODE.private;
}

/** Of a compound page the second part has the destructor, which names pages of hugetlbfs. */
function isHuge(
  bytes: Uint8Array,
  head: number,
  base: bigint,
  { size, compoundDtor, compoundHead, hugeDtor }: Layout,
  endian: Endian,
): boolean {
  const second = head + size;
  if (compoundDtor === undefined || hugeDtor === undefined || second + size > bytes.length) return false;
  const link = getU64(bytes, second + compoundHead, endian);
  return link === base + BigInt(head) + 1n && bytes[second + compoundDtor] === hugeDtor;
}

function getI32(bytes: Uint8Array, offset: number, endian: Endian): number {
  return getU32(bytes, offset, endian) | 0;
}

function real(address: bigint): number {
  return Number(address & LINEAR_BITS);
}

function asNumber(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
