/**
 * /cpus: one node a core.
 * Source: QEMU 7.2 hw/ppc/spapr.c; the Linux readers arch/powerpc/kernel/prom.c, setup-common.c and
 * mm/book3s64/radix_pgtable.c. A POWER9 in its architected mode (logical PVR 0x0f000005), radix.
 *
 * ibm,ppc-interrupt-gserver#s is left out: there are no global interrupt servers, and a crash kernel that boots on any
 * CPU then routes interrupts to itself rather than to CPU 0. Properties of the hash MMU are left out too.
 */

import { type FdtNode, node } from '../../../base/fdt/index.ts';
import type { TreeDescription } from './description.ts';
import { POWER9_FEATURES, paFeatures } from './features.ts';

export const TIMEBASE_HZ = 512_000_000;
/** One instruction of any vCPU is a nanosecond. */
const CLOCK_HZ = 1_000_000_000;
const LOGICAL_PVR_ISA_3_00 = 0x0f00_0005;
const CACHE_LINE = 128;
const L1_BYTES = 32 * 1024;
const DECREMENTER_BITS = 56;
const SLB_ENTRIES = 32;
/** Top three bits: the AP field of tlbie and PTEs; the rest: log2 of the page size. 4K, 64K, 2M, 1G. */
const RADIX_AP_ENCODINGS = [0x0000_000c, 0xa000_0010, 0x2000_0015, 0x4000_001e] as const;
/** Hardware ids of one core share all but these bits. */
const THREAD_BITS = 7;

/** Threads of each core, by their hardware ids. */
export function coresOf(hardwareIds: readonly number[]): readonly (readonly number[])[] {
  const cores = new Map<number, number[]>();
  for (const id of hardwareIds) {
    const core = id & ~THREAD_BITS;
    const threads = cores.get(core);
    if (threads === undefined) cores.set(core, [id]);
    else threads.push(id);
  }
  return [...cores.values()];
}

export function cpusNode(description: TreeDescription): FdtNode {
  return node(
    'cpus',
    { '#address-cells': 1, '#size-cells': 0 },
    coresOf(description.hardwareIds).map((threads) => coreNode(threads, description)),
  );
}

function coreNode(threads: readonly number[], description: TreeDescription): FdtNode {
  const first = threads[0] ?? 0;
  return node(`PowerPC,POWER9@${first.toString(16)}`, {
    device_type: 'cpu',
    reg: first,
    status: 'okay',
    '64-bit': true,
    'cpu-version': LOGICAL_PVR_ISA_3_00,
    'clock-frequency': CLOCK_HZ,
    'timebase-frequency': TIMEBASE_HZ,
    'ibm,dec-bits': DECREMENTER_BITS,
    'd-cache-block-size': CACHE_LINE,
    'd-cache-line-size': CACHE_LINE,
    'd-cache-size': L1_BYTES,
    'i-cache-block-size': CACHE_LINE,
    'i-cache-line-size': CACHE_LINE,
    'i-cache-size': L1_BYTES,
    'slb-size': SLB_ENTRIES,
    'ibm,slb-size': SLB_ENTRIES,
    'ibm,chip-id': 0,
    'ibm,pa-features': paFeatures(description.features ?? POWER9_FEATURES),
    'ibm,ppc-interrupt-server#s': [...threads],
    'ibm,processor-radix-AP-encodings': [...RADIX_AP_ENCODINGS],
    'ibm,purr': 1,
    'ibm,spurr': 1,
    'ibm,vmx': 2,
  });
}
