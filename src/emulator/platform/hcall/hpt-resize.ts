/**
 * H_RESIZE_HPT_PREPARE and H_RESIZE_HPT_COMMIT: another size for the hashed page table. The new table is there at once,
 * so that no call answers long busy. The commit takes over bolted entries alone, as callers expect.
 * Source: Linux 6.1 arch/powerpc/platforms/pseries/lpar.c, QEMU 7.2 hw/ppc/spapr_hcall.c and spapr_softmmu.c.
 */

import {
  GROUP,
  type HashTable,
  SMALLEST_TABLE,
  tableShift,
  V_BOLTED,
  V_VALID,
  WORDS,
} from '../../mmu/hash/table.ts';
import { entrySizes } from '../../mmu/page-sizes.ts';
import type { FirmwareMachine, HcallFamily } from '../contract/contract.ts';
import { bytesNs } from '../contract/cost.ts';
import { H, status } from '../contract/status.ts';
import { arg, family } from './table.ts';

/** Of an entry's first doubleword: valid and bolted. */
const MOVED = V_VALID | V_BOLTED;
/** The architecture's largest table. */
const LARGEST_TABLE = 46n;

export function hptResizeHcalls(machine: FirmwareMachine, table: HashTable): HcallFamily {
  let prepared: HashTable | undefined;
  const memory = machine.memory.ranges.reduce((sum, { size }) => sum + size, 0);
  /** One step more than the partition is given by itself. */
  const most = tableShift(memory) + 1;
  return family({
    H_RESIZE_HPT_PREPARE: (_vcpu, args) => {
      const shift = arg(args, 1);
      const exists = shift >= BigInt(SMALLEST_TABLE) && shift <= LARGEST_TABLE;
      if (arg(args, 0) !== 0n || (shift !== 0n && !exists)) return status(H.parameter);
      if (shift > BigInt(most)) return status(H.resource);
      // Size 0 gives up what was prepared.
      if (shift === 0n) prepared = undefined;
      else if (prepared?.shift !== Number(shift)) {
        prepared = table.another(Number(shift));
        machine.spend(bytesNs(2 ** prepared.shift));
      }
      return status(H.success);
    },
    H_RESIZE_HPT_COMMIT: (_vcpu, args) => {
      if (arg(args, 0) !== 0n) return status(H.parameter);
      const next = prepared;
      if (next === undefined || arg(args, 1) !== BigInt(next.shift)) return status(H.closed);
      prepared = undefined;
      machine.spend(bytesNs(2 ** table.shift));
      if (!moveBolted(table, next)) return status(H.ptegFull);
      table.adopt(next);
      machine.flushTlbs();
      return status(H.success);
    },
  });
}

/** @returns false where two bolted entries would have one place. */
function moveBolted(from: HashTable, to: HashTable): boolean {
  for (let index = 0; index < from.entries; index++) {
    // A table has millions of entries, and all of them are looked at in one call.
    const at = index * WORDS;
    const { words } = from;
    const vLo = words[at + 1] as number;
    if ((vLo & MOVED) !== MOVED) continue;
    const [vHi, rHi, rLo] = [words[at] as number, words[at + 2] as number, words[at + 3] as number];
    const sizes = entrySizes(vLo, rLo);
    if (sizes === undefined) continue;
    // The slot within the group stays, as the kernel reckons.
    const target = from.groupIn(to.groupMask, index, sizes.base) * GROUP + (index % GROUP);
    if (to.isValid(target)) return false;
    to.write(target, vHi, vLo, rHi, rLo);
  }
  return true;
}
