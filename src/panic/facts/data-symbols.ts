/**
 * Finds data of the crashed kernel by name. Its kallsyms may name functions only (CONFIG_KALLSYMS_ALL not set): the kernel's
 * file then names the rest, where it has the same functions.
 */

import { stampOf, withKernelFile } from './kernel-file.ts';
import { type KernelSymbols, PAGE_OFFSET } from './symbols/index.ts';

/** What is asked for, and a function that shows whether the file is the kernel's. */
const DATA = ['swapper_pg_dir', 'modules', 'init_stack', '__end_init_stack', '__end_init_task'] as const;
const FUNCTION = 'panic';

export type DataName = (typeof DATA)[number];
/** Effective address; undefined: nothing names it. */
export type FindData = (name: DataName) => bigint | undefined;

/** Symbols of files that were read: reading them is slow, and a fleet crashes one kernel many times. */
const filed = new Map<string, ReadonlyMap<string, bigint>>();

/** @param vmlinux the kernel with symbols; undefined: there is none */
export async function dataSymbols(production: KernelSymbols, vmlinux: string | undefined): Promise<FindData> {
  const own: FindData = (name) => production.table.find(name);
  if (vmlinux === undefined || DATA.slice(0, 3).every((name) => own(name) !== undefined)) return own;
  const key = stampOf(vmlinux);
  const names = filed.get(key) ?? (await read(vmlinux));
  filed.set(key, names);
  const isSame = names.get(FUNCTION) !== undefined && names.get(FUNCTION) === production.table.find(FUNCTION);
  return (name) => own(name) ?? (isSame ? names.get(name) : undefined);
}

async function read(vmlinux: string): Promise<ReadonlyMap<string, bigint>> {
  const found = await withKernelFile(vmlinux, async ({ find }) =>
    [...DATA, FUNCTION].flatMap((name): [string, bigint][] => {
      const at = find(name);
      return at === undefined ? [] : [[name, PAGE_OFFSET + BigInt(at)]];
    }),
  );
  return new Map(found ?? []);
}
