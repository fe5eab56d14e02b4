/**
 * /cpus: one node a core.
 * Source: QEMU 7.2 hw/ppc/spapr.c; the Linux readers arch/powerpc/kernel/prom.c, setup-common.c and, under
 * mm/book3s64, radix_pgtable.c and hash_utils.c. A POWER8 or POWER9 in its architected mode (logical PVR 0x0f000004,
 * 0x0f000005), hash or radix.
 *
 * ibm,ppc-interrupt-gserver#s is left out: there are no global interrupt servers, and a crash kernel that boots on any
 * CPU then routes interrupts to itself rather than to CPU 0. So are ibm,dfp (no decimal floating-point here) and
 * ibm,processor-storage-keys (the keys work, but Linux would change them on every entry to the kernel).
 */

import { type FdtNode, node, type PropertyValue } from '../../../base/fdt/index.ts';
import { TIMEBASE_HZ } from '../../../base/power.ts';
import { SEGMENT_SIZES } from '../../mmu/page-sizes.ts';
import { SLB_ENTRIES } from '../../mmu/slb.ts';
import type { TreeDescription } from './description.ts';
import { ATTRIBUTE_BYTES_2_07, ATTRIBUTE_BYTES_3_0, featuresOf, paFeatures } from './features.ts';

/** One instruction of any vCPU is a nanosecond. */
const CLOCK_HZ = 1_000_000_000;
const LOGICAL_VERSION = { power8: 0x0f00_0004, power9: 0x0f00_0005 } as const;
const CACHE_LINE = 128;
const L1_BYTES = 32 * 1024;
/** POWER9's large decrementer; POWER8's has 32 bits and no property. */
const DECREMENTER_BITS = 56;
/** log2 of the sizes of segments, in four places. */
const SEGMENT_SHIFTS = [28, 40, 0xffff_ffff, 0xffff_ffff] as const;
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
  const { processor, hashTableShift } = description;
  return node(`PowerPC,${processor.toUpperCase()}@${first.toString(16)}`, {
    device_type: 'cpu',
    reg: first,
    status: 'okay',
    '64-bit': true,
    'cpu-version': LOGICAL_VERSION[processor],
    'clock-frequency': CLOCK_HZ,
    'timebase-frequency': TIMEBASE_HZ,
    ...(processor === 'power8' ? {} : { 'ibm,dec-bits': DECREMENTER_BITS }),
    'd-cache-block-size': CACHE_LINE,
    'd-cache-line-size': CACHE_LINE,
    'd-cache-size': L1_BYTES,
    'i-cache-block-size': CACHE_LINE,
    'i-cache-line-size': CACHE_LINE,
    'i-cache-size': L1_BYTES,
    'slb-size': SLB_ENTRIES,
    'ibm,slb-size': SLB_ENTRIES,
    'ibm,chip-id': 0,
    'ibm,pa-features': paFeatures(
      description.features ?? featuresOf(processor, hashTableShift !== undefined),
      processor === 'power8' ? ATTRIBUTE_BYTES_2_07 : ATTRIBUTE_BYTES_3_0,
    ),
    'ibm,ppc-interrupt-server#s': [...threads],
    ...(hashTableShift === undefined
      ? { 'ibm,processor-radix-AP-encodings': [...RADIX_AP_ENCODINGS] }
      : hashProperties(hashTableShift)),
    'ibm,purr': 1,
    'ibm,spurr': 1,
    'ibm,vmx': 2,
  });
}

function hashProperties(tableShift: number): Readonly<Record<string, PropertyValue>> {
  return {
    // The first cell would be a NUMA node.
    'ibm,pft-size': [0, tableShift],
    'ibm,processor-segment-sizes': [...SEGMENT_SHIFTS],
    'ibm,segment-page-sizes': SEGMENT_SIZES.flatMap(({ shift, encoding, pages }) => [
      shift,
      encoding,
      pages.length,
      ...pages.flatMap((page) => [page.shift, page.encoding]),
    ]),
  };
}
