/**
 * H_REGISTER_PROCESS_TABLE. A radix partition registers its process table. A hash partition whose software manages the SLB
 * needs none: it deregisters, or registers a table that is checked and never read.
 *
 * Source: QEMU 7.2 hw/ppc/spapr_hcall.c (flags, parameter errors; the table is 4 KiB times a power of two), Linux 6.1
 * arch/powerpc/platforms/pseries/lpar.c. Left out: segment tables (H_PARAMETER), a change between hash and radix after
 * the start (H_PARAMETER), and lifting a radix guest's own tlbie (GTSE has to stay set).
 */

import { exactNumber } from '../contract/addresses.ts';
import type { FirmwareMachine, HcallFamily } from '../contract/contract.ts';
import { H, status } from '../contract/status.ts';
import { arg, family } from './table.ts';

const FLAG_MODIFY = 0x10n;
const FLAG_REGISTER = 0x08n;
const FLAG_RADIX = 0x04n;
const FLAG_SEGMENT_TABLES = 0x02n;
const FLAGS = 0x1fn;
/** The table size is given as log2 of 4 KiB units, at most this. */
const MAXIMUM_SIZE = 24n;
const PAGE_SHIFT = 12;
/** Hash: the table is named by a virtual segment, and the page size as a segment names it. */
const HASH_TABLE_BITS = 38n;
const HASH_PAGE_SIZES = 7n;

export function processTableHcalls(machine: FirmwareMachine): HcallFamily {
  const radix = machine.hashTable === undefined;
  return family({
    H_REGISTER_PROCESS_TABLE: (_vcpu, args) => {
      const flags = arg(args, 0);
      const table = arg(args, 1);
      const pageSize = arg(args, 2);
      const tableSize = arg(args, 3);
      if ((flags & ~FLAGS) !== 0n || (flags & FLAG_SEGMENT_TABLES) !== 0n) return status(H.parameter);
      if ((flags & FLAG_MODIFY) === 0n) {
        // Keeps what is registered: only the mode has to agree.
        return status(((flags & FLAG_RADIX) !== 0n) === radix ? H.success : H.parameter);
      }
      if ((flags & FLAG_REGISTER) === 0n) {
        machine.setProcessTable(radix, 0, 0);
        return status(H.success);
      }
      if (((flags & FLAG_RADIX) !== 0n) !== radix) return status(H.parameter);
      if (!radix) {
        if (table >> HASH_TABLE_BITS !== 0n) return status(H.p2);
        if (pageSize > HASH_PAGE_SIZES) return status(H.p3);
        return status(tableSize > MAXIMUM_SIZE ? H.p4 : H.success);
      }
      const base = exactNumber(table);
      if (base === undefined || base % (1 << PAGE_SHIFT) !== 0) return status(H.p2);
      if (pageSize !== 0n) return status(H.p3);
      if (tableSize > MAXIMUM_SIZE) return status(H.p4);
      machine.setProcessTable(true, base, Number(tableSize) + PAGE_SHIFT);
      return status(H.success);
    },
  });
}
