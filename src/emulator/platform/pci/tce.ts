/**
 * A DMA window, the bridge's or a virtual adapter's: a table of translation control entries (TCEs) that the guest fills by hypercall.
 * Source: LoPAR, "Translation Control Entry Access" (H_GET_TCE, H_PUT_TCE, H_STUFF_TCE, H_PUT_TCE_INDIRECT).
 * A TCE is 64 bits, big-endian in lists: the page's address, bit 1 write, bit 0 read. Pages are 4 KiB.
 * The bridge's is kept for the guest, a crash kernel among it, to read back: virtio without ACCESS_PLATFORM addresses
 * memory directly. A virtual adapter translates by its own (tce-dma.ts). Left out: dynamic windows, other page
 * sizes, several tables in one call (the MTT option).
 */

import { assert } from '../../../base/errors.ts';
import type { GuestMemory } from '../../memory/contract.ts';
import type { FirmwareMachine, HcallFamily, HcallResult } from '../contract/contract.ts';
import { LISTED_ENTRY_NS } from '../contract/cost.ts';
import { OPCODE } from '../contract/opcodes.ts';
import { H, status, success } from '../contract/status.ts';

/** The logical I/O bus number of the bridge's default window. */
export const PHB_LIOBN = 0x8000_0000;
/**
 * Bytes of DMA addresses from 0. A crash kernel reads every entry back to find which its predecessor left mapped, one
 * hypercall each, so the window is no larger than devices need.
 */
export const DEFAULT_DMA_WINDOW_BYTES = 0x400_0000;

const PAGE = 0x1000;
const ACCESS_BITS = 3n;
const MAX_LIST = 512n;

export class TceTable {
  readonly liobn: number;
  readonly windowBytes: number;
  readonly #entries: BigUint64Array;
  readonly #memory: GuestMemory;

  constructor(
    memory: GuestMemory,
    windowBytes: number = DEFAULT_DMA_WINDOW_BYTES,
    liobn: number = PHB_LIOBN,
  ) {
    assert(
      windowBytes % PAGE === 0 && windowBytes > 0 && windowBytes <= 2 ** 32,
      'a 32-bit window of whole pages',
    );
    this.#memory = memory;
    this.windowBytes = windowBytes;
    this.liobn = liobn;
    this.#entries = new BigUint64Array(windowBytes / PAGE);
  }

  /** No page mapped, as at power-on. */
  reset(): void {
    this.#entries.fill(0n);
  }

  /** Entries that allow an access. */
  get used(): number {
    return this.#entries.reduce((n, tce) => n + ((tce & ACCESS_BITS) === 0n ? 0 : 1), 0);
  }

  /** The entry for an I/O bus address, or undefined outside the window. Bits below the page are ignored. */
  get(ioba: bigint): bigint | undefined {
    return ioba < BigInt(this.windowBytes) ? this.#entries[Number(ioba) >>> 12] : undefined;
  }

  /** Sets consecutive entries from `ioba` on. @returns whether all are in the window and map only memory; else none is set. */
  put(ioba: bigint, tces: readonly bigint[]): boolean {
    const first = ioba >> 12n;
    if (first + BigInt(tces.length) > BigInt(this.#entries.length)) return false;
    if (!tces.every((tce) => this.#mapsMemory(tce))) return false;
    for (const [i, tce] of tces.entries()) this.#entries[Number(first) + i] = tce;
    return true;
  }

  /** Sets `count` consecutive entries to one value. As {@link put}. */
  stuff(ioba: bigint, tce: bigint, count: bigint): boolean {
    const first = ioba >> 12n;
    if (first + count > BigInt(this.#entries.length) || !this.#mapsMemory(tce)) return false;
    this.#entries.fill(tce, Number(first), Number(first + count));
    return true;
  }

  #mapsMemory(tce: bigint): boolean {
    if ((tce & ACCESS_BITS) === 0n) return true;
    const page = tce & ~0xfffn;
    return page <= BigInt(Number.MAX_SAFE_INTEGER - PAGE) && this.#memory.isRam(Number(page), PAGE);
  }
}

/** The hypercalls on `tables`; every other LIOBN is a parameter error. */
export function tceHcallFamily(
  tables: readonly TceTable[],
  machine: Pick<FirmwareMachine, 'memory' | 'spend'>,
): HcallFamily {
  const find = (liobn: bigint | undefined) => tables.find((each) => liobn === BigInt(each.liobn));
  const done = (ok: boolean): HcallResult => status(ok ? H.success : H.parameter);
  const get = ([liobn, ioba = 0n]: readonly bigint[]): HcallResult => {
    const tce = find(liobn)?.get(ioba);
    return tce === undefined ? status(H.parameter) : success(tce);
  };
  const put = ([liobn, ioba = 0n, tce = 0n]: readonly bigint[]): HcallResult =>
    done(find(liobn)?.put(ioba, [tce]) === true);
  const stuff = ([liobn, ioba = 0n, tce = 0n, count = 0n]: readonly bigint[]): HcallResult => {
    const table = find(liobn);
    if (table?.get(ioba) === undefined) return status(H.parameter);
    if (count > MAX_LIST) return status(H.p4);
    machine.spend(Number(count) * LISTED_ENTRY_NS);
    return done(table.stuff(ioba, tce, count));
  };
  const putIndirect = ([liobn = 0n, ioba = 0n, list = 0n, count = 0n]: readonly bigint[]): HcallResult => {
    // Negative: a list of several tables, an option that is left out.
    if (liobn >> 63n !== 0n) return status(H.function);
    const table = find(liobn);
    if (table?.get(ioba) === undefined) return status(H.parameter);
    if (count > MAX_LIST || list % BigInt(PAGE) !== 0n) return status(H.parameter);
    if (list > BigInt(Number.MAX_SAFE_INTEGER - PAGE) || !machine.memory.isRam(Number(list), PAGE))
      return status(H.parameter);
    machine.spend(Number(count) * LISTED_ENTRY_NS);
    const tces = Array.from({ length: Number(count) }, (_, i) =>
      machine.memory.readU64(Number(list) + i * 8, false),
    );
    return done(table.put(ioba, tces));
  };
  return new Map([
    [OPCODE.H_GET_TCE, { name: 'H_GET_TCE', handler: (_vcpu, args) => get(args) }],
    [OPCODE.H_PUT_TCE, { name: 'H_PUT_TCE', handler: (_vcpu, args) => put(args) }],
    [OPCODE.H_STUFF_TCE, { name: 'H_STUFF_TCE', handler: (_vcpu, args) => stuff(args) }],
    [OPCODE.H_PUT_TCE_INDIRECT, { name: 'H_PUT_TCE_INDIRECT', handler: (_vcpu, args) => putIndirect(args) }],
  ]);
}
