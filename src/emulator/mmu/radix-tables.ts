/**
 * Remembers which entries of the radix tree translations were made of, so that an invalidation of everything drops only those
 * that the guest has changed since. Linux invalidates all of a process's translations for each word of its own code that
 * it patches, some hundred thousand times a boot, and has changed one entry each time.
 *
 * Pages of tables that a walk has read are marked: stores to them are seen before they happen. A vCPU keeps a translation,
 * stale as it may be, until an instruction drops it, as a processor does.
 */

import type { Arena } from '../memory/arena.ts';
import type { Ram } from '../memory/ram.ts';
import { TLB_WRITE, type Tlb } from './tlb.ts';

/** The mark of pages with tables; see Ram.mark. */
export const MARK_TABLE = 16;
/** Tables are as small as 256 bytes, so that a page may hold several: what lies in each is known by itself. */
const GRANULE_SHIFT = 8;
const GRANULES = 4096 >>> GRANULE_SHIFT;
const GRANULE_SLOTS = 32;
const SLOT_SHIFT = 3;
const PAGE_SHIFT = 12;
/** Of an effective address: the bits that choose an entry of the TLB. A slot that covers as much covers every entry. */
const TLB_SHIFT = 24;
const TLB_BITS = (1 << TLB_SHIFT) - 1;
/** In the place of a number of pages. */
const EVERYTHING = -1;
/** Stores to a page, none of whose tables is walked in between, before it counts as a page of tables no more. */
const MOST_STORES = 64;
/** Changes that are kept; a vCPU that has not dropped them by then drops everything. */
const MOST_CHANGES = 1024;
/** Changed slots and pages of 4 KiB that are dropped one by one. */
const MOST_DROPS = 64;
const MOST_PAGES = 1024;

export class RadixTables {
  readonly #arena: Arena;
  readonly #ram: Ram;
  readonly #tlbs: () => readonly Tlb[];
  /** By arena page: its number here, from 1 on; 0 for a page without tables. */
  readonly #numbers: Uint32Array;
  /** By granule of the pages here: bits of an effective address that a slot covers, 0 for no table; and where the first slot begins. */
  #shifts = new Uint8Array(64 * GRANULES);
  #starts = new Int32Array(64 * GRANULES);
  #stores = new Uint16Array(64);
  readonly #free: number[] = [];
  #next = 1;
  /** What was changed: low half of the effective address, and pages of 4 KiB from it on. */
  #changes: { readonly lo: number; readonly pages: number }[] = [];
  /** How many changes there were before the first of these. */
  #forgotten = 0;
  /** Of each vCPU's TLB: how many changes it has dropped. */
  readonly #dropped = new Map<Tlb, number>();
  /** The walk itself stores reference and change bits, which change no translation. */
  isWalking = false;

