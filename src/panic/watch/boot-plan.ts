/**
 * Makes the plan that is in force from power-on. It watches the hooks of kexec_load, so that the load log knows whether they
 * ran when an image was loaded. Addresses come from the kernel's file: they are right once the kernel has moved itself to
 * 0, which is before any image can be loaded.
 */

import type { MarkId, ObservePlan } from '../../emulator/contract/index.ts';
import { stampOf, withKernelFile } from '../facts/kernel-file.ts';
import { functionEntry, readSymbolsApart } from '../facts/symbols/index.ts';
import { orFailure, ReadingFailure } from '../reading/index.ts';
import { LOAD_HOOKS } from '../trace/index.ts';
import { idOfMark } from './mark-ids.ts';

/** At most so many runs of each hook are reported in a power cycle. */
const LIMIT = 64;
/** Plans that were made, by kernel: reading symbols is slow, and a fleet boots one kernel many times. */
const known = new Map<string, Promise<ObservePlan | undefined>>();

/**
 * @param kernel an ELF file
 * @param vmlinux the same kernel with symbols, for those that its kallsyms does not name
 * @returns undefined where the kernel's functions cannot be found
 */
export async function bootPlan(kernel: string, vmlinux: string = kernel): Promise<ObservePlan | undefined> {
  const key = [kernel, vmlinux].map(stampOf).join('\n');
  const plan = known.get(key) ?? makeBootPlan(kernel, vmlinux);
  known.set(key, plan);
  // One that could not be made for another reason than the kernel's is made anew.
  return await plan.catch((error: unknown) => {
    known.delete(key);
    throw error;
  });
}

async function makeBootPlan(kernel: string, vmlinux: string): Promise<ObservePlan | undefined> {
  const found = await withKernelFile(kernel, async ({ read, size }) => {
    const probes: { raddr: number; mark: MarkId; limit: number }[] = [];
    const symbols = await orFailure(() => readSymbolsApart(read, { base: 0, vmlinux, size }));
    // A crash says so, when it needs them.
    if (symbols instanceof ReadingFailure) return probes;
    for (const name of Object.values(LOAD_HOOKS)) {
      const raddr = await functionEntry(read, symbols, name);
      if (raddr !== undefined)
        probes.push({ raddr, mark: idOfMark({ at: 'function', name, in: 'production' }), limit: LIMIT });
    }
    return probes;
  });
  const probes = found ?? [];
  // With one hook watched alone, the other would look as if it had not run.
  if (probes.length < Object.values(LOAD_HOOKS).length) return undefined;
  return { probes, stores: [], executes: [], msrMask: 0n, vectors: [], hcallsExcept: [], quiet: true };
}
