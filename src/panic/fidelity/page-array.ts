/**
 * Reads the kernel's array of struct page at T1. It is mapped in a region of its own (vmemmap), page 0 first. Under hash
 * translation, and under radix up to 6.5, the kernel keeps a list of the blocks that it consists of (vmemmap_list); under radix
 * that list has been empty since 6.6, and the kernel's page table says where they lie.
 *
 * Sources: Linux 6.1 and 6.12 arch/powerpc/mm/init_64.c (vmemmap_populate, vmemmap_list_populate), 368a0590d954
 * ("powerpc/book3s64/vmemmap: switch radix to use a different vmemmap handling function"); kernel/vmcore_info.c and
 * arch/powerpc/kexec/vmcore_info.c (what VMCOREINFO names: `vmemmap` and `RADIX_MMU` only in newer kernels);
 * arch/powerpc/include/asm/book3s/64/radix.h (RADIX_VMEMMAP_START). Left out: kernels without vmemmap.
 */

import { type Endian, getU32, getU64 } from '../../base/bytes.ts';
import { KernelPageTable, type PageTableFormat } from '../../vmcore/analyse/index.ts';
import { type Vmcoreinfo, vmcoreinfoNumber, vmcoreinfoSymbol } from '../../vmcore/format/index.ts';

/** Memory at T1; undefined where there is none. */
export type ReadThen = (raddr: number, length: number) => Promise<Uint8Array | undefined>;

/** The array from page 0 on: the address at which the kernel sees it, and its bytes. What is not mapped is zeros. */
export type PageArray = { readonly base: bigint; readonly bytes: Uint8Array };

export type ArrayToRead = {
  readonly info: Vmcoreinfo;
  readonly endian: Endian;
  readonly pageSize: number;
  /** What the machine translates by, where VMCOREINFO does not say. */
  readonly mmu: 'hash' | 'radix';
  /** Its size. */
  readonly bytes: number;
};

/** Thrown where the kernel's tables lead outside of memory. */
export class NoMemory extends Error {}

type ReadSurely = (raddr: number, length: number) => Promise<Uint8Array>;
/** A part of the array: `from` its first byte on. */
type Part = { readonly from: number; readonly phys: number; readonly bytes: number };

/** The linear mapping: real address 0 is here. */
const LINEAR = 0xc000000000000000n;
const LINEAR_BITS = (1n << 60n) - 1n;
const RADIX_VMEMMAP = 0xc00c000000000000n;
const MAX_BLOCKS = 65536;
const MOST_PARTS = 2 ** 20;
/** Bytes of a structure of the kernel. */
const MOST_BYTES = 4096;

/** @returns a sentence that says what is missing, where it cannot be read; @throws FormatError for numbers that are none */
export async function readPageArray(what: ArrayToRead, readThen: ReadThen): Promise<PageArray | string> {
  const read: ReadSurely = async (raddr, length) => {
    const bytes = await readThen(raddr, length);
    if (bytes === undefined) throw new NoMemory();
    return bytes;
  };
  try {
    const listed = await fromList(what, read);
    const found = typeof listed === 'string' ? await fromPageTable(what, readThen) : listed;
    if (typeof found === 'string') return `${listed}; ${found}`;
    const bytes = new Uint8Array(what.bytes);
    for (const { from, phys, bytes: length } of found.parts) bytes.set(await read(phys, length), from);
    return { base: found.base, bytes };
  } catch (error) {
    if (!(error instanceof NoMemory)) throw error;
    return 'the kernel’s tables lead out of memory';
  }
}

type Found = { readonly base: bigint; readonly parts: readonly Part[] };

async function fromList({ info, endian, bytes }: ArrayToRead, read: ReadSurely): Promise<Found | string> {
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
  const lacks = 'VMCOREINFO does not describe vmemmap_list';
  if (head === undefined || which === undefined || sizes === undefined) return lacks;
  if (each === undefined || shiftAt === undefined || size === undefined) return lacks;
  if (next === undefined || phys === undefined || virtual === undefined) return lacks;
  if (!fits(each, [shiftAt]) || !fits(size, [next, phys, virtual])) return lacks;
  const index = getU32(await read(real(which), 4), 0, endian);
  const shift = getU32(await read(real(sizes) + index * each + shiftAt, 4), 0, endian);
  if (shift < 12 || shift > 30) return 'the size of vmemmap’s blocks makes no sense';
  const blocks: { readonly virtual: bigint; readonly phys: number }[] = [];
  let at = getU64(await read(real(head), 8), 0, endian);
  while (at !== 0n) {
    if (blocks.length > MAX_BLOCKS || at < LINEAR) return 'vmemmap_list has no end';
    const entry = await read(real(at), size);
    blocks.push({
      virtual: getU64(entry, virtual, endian),
      phys: Number(getU64(entry, phys, endian) & LINEAR_BITS),
    });
    at = getU64(entry, next, endian);
  }
  blocks.sort((a, b) => (a.virtual < b.virtual ? -1 : 1));
  // Where memory begins at 0 the lowest address of the array is that of page 0.
  const base = blocks.length === 0 ? undefined : (symbol('vmemmap') ?? blocks[0]?.virtual);
  if (base === undefined) return 'vmemmap_list is empty';
  const parts: Part[] = [];
  let filled = 0;
  for (const block of blocks) {
    const from = Number(block.virtual - base);
    // A block that lies on the one before says nothing new.
    const length = from < filled ? 0 : Math.min(2 ** shift, bytes - from);
    if (length <= 0) continue;
    parts.push({ from, phys: block.phys, bytes: length });
    filled = from + length;
  }
  return { base, parts };
}

async function fromPageTable(
  { info, pageSize, mmu, bytes }: ArrayToRead,
  readThen: ReadThen,
): Promise<Found | string> {
  const root = vmcoreinfoSymbol(info, 'swapper_pg_dir');
  if (root === undefined) return 'VMCOREINFO does not name swapper_pg_dir';
  const isRadix = (vmcoreinfoNumber(info, 'NUMBER', 'RADIX_MMU') ?? (mmu === 'radix' ? 1n : 0n)) !== 0n;
  const base = vmcoreinfoSymbol(info, 'vmemmap') ?? (isRadix ? RADIX_VMEMMAP : undefined);
  if (base === undefined) return 'VMCOREINFO does not name vmemmap';
  const hash: PageTableFormat = pageSize === 4096 ? 'hash-4k' : 'hash-64k';
  const table = new KernelPageTable(isRadix ? 'radix' : hash, real(root), readThen);
  const parts: Part[] = [];
  for (let from = 0; from < bytes; ) {
    const place = await table.find(base + BigInt(from));
    const length = Math.min(place.bytes, bytes - from);
    if (place.kind === 'mapped') parts.push({ from, phys: place.raddr, bytes: length });
    if (parts.length > MOST_PARTS) return 'the page table maps vmemmap in too many parts';
    from += length;
  }
  return parts.length === 0 ? 'the page table does not map vmemmap' : { base, parts };
}

/** Whether fields of up to a doubleword lie inside of a structure of `size` bytes. Those that are absent do. */
export function fits(size: number | undefined, offsets: readonly (number | undefined)[]): boolean {
  if (size === undefined || size < 8 || size > MOST_BYTES) return false;
  return offsets.every((at) => at === undefined || (at >= 0 && at + 8 <= size));
}

function real(address: bigint): number {
  return Number(address & LINEAR_BITS);
}

function asNumber(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
