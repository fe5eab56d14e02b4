/**
 * The controller's pages in real memory: every source's two, and each vCPU's TIMA, which lies at one address for all.
 * Source: QEMU 7.2 hw/intc/spapr_xive.c (64 KiB pages, the user's and the system's view of the TIMA). Registers are
 * big-endian; a window's values are little-endian numbers, as the bus carries them.
 */

import type { MmioRegion, ReportUnsupported } from '../contract.ts';
import { SOURCES, type Xive } from './xive.ts';

export const PAGE_SHIFT = 16;
const PAGE = 2 ** PAGE_SHIFT;
/** Clear of memory and of the bridge's windows. */
const PAGES_BASE = 0x3000_0000_0000;
export const TIMA_USER: number = PAGES_BASE;
export const TIMA_SYSTEM: number = PAGES_BASE + PAGE;
const SOURCES_BASE = PAGES_BASE + 0x1_0000_0000;

type Size = 1 | 2 | 4 | 8;

export function triggerPage(number: number): number {
  return SOURCES_BASE + number * 2 * PAGE;
}
export function managementPage(number: number): number {
  return triggerPage(number) + PAGE;
}

/** @param running The hardware id of the vCPU whose access it is. */
export function xivePages(
  xive: Xive,
  running: () => number,
  unsupported: ReportUnsupported,
): readonly MmioRegion[] {
  const nothing = (what: string, offset: number): void =>
    unsupported({ kind: 'mmio', key: `${what} 0x${offset.toString(16)}` });
  const tima: MmioRegion = {
    base: TIMA_SYSTEM,
    size: PAGE,
    read: (offset, size) => {
      const value = xive.thread(running())?.load(offset, size);
      if (value === undefined) nothing('xive tima load', offset);
      return swapped(value ?? -1n, size);
    },
    write: (offset, size, value) => {
      if (xive.thread(running())?.store(offset, size, swapped(value, size)) !== true)
        nothing('xive tima store', offset);
    },
  };
  const sources: MmioRegion = {
    base: SOURCES_BASE,
    size: SOURCES * 2 * PAGE,
    read: (offset, size) => {
      const { number, management, register } = place(offset);
      const value = management ? xive.manage(number, register) : undefined;
      if (value === undefined) nothing('xive source load', register);
      return swapped(BigInt(value ?? -1), size);
    },
    write: (offset) => {
      const { number, management, register } = place(offset);
      if (management) nothing('xive source store', register);
      else xive.trigger(number);
    },
  };
  return [tima, sources];
}

function place(offset: number): { number: number; management: boolean; register: number } {
  const page = Math.floor(offset / PAGE);
  return { number: page >>> 1, management: (page & 1) === 1, register: offset % 0x1000 };
}

function swapped(value: bigint, size: Size): bigint {
  let out = 0n;
  for (let i = 0, rest = BigInt.asUintN(size * 8, value); i < size; i++, rest >>= 8n)
    out = (out << 8n) | (rest & 0xffn);
  return out;
}
