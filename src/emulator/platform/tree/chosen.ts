/**
 * /chosen: the command line, the initrd, the console, the seed, and what firmware and kernel would have agreed upon.
 *
 * Source: Linux 6.1 arch/powerpc/include/asm/prom.h (option vector 5 of ibm,client-architecture-support), mm/init_64.c. There is no firmware to negotiate with: the tree states the outcome, hash without
 * segment tables or radix with the guest's own tlbie, XICS or XIVE, form 2 affinity.
 */

import { type FdtNode, node, type PropertyValue } from '../../../base/fdt/index.ts';
import type { TreeDescription } from './description.ts';

/** Option vector 5: byte numbers and bits. The first byte is the number of those that follow, less one. */
const VECTOR_5_BYTES = 27;
const AFFINITY_FORMS = { byte: 5, value: 0x80 | 0x20 } as const;
const INTERRUPTS_BYTE = 23;
const XICS = 0x00;
const XIVE_EXPLOITATION = 0x40;
const HASH_OPTIONS = { byte: 25, value: 0x00 } as const;

type VectorByte = { readonly byte: number; readonly value: number };

/** What depends on how the partition takes interrupts and translates: the mode, and that a radix guest invalidates its own translations. */
function choices(description: TreeDescription): readonly VectorByte[] {
  const radix = description.hashTableShift === undefined;
  const interrupts = description.xive === undefined ? XICS : XIVE_EXPLOITATION;
  return [
    { byte: INTERRUPTS_BYTE, value: interrupts },
    { byte: 24, value: radix ? 0x40 : 0x00 },
    HASH_OPTIONS,
    { byte: 26, value: radix ? 0x40 : 0x00 },
  ];
}

export function chosenNode(description: TreeDescription): FdtNode {
  const properties: Record<string, PropertyValue> = { bootargs: description.bootargs };
  const [console_] = description.vtys;
  if (console_ !== undefined) {
    const path = `/vdevice/vty@${console_.unit.toString(16)}`;
    properties['stdout-path'] = path;
    properties['linux,stdout-path'] = path;
  }
  if (description.initrd !== undefined) {
    properties['linux,initrd-start'] = description.initrd.start;
    properties['linux,initrd-end'] = description.initrd.end;
  }
  properties['rng-seed'] = description.rngSeed;
  properties['ibm,architecture-vec-5'] = vector5(description);
  properties['ibm,arch-vec-5-platform-support'] = platformSupport(description);
  // The kernel may move BARs.
  properties['linux,pci-probe-only'] = 0;
  return node('chosen', properties);
}

function vector5(description: TreeDescription): Uint8Array {
  const bytes = new Uint8Array(VECTOR_5_BYTES);
  bytes[0] = VECTOR_5_BYTES - 2;
  for (const { byte, value } of [AFFINITY_FORMS, ...choices(description)]) bytes[byte] = value;
  return bytes;
}

/** Pairs of byte number and value. */
function platformSupport(description: TreeDescription): Uint8Array {
  const rows = choices(description);
  return Uint8Array.from(rows.flatMap(({ byte, value }) => [byte, value]));
}
