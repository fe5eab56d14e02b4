/** Reads the symbols of a guest's kernel in another thread (symbols-worker.ts). */

import { type PackedSymbols, SymbolTable } from '../../../vmcore/analyse/index.ts';
import { ReadingThreads } from '../../reading/index.ts';
import type { KernelSymbols, ReadMemory } from './kernel-symbols.ts';

/** What the thread is told: see readKernelSymbols. */
export type KernelToRead = {
  readonly base: number;
  readonly vmlinux: string | undefined;
  readonly size: number | undefined;
};

export type PackedKernel = Pick<KernelSymbols, 'source'> & PackedSymbols;

const threads = new ReadingThreads<KernelToRead, PackedKernel>('./symbols-worker', import.meta.url);

/** As readKernelSymbols(). @throws ReadingFailure where it takes too much time or memory */
export async function readSymbolsApart(
  readMemory: ReadMemory,
  base: number,
  vmlinux?: string,
  size?: number,
): Promise<KernelSymbols> {
  const what = 'the kernel’s symbols';
  const { source, ...packed } = await threads.read({ readMemory }, { base, vmlinux, size }, { what });
  return { source, table: new SymbolTable(packed), base };
}
