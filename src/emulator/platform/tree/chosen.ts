/**
 * /chosen: the command line, the initrd, the console, the seed, and what firmware and kernel would have agreed upon.
 *
 * Source: Linux 6.1 arch/powerpc/include/asm/prom.h (option vector 5 of ibm,client-architecture-support), mm/init_64.c. There is no firmware to negotiate with: the tree states the outcome, radix with the
 * guest's own tlbie, XICS, form 2 affinity.
 */

import { type FdtNode, node, type PropertyValue } from '../../../base/fdt/index.ts';
import type { TreeDescription } from './description.ts';

/** Option vector 5: byte numbers and bits. The first byte is the number of those that follow, less one. */
const VECTOR_5_BYTES = 27;
const AFFINITY_FORMS = { byte: 5, value: 0x80 | 0x20 } as const;
const INTERRUPTS_XICS = { byte: 23, value: 0x00 } as const;
const MMU_RADIX = { byte: 24, value: 0x40 } as const;
const HASH_OPTIONS = { byte: 25, value: 0x00 } as const;
const RADIX_GUEST_SHOOTDOWN = { byte: 26, value: 0x40 } as const;

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
  properties['ibm,architecture-vec-5'] = vector5();
  properties['ibm,arch-vec-5-platform-support'] = platformSupport();
  // The kernel may move BARs.
  properties['linux,pci-probe-only'] = 0;
  return node('chosen', properties);
}

function vector5(): Uint8Array {
  const bytes = new Uint8Array(VECTOR_5_BYTES);
  bytes[0] = VECTOR_5_BYTES - 2;
  for (const { byte, value } of [
    AFFINITY_FORMS,
    INTERRUPTS_XICS,
    MMU_RADIX,
    HASH_OPTIONS,
    RADIX_GUEST_SHOOTDOWN,
  ]) {
    bytes[byte] = value;
  }
  return bytes;
}

/** Pairs of byte number and value. */
function platformSupport(): Uint8Array {
  const rows = [INTERRUPTS_XICS, MMU_RADIX, HASH_OPTIONS, RADIX_GUEST_SHOOTDOWN];
  return Uint8Array.from(rows.flatMap(({ byte, value }) => [byte, value]));
}