  /** @param tlbs of all vCPUs */
  constructor(arena: Arena, ram: Ram, tlbs: () => readonly Tlb[]) {
    this.#arena = arena;
    this.#ram = ram;
    this.#tlbs = tlbs;
    this.#numbers = new Uint32Array(Math.ceil(arena.size / 4096));
    ram.observeWrites((page, offset, length) => this.#written(page, offset, length));
  }

  /**
   * A translation was made of a table's slot.
   * @param at arena address of the slot
   * @param lo low half of the effective address
   * @param shift bits of the address that the slot covers
   */
  read(at: number, lo: number, shift: number): void {
    const page = at >>> PAGE_SHIFT;
    const number = this.#numbers[page] || this.#adopt(page);
    this.#stores[number] = 0;
    const granule = number * GRANULES + ((at >>> GRANULE_SHIFT) & (GRANULES - 1));
    const start = shift >= TLB_SHIFT ? 0 : (((lo >>> shift) - slotOf(at)) << shift) & TLB_BITS;
    const known = this.#shifts[granule] as number;
    if (known === shift && this.#starts[granule] === start) return;
    // Where the table serves other addresses as well, a change of it may change more than what it is known for.
    this.#shifts[granule] = known === 0 ? shift : TLB_SHIFT;
    this.#starts[granule] = known === 0 ? start : 0;
  }

  /** Drops what a vCPU has translated by entries that were changed. */
  dropChanged(tlb: Tlb): void {
    const end = this.#forgotten + this.#changes.length;
    const from = (this.#dropped.get(tlb) ?? 0) - this.#forgotten;
    this.#dropped.set(tlb, end);
    if (from < 0 || this.#changes.length - from > MOST_DROPS) {
      tlb.flushTranslated();
      return;
    }
    let pages = 0;
    for (let i = from; i < this.#changes.length; i++) {
      const change = this.#changes[i] as { readonly lo: number; readonly pages: number };
      pages += change.pages;
      if (change.pages === EVERYTHING || pages > MOST_PAGES) {
        tlb.flushTranslated();
        return;
      }
      tlb.dropPages(change.lo, change.pages);
    }
  }

  /** There are no tables any more, and no translations. */
  clear(): void {
    for (let page = 0; page < this.#numbers.length; page++)
      if (this.#numbers[page] !== 0) this.#abandon(page);
    this.#changed(0, EVERYTHING);
  }

  /** Bytes of a marked page are about to change. */
  #written(arenaPage: number, offset: number, length: number): void {
    const page = arenaPage >>> PAGE_SHIFT;
    const number = this.#numbers[page] as number;
    if (number === 0 || this.isWalking) return;
    const stores = (this.#stores[number] as number) + 1;
    this.#stores[number] = stores;
    if (stores > MOST_STORES) {
      this.#abandon(page);
      this.#changed(0, EVERYTHING);
      return;
    }
    for (let slot = offset >>> SLOT_SHIFT; slot <= (offset + length - 1) >>> SLOT_SHIFT; slot++) {
      const at = (arenaPage >>> 0) + (slot << SLOT_SHIFT);
      const granule = number * GRANULES + ((at >>> GRANULE_SHIFT) & (GRANULES - 1));
      const shift = this.#shifts[granule] as number;
      // Nothing was translated by a slot that is 0.
      if (shift === 0 || this.#isZero(at)) continue;
      if (shift >= TLB_SHIFT) this.#changed(0, EVERYTHING);
      else
        this.#changed((this.#starts[granule] as number) + (slotOf(at) << shift), 1 << (shift - PAGE_SHIFT));
    }
  }

  #isZero(at: number): boolean {
    const { words } = this.#arena;
    return words[at >>> 2] === 0 && words[(at >>> 2) + 1] === 0;
  }

  #changed(lo: number, pages: number): void {
    if (this.#changes.length === MOST_CHANGES) {
      this.#forgotten += MOST_CHANGES;
      this.#changes = [];
    }
    this.#changes.push({ lo, pages });
  }

  #adopt(page: number): number {
    const number = this.#free.pop() ?? this.#next++;
    if (number === this.#stores.length) this.#grow();
    this.#numbers[page] = number;
    const arenaPage = (page << PAGE_SHIFT) | 0;
    this.#ram.mark(arenaPage, MARK_TABLE);
    for (const tlb of this.#tlbs()) tlb.flushArenaPage(TLB_WRITE, arenaPage);
    return number;
  }

  #abandon(page: number): void {
    const number = this.#numbers[page] as number;
    this.#numbers[page] = 0;
    this.#shifts.fill(0, number * GRANULES, (number + 1) * GRANULES);
    this.#free.push(number);
    this.#ram.unmark((page << PAGE_SHIFT) | 0, MARK_TABLE);
  }

  #grow(): void {
    const [shifts, starts, stores] = [this.#shifts, this.#starts, this.#stores];
    this.#shifts = new Uint8Array(2 * shifts.length);
    this.#shifts.set(shifts);
    this.#starts = new Int32Array(2 * starts.length);
    this.#starts.set(starts);
    this.#stores = new Uint16Array(2 * stores.length);
    this.#stores.set(stores);
  }
}

/** The number of a slot in its granule. */
function slotOf(at: number): number {
  return (at >>> SLOT_SHIFT) & (GRANULE_SLOTS - 1);
}
