/**
 * Finds which CPUs a kernel has online. Linux gives a CPU that it takes offline back to the firmware, which stops it; before 5.9 it left the
 * CPU in H_CEDE (cede_offline), where an idle one is, too. The kernel's own mask distinguishes the two.
 *
 * Sources: Linux 6.1 include/linux/cpumask.h (__cpu_online_mask: doublewords, bit n is logical CPU n) and
 * arch/powerpc/include/asm/paca.h (r13 leads to the CPU's paca; its second doubleword begins with lock_token, always 0x8000,
 * and paca_index, the logical CPU, as one word); linuxppc/issues #304 (cede_offline is removed, 2020).
 */

import { getU32, getU64 } from '../../base/bytes.ts';
import { MSR } from '../../base/power.ts';
import type { VcpuSnapshot } from '../../emulator/contract/index.ts';
import { isLinear } from './kernel-memory.ts';
import { ifThere, type KernelSymbols, type ReadMemory, realOf } from './symbols/index.ts';

const MASK = '__cpu_online_mask';
const PACA_WORD = 8;
const LOCK_TOKEN = 0x8000;
/** Logical CPUs that a mask of the largest kernels has. */
const MOST = 8192;

/** By index of the vCPU. @param read memory at the instant of `cpus` */
export async function onlineCpus(
  cpus: readonly VcpuSnapshot[],
  { table }: Pick<KernelSymbols, 'table'>,
  read: ReadMemory,
): Promise<ReadonlySet<number>> {
  const mask = table.find(MASK);
  const online = new Set<number>();
  for (const cpu of cpus) {
    if (cpu.state === 'stopped') continue;
    const isAsleep = cpu.state === 'ceded' && mask !== undefined && (await isOffline(cpu, mask, read));
    if (!isAsleep) online.add(cpu.index);
  }
  return online;
}

/** Whether the mask says so; false where the CPU does not say which one it is. */
async function isOffline({ gpr, msr }: VcpuSnapshot, mask: bigint, read: ReadMemory): Promise<boolean> {
  const endian = (msr & MSR.LE) === 0n ? 'big' : 'little';
  const paca = gpr[13] ?? 0n;
  if (!isLinear(paca)) return false;
  const word = await ifThere(read(realOf(paca) + PACA_WORD, 4));
  if (word === undefined) return false;
  const identity = getU32(word, 0, endian);
  const logical = identity & 0xffff;
  if (identity >>> 16 !== LOCK_TOKEN || logical >= MOST) return false;
  const bits = await ifThere(read(realOf(mask) + Math.floor(logical / 64) * 8, 8));
  return bits !== undefined && ((getU64(bits, 0, endian) >> BigInt(logical % 64)) & 1n) === 0n;
}
