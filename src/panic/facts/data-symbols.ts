/**
 * Finds data of the crashed kernel by name. Its kallsyms may name functions only (CONFIG_KALLSYMS_ALL not set): the kernel's
 * file then names the rest, where it has the same functions.
 */

import { LastUsed } from '../../base/last-used.ts';
import { ReadingThreads } from '../reading/index.ts';
import { stampOf } from './kernel-file.ts';
import { type KernelSymbols, PAGE_OFFSET } from './symbols/index.ts';

/** What is asked for, and a function that shows whether the file is the kernel's. */
const DATA = ['swapper_pg_dir', 'modules', 'init_stack', '__end_init_stack', '__end_init_task'] as const;
const FUNCTION = 'panic';
/** Files whose symbols are kept: some hundred bytes each. */
const FILES = 64;
/** JavaScript memory for the symbols of one file, in MiB. The thread is not kept: it does this once for a kernel. */
const HEAP_MIB = 512;

export type DataName = (typeof DATA)[number];
/** Effective address; undefined: nothing names it. */
export type FindData = (name: DataName) => bigint | undefined;

/** What the thread is given, and what it gives: places counted from the kernel's first byte (data-symbols-worker.ts). */
export type NamesInFile = { readonly path: string; readonly names: readonly string[] };
export type PlacesInFile = ReadonlyMap<string, number>;

const threads = new ReadingThreads<NamesInFile, PlacesInFile>('./data-symbols-worker', import.meta.url);

/** Places in files that were read, by version of the file: reading them is slow, and a fleet crashes one kernel many times. */
const filed = new LastUsed<string, Promise<PlacesInFile>>(FILES);

/**
 * The file is read in another thread, once. A caller that needs the result later may begin it early.
 * @param vmlinux the kernel with symbols; undefined: there is none
 * @throws ReadingFailure where the file takes too much time or memory to read
 */
export async function dataSymbols(production: KernelSymbols, vmlinux: string | undefined): Promise<FindData> {
  const own: FindData = (name) => production.table.find(name);
  if (vmlinux === undefined || DATA.slice(0, 3).every((name) => own(name) !== undefined)) return own;
  const places = await placesIn(vmlinux);
  const find = (name: string): bigint | undefined => {
    const at = places.get(name);
    return at === undefined ? undefined : PAGE_OFFSET + BigInt(at);
  };
  const isSame = find(FUNCTION) !== undefined && find(FUNCTION) === production.table.find(FUNCTION);
  return (name) => own(name) ?? (isSame ? find(name) : undefined);
}

async function placesIn(path: string): Promise<PlacesInFile> {
  const key = stampOf(path);
  const reading = filed.get(key, () =>
    threads.read({}, { path, names: [...DATA, FUNCTION] }, { what: 'the kernel’s file', heapMiB: HEAP_MIB }),
  );
  try {
    return await reading;
  } catch (error) {
    // The next crash tries again.
    filed.delete(key);
    throw error;
  }
}
