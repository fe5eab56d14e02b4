/**
 * Reads the symbols of a kernel in a partition's memory from its kallsyms or, where it has none, from its vmlinux. It
 * works for a kernel that runs, at real address 0 or elsewhere, and for a crash kernel that waits in its reservation:
 * until a kernel has relocated itself, its table in memory holds the linked addresses. symbols-apart.ts does it in another thread.
 * Source: Linux 6.1 kernel/kallsyms.c; 64-Bit ELF V2 ABI 1.9 §2.3.2.1 (a function's global and local entry).
 */

import { FormatError } from '../../../base/errors.ts';
import { findKallsyms, SymbolTable, symbolsOfElf } from '../../../vmcore/analyse/index.ts';
import { openFileSource } from '../../../vmcore/reader/index.ts';
import type { SymbolSource } from '../../trace/index.ts';
import { ifThere } from './if-there.ts';

/** Reads real memory; rejects with OutsideMemory where there is none. */
export type ReadMemory = (raddr: number, length: number) => Promise<Uint8Array>;

/** A kernel's symbols. `table` has the addresses at which the kernel runs: PAGE_OFFSET + {@link base} and up. */
export type KernelSymbols = {
  readonly source: SymbolSource;
  readonly table: SymbolTable;
  /** Real address of the kernel's first byte. */
  readonly base: number;
};

/** Start of the linear map of memory. Source: Linux 6.1 arch/powerpc/include/asm/page.h PAGE_OFFSET. */
export const PAGE_OFFSET = 0xc000000000000000n;
/** The top four bits choose the region, the rest is the real address in the linear map; real mode ignores them. */
const REGION_BITS = 0xf000000000000000n;

/** How much of a kernel of unknown size is read until its tables are found: today's lie in the first 20 MiB. */
const ATTEMPTS: readonly number[] = [24 * 2 ** 20, 48 * 2 ** 20];
const PIECE = 2 ** 20;

/** A real address of the linear map from an effective one. */
export function realOf(address: bigint): number {
  return Number(address & ~REGION_BITS);
}

/**
 * @param base real address at which the kernel lies
 * @param vmlinux the file to fall back to
 * @param size bytes of the kernel in memory, where they are known: its tables lie within them
 * @throws FormatError `elf/…` for a damaged vmlinux; whatever `read` rejects with when not even `base` is memory
 */
export async function readKernelSymbols(
  read: ReadMemory,
  base: number,
  vmlinux?: string,
  size: number = Number.POSITIVE_INFINITY,
): Promise<KernelSymbols> {
  const whole = Math.ceil(size / PIECE) * PIECE;
  for (const limit of new Set(ATTEMPTS.map((attempt) => Math.min(attempt, whole)))) {
    const found = findKallsyms(await readImage(read, base, limit));
    if (found !== undefined) return placed('kallsyms', found.table, base);
  }
  if (vmlinux === undefined) return { source: 'none', table: new SymbolTable([]), base };
  const source = openFileSource(vmlinux);
  try {
    return placed('vmlinux', symbolsOfElf(source), base);
  } catch (error) {
    if (!(error instanceof FormatError) || error.code !== 'analyse/no-symbols') throw error;
    return { source: 'none', table: new SymbolTable([]), base };
  } finally {
    source.close();
  }
}

/** Shifts a table of linked addresses to where the kernel runs; a relocated table has those addresses already. */
function placed(source: SymbolSource, table: SymbolTable, base: number): KernelSymbols {
  const start = table.find('_stext') ?? table.find('_text') ?? table.lowest ?? PAGE_OFFSET;
  const delta = PAGE_OFFSET + BigInt(base) - start;
  return { source, table: delta === 0n ? table : table.moved(delta), base };
}

/** Up to `limit` bytes from `base`; less where memory ends. */
async function readImage(read: ReadMemory, base: number, limit: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(limit);
  bytes.set(await read(base, PIECE));
  for (let at = PIECE; at < limit; at += PIECE) {
    const piece = await ifThere(read(base + at, PIECE));
    if (piece === undefined) return bytes.subarray(0, at);
    bytes.set(piece, at);
  }
  return bytes;
}

/**
 * Real address of the first instruction that every call of a function executes: its local entry, after the two
 * instructions that set up r2, which local callers skip. Undefined where the kernel has no such function.
 */
export async function functionEntry(
  read: ReadMemory,
  symbols: KernelSymbols,
  name: string,
): Promise<number | undefined> {
  const address = symbols.table.find(name);
  if (address === undefined) return undefined;
  const raddr = realOf(address);
  const code = await ifThere(read(raddr, 8));
  if (code === undefined) return undefined;
  return raddr + (setsUpToc(code) ? 8 : 0);
}

/** addis r2,r12,… or lis r2,…, then addi r2,r2,…; in either byte order. */
function setsUpToc(code: Uint8Array): boolean {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  return [true, false].some((little) => {
    const first = view.getUint16(little ? 2 : 0, little);
    const second = view.getUint16(little ? 6 : 4, little);
    return (first === 0x3c4c || first === 0x3c40) && second === 0x3842;
  });
}
