/**
 * DMA through a table of TCEs: each 4 KiB page of the window is the page of memory that its entry names, for reading (bit
 * 0) or writing (bit 1) by the device. Source: LoPAR, "TCE Page Access Bits". A transfer moves all of its bytes or none.
 */

import type { DmaWindow } from '../../devices/vscsi/index.ts';
import type { GuestMemory } from '../../memory/contract.ts';
import type { TceTable } from './tce.ts';

const PAGE = 0x1000;
const DEVICE_READS = 1n;
const DEVICE_WRITES = 2n;

type Part = { readonly raddr: number; readonly from: number; readonly to: number };

/** @param faulted Called with the bus address of an access that no entry allows. */
export function tceDma(table: TceTable, memory: GuestMemory, faulted?: (ioba: bigint) => void): DmaWindow {
  const parts = (ioba: bigint, length: number, access: bigint): readonly Part[] | undefined => {
    const found: Part[] = [];
    for (let from = 0; from < length; ) {
      const at = ioba + BigInt(from);
      const inPage = Number(at & BigInt(PAGE - 1));
      const to = Math.min(length, from + PAGE - inPage);
      const tce = table.get(at) ?? 0n;
      const raddr = Number(tce & ~BigInt(PAGE - 1)) + inPage;
      if ((tce & access) === 0n || !memory.isRam(raddr, to - from)) {
        faulted?.(at);
        return undefined;
      }
      const last = found[found.length - 1];
      if (last !== undefined && last.raddr + (last.to - last.from) === raddr) {
        found[found.length - 1] = { raddr: last.raddr, from: last.from, to };
      } else found.push({ raddr, from, to });
      from = to;
    }
    return found;
  };
  return {
    read: (ioba, length) => {
      const found = parts(ioba, length, DEVICE_READS);
      if (found === undefined) return undefined;
      const out = new Uint8Array(length);
      for (const { raddr, from, to } of found) memory.readInto(raddr, out.subarray(from, to));
      return out;
    },
    write: (ioba, bytes) => {
      const found = parts(ioba, bytes.length, DEVICE_WRITES);
      if (found === undefined) return false;
      for (const { raddr, from, to } of found) memory.write(raddr, bytes.subarray(from, to));
      return true;
    },
  };
}
