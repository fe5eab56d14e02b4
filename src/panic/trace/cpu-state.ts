/**
 * What a CPU does. A secondary that was let go spins in the copy at 0, at 0x60 or a few instructions on, until the new kernel
 * calls it (Linux 6.1 arch/powerpc/kernel/head_64.S __secondary_hold; kexec-tools 2.0.25 purgatory/arch/ppc64/v2wrap.S). Nothing
 * else is there to be executed in real mode: it is parked, also while the machine has not found its loop yet.
 */

import { MSR_TRANSLATION } from '../../base/power.ts';
import type { VcpuState } from '../../emulator/contract/index.ts';

const WAIT: { readonly start: bigint; readonly end: bigint } = { start: 0x60n, end: 0x100n };

/** @param nia effective address of the next instruction */
export function cpuStateOf(state: VcpuState, nia: bigint, msr: bigint): VcpuState {
  const isThere = nia >= WAIT.start && nia < WAIT.end && (msr & MSR_TRANSLATION) === 0n;
  return state === 'running' && isThere ? 'parked' : state;
}
