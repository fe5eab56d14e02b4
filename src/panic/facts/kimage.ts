/**
 * Finds the pages of an ordinary kexec image before it is executed. They lie scattered, and a list in the kernel's memory
 * gives the destination of each. With the list an image can be read as it will be once it has been copied.
 * Source: Linux 6.1 include/linux/kexec.h (struct kimage begins with `head`; the IND_ flags), kernel/kexec_core.c
 * (kimage_add_entry, kimage_add_page, for_each_kimage_entry). Addresses in the list are real addresses.
 * The page size follows from the list: every page of every segment has one source.
 */

import { type Endian, getU64 } from '../../base/bytes.ts';
import { FormatError } from '../../base/errors.ts';
import { symbolsOfElf } from '../../vmcore/analyse/index.ts';
import { openFileSource } from '../../vmcore/reader/index.ts';
import type { KexecLoad } from './kexec-image.ts';
import type { KernelSymbols, ReadMemory } from './symbols/index.ts';
import { ifThere, PAGE_OFFSET, realOf } from './symbols/index.ts';

/** For each destination page the page that is copied there; real addresses. */
export type Kimage = { readonly pageBytes: number; readonly sources: ReadonlyMap<number, number> };

/** Symbols by which the list of the ordinary image is found: Linux has a pointer to the image, the built-in guest the image itself. */
const IMAGES: readonly { readonly symbol: string; readonly pointer: boolean; readonly head: number }[] = [
  { symbol: 'kexec_image', pointer: true, head: 0 },
  { symbol: 'next_image', pointer: false, head: 16 },
];
const IND_DESTINATION = 1n;
const IND_INDIRECTION = 2n;
const IND_DONE = 4n;
const IND_SOURCE = 8n;
const FLAGS = 0xfn;
const ENTRY_BYTES = 8;
/** Entries are read so many bytes at a time: the smallest page. */
const PIECE = 4096;
const LEAST_PAGE = 4096;
const REGION = 0xfn << 60n;

/** The list as far as it was read: sources in order, each with its destination counted in pages from the last destination entry. */
type Entry = { readonly base: number; readonly index: number; readonly source: number };

/**
 * @param vmlinux the kernel's file: its kallsyms may name functions only (CONFIG_KALLSYMS_ALL not set)
 * @returns undefined where the kernel has no such list, or one that does not agree with what was loaded.
 * @throws FormatError `elf/…` for a damaged vmlinux
 */
export async function readKimage(
  read: ReadMemory,
  kernel: KernelSymbols,
  load: KexecLoad,
  vmlinux?: string,
): Promise<Kimage | undefined> {
  const list = await findList(read, kernel, vmlinux);
  if (list === undefined) return undefined;
  const total = load.segments.reduce((sum, { memsz }) => sum + memsz, 0);
  const entries = await walk(read, list.head, list.endian, total / LEAST_PAGE);
  if (entries === undefined || entries.length === 0) return undefined;
  const pageBytes = total / entries.length;
  if (!Number.isInteger(pageBytes) || pageBytes < LEAST_PAGE || (pageBytes & (pageBytes - 1)) !== 0)
    return undefined;
  const sources = new Map(
    entries.map(({ base, index, source }): [number, number] => [base + index * pageBytes, source]),
  );
  return load.segments.every(({ mem }) => sources.has(mem)) ? { pageBytes, sources } : undefined;
}

/** Memory as it will be once the image has been copied. */
export function readThrough(read: ReadMemory, { pageBytes, sources }: Kimage): ReadMemory {
  return async (raddr, length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const page = Math.floor((raddr + at) / pageBytes) * pageBytes;
      const offset = raddr + at - page;
      const size = Math.min(length - at, pageBytes - offset);
      bytes.set(await read((sources.get(page) ?? page) + offset, size), at);
      at += size;
    }
    return bytes;
  };
}

/** @param limit more sources than this cannot be; @returns undefined where the list is damaged. */
async function walk(
  read: ReadMemory,
  head: number,
  endian: Endian,
  limit: number,
): Promise<readonly Entry[] | undefined> {
  const entries: Entry[] = [];
  let base: number | undefined;
  let index = 0;
  let at = head;
  let piece: { readonly start: number; readonly bytes: Uint8Array } | undefined;
  for (let steps = 0; steps <= 4 * limit + 16; steps++) {
    const start = Math.floor(at / PIECE) * PIECE;
    if (piece === undefined || piece.start !== start) {
      const bytes = await ifThere(read(start, PIECE));
      if (bytes === undefined) return undefined;
      piece = { start, bytes };
    }
    const entry = getU64(piece.bytes, at - start, endian);
    const address = Number(entry & ~FLAGS);
    at += ENTRY_BYTES;
    switch (entry & FLAGS) {
      case IND_DESTINATION:
        base = address;
        index = 0;
        break;
      case IND_INDIRECTION:
        at = address;
        break;
      case IND_DONE:
        return entries;
      case IND_SOURCE:
        if (base === undefined || entries.length >= limit) return undefined;
        entries.push({ base, index: index++, source: address });
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** Real address of the list's first entry, and the kernel's byte order. */
async function findList(
  read: ReadMemory,
  kernel: KernelSymbols,
  vmlinux: string | undefined,
): Promise<{ readonly head: number; readonly endian: Endian } | undefined> {
  for (const { symbol, pointer, head } of IMAGES) {
    const address = kernel.table.find(symbol) ?? findInFile(vmlinux, symbol);
    if (address === undefined) continue;
    const at = realOf(address) + (pointer ? 0 : head);
    const word = await ifThere(read(at, ENTRY_BYTES));
    if (word === undefined) continue;
    const looksRight = pointer ? isLinear : isEntry;
    const endian = (['little', 'big'] as const).find((order) => looksRight(getU64(word, 0, order)));
    if (endian === undefined) continue;
    return { head: pointer ? realOf(getU64(word, 0, endian)) + head : at, endian };
  }
  return undefined;
}

/** Addresses as linked: where a production kernel runs. */
function findInFile(vmlinux: string | undefined, symbol: string): bigint | undefined {
  if (vmlinux === undefined) return undefined;
  const source = openFileSource(vmlinux);
  try {
    return symbolsOfElf(source).find(symbol);
  } catch (error) {
    if (!(error instanceof FormatError) || error.code !== 'analyse/no-symbols') throw error;
    return undefined;
  } finally {
    source.close();
  }
}

/** An entry that leads to a list, in memory of any size that there is. */
function isEntry(entry: bigint): boolean {
  return (entry & FLAGS) === IND_INDIRECTION && entry >> 50n === 0n;
}

function isLinear(pointer: bigint): boolean {
  return (pointer & REGION) === PAGE_OFFSET && pointer % 8n === 0n;
}
