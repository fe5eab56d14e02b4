/**
 * Makes the plan that is in force from power-on, by the kernel's file. Its addresses are right once the kernel has moved itself to 0, which is
 * before it can load an image, and before it can find anything to panic about.
 */

import { LastUsed } from '../../base/last-used.ts';
import type { ObservePlan } from '../../emulator/contract/index.ts';
import { stampOf, withKernelFile } from '../facts/kernel-file.ts';
import { type KernelSymbols, readSymbolsApart } from '../facts/symbols/index.ts';
import { orFailure, ReadingFailure } from '../reading/index.ts';
import type { FunctionName } from '../trace/index.ts';
import { makePlan, seesPanics } from './plan.ts';

export type BootPlan = {
  readonly plan: ObservePlan;
  /** Functions that have a probe. */
  readonly probes: readonly FunctionName[];
  readonly production: KernelSymbols;
};

/** Plans that are kept. The symbols of each are some MiB. */
const PLANS = 16;
/** Plans that were made, by kernel: reading symbols is slow, and a fleet boots one kernel many times. */
const known = new LastUsed<string, Promise<BootPlan | undefined>>(PLANS);

/**
 * @param kernel an ELF file
 * @param vmlinux the same kernel with symbols, for those that its kallsyms does not name
 * @returns undefined where the file does not name the functions in which a crash begins
 */
export async function bootPlan(kernel: string, vmlinux: string = kernel): Promise<BootPlan | undefined> {
  const key = [kernel, vmlinux].map(stampOf).join('\n');
  const plan = known.get(key, () => makeBootPlan(kernel, vmlinux));
  // One that could not be made for another reason than the kernel's is made again.
  return await plan.catch((error: unknown) => {
    known.delete(key);
    throw error;
  });
}

async function makeBootPlan(kernel: string, vmlinux: string): Promise<BootPlan | undefined> {
  return await withKernelFile(kernel, async ({ read, size }) => {
    const production = await orFailure(() => readSymbolsApart(read, { base: 0, vmlinux, size }));
    // A crash says so, when it needs them.
    if (production instanceof ReadingFailure) return undefined;
    const { plan, probes } = await makePlan({ read, production, holds: true });
    return seesPanics(probes) ? { plan, probes, production } : undefined;
  });
}
