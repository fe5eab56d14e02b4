/** Reads the symbols of a guest's kernel in another thread (symbols-worker.ts). */

import { type PackedSymbols, SymbolTable } from '../../../vmcore/analyse/index.ts';
import { ReadingThreads } from '../../reading/index.ts';
import type { KernelSymbols, ReadMemory } from './kernel-symbols.ts';

/** What the thread is given: see readKernelSymbols. */
export type KernelToRead = {
  readonly base: number;
  readonly vmlinux: string | undefined;
  readonly size: number | undefined;
};

export type PackedKernel = Pick<KernelSymbols, 'source'> & PackedSymbols;

const threads = new ReadingThreads<KernelToRead, PackedKernel>('./symbols-worker', import.meta.url);

/**
 * As readKernelSymbols().
 * @param signal ends it
 * @throws ReadingFailure where it takes too much time or memory, or is ended
 */
export async function readSymbolsApart(
  readMemory: ReadMemory,
  { base, vmlinux, size }: { readonly base: number; readonly vmlinux?: string; readonly size?: number },
  signal?: AbortSignal,
): Promise<KernelSymbols> {
  const what = 'the kernel’s symbols';
  const kernel = { base, vmlinux, size };
  const { source, ...packed } = await threads.read({ readMemory }, kernel, { what, signal });
  return { source, table: new SymbolTable(packed), base };
}
