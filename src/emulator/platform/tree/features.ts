/**
 * ibm,pa-features: which facilities of the processor the partition has. One row a facility that POWER8 or POWER9 can have; what
 * the machine executes is chosen by name.
 *
 * Source: QEMU 7.2 hw/ppc/spapr.c for the attribute bytes of ISA 2.07 and 3.0 and their names, Linux 6.1
 * arch/powerpc/kernel/prom.c for what is read of them (MMU, FPU, CTRL, no-execute, CI large pages, TRUE_LE,
 * TM, radix).
 */

import { assert } from '../../../base/errors.ts';

/** Attribute bytes after the two of the header, by version of the architecture; type 0 is the only one. */
export const ATTRIBUTE_BYTES_2_07 = 24;
export const ATTRIBUTE_BYTES_3_0 = 66;

/** Attribute byte and bit (IBM numbering) of each facility. */
const FEATURES = [
  { name: 'mmu', byte: 0, bit: 0 },
  { name: 'fpu', byte: 0, bit: 1 },
  { name: 'slb', byte: 0, bit: 2 },
  { name: 'run', byte: 0, bit: 3 },
  { name: 'dabr', byte: 0, bit: 5 },
  { name: 'no-execute', byte: 0, bit: 6 },
  { name: 'ci-large-pages', byte: 1, bit: 2 },
  { name: 'fri', byte: 1, bit: 3 },
  { name: 'dabrx', byte: 1, bit: 4 },
  { name: 'sprg3-user', byte: 1, bit: 5 },
  { name: 'slb-class-0', byte: 1, bit: 6 },
  { name: 'pp110', byte: 1, bit: 7 },
  { name: 'virtual-page-class', byte: 2, bit: 0 },
  { name: 'isa-2.05', byte: 2, bit: 1 },
  { name: 'ppr', byte: 2, bit: 5 },
  { name: 'isa-2.02', byte: 2, bit: 6 },
  { name: 'isa-2.06', byte: 2, bit: 7 },
  { name: 'load-store-double', byte: 3, bit: 0 },
  { name: 'unaligned-graduated', byte: 3, bit: 1 },
  { name: 'strong-order', byte: 4, bit: 0 },
  { name: 'little-endian', byte: 5, bit: 0 },
  { name: 'cfar', byte: 5, bit: 1 },
  { name: 'eb', byte: 5, bit: 2 },
  { name: 'lsq', byte: 5, bit: 3 },
  { name: 'isa-2.07', byte: 6, bit: 0 },
  { name: 'vector', byte: 16, bit: 0 },
  { name: 'vector-scalar', byte: 18, bit: 0 },
  { name: 'vector-xor', byte: 20, bit: 0 },
  { name: 'transactional-memory', byte: 22, bit: 0 },
  { name: 'extended-decrementer', byte: 24, bit: 0 },
  { name: '64-bit', byte: 26, bit: 0 },
  { name: 'performance-monitor', byte: 28, bit: 0 },
  { name: 'mmr', byte: 30, bit: 0 },
  { name: 'little-endian-atomics', byte: 32, bit: 0 },
  { name: 'event-based-branch', byte: 34, bit: 0 },
  { name: 'event-based-branch-extended', byte: 34, bit: 1 },
  { name: 'spr-so', byte: 36, bit: 0 },
  { name: 'copy-paste', byte: 38, bit: 0 },
  { name: 'radix', byte: 40, bit: 0 },
  { name: 'performance-monitor-3.0', byte: 42, bit: 0 },
  { name: 'pc-relative-add', byte: 44, bit: 0 },
  { name: 'system-call-vectored', byte: 46, bit: 0 },
  { name: 'simd-3.0', byte: 48, bit: 0 },
  { name: 'quad-precision', byte: 50, bit: 0 },
  { name: 'string', byte: 52, bit: 0 },
  { name: 'decimal-floating-point', byte: 54, bit: 0 },
  { name: 'decimal-integer', byte: 56, bit: 0 },
  { name: 'sha', byte: 58, bit: 0 },
  { name: 'non-memory-atomics', byte: 60, bit: 0 },
  { name: 'random-number', byte: 62, bit: 0 },
] as const;

export type FeatureName = (typeof FEATURES)[number]['name'];

/** A radix POWER9 as this machine executes it. */
export const POWER9_FEATURES: readonly FeatureName[] = [
  'mmu',
  'fpu',
  'run',
  'no-execute',
  'ci-large-pages',
  'fri',
  'sprg3-user',
  'isa-2.05',
  'ppr',
  'isa-2.02',
  'isa-2.06',
  'unaligned-graduated',
  'little-endian',
  'cfar',
  'isa-2.07',
  'vector',
  'vector-scalar',
  'vector-xor',
  'extended-decrementer',
  '64-bit',
  'little-endian-atomics',
  'radix',
  'pc-relative-add',
  'system-call-vectored',
  'simd-3.0',
  'string',
];

/** What hash translation brings: the SLB, read-only pages for the kernel alone (PP 110), page class keys. */
const HASH_FEATURES: readonly FeatureName[] = ['slb', 'pp110', 'virtual-page-class'];

/** What came after ISA 2.07, or is radix. */
const NOT_POWER8: ReadonlySet<FeatureName> = new Set([
  'extended-decrementer',
  '64-bit',
  'little-endian-atomics',
  'radix',
  'pc-relative-add',
  'system-call-vectored',
  'simd-3.0',
  'string',
]);

/** A processor as this machine executes it. */
export function featuresOf(processor: 'power8' | 'power9', hash: boolean): readonly FeatureName[] {
  const common = hash ? [...POWER9_FEATURES, ...HASH_FEATURES] : POWER9_FEATURES;
  if (processor === 'power8') return common.filter((name) => !NOT_POWER8.has(name));
  return hash ? common.filter((name) => name !== 'radix') : common;
}

/** The property: length, type 0, then the attribute bytes. */
export function paFeatures(names: readonly FeatureName[], length: number = ATTRIBUTE_BYTES_3_0): Uint8Array {
  const bytes = new Uint8Array(2 + length);
  bytes[0] = length;
  for (const name of names) {
    const feature = FEATURES.find((row) => row.name === name);
    assert(feature !== undefined, `no processor feature ${name}`);
    assert(feature.byte < length, `processor feature ${name} has no place`);
    const at = 2 + feature.byte;
    bytes[at] = (bytes[at] ?? 0) | (0x80 >> feature.bit);
  }
  return bytes;
}
