/**
 * Where the interpreter finds the region of an entry: 8 bytes an entry in the arena, by the entry's record: the record, then
 * the index of the region's function in the table and, in the low bits, the number of the entry. An entry may take another's place.
 */

import type { Arena } from '../../memory/arena.ts';
import { RECORD_SIZE } from './record.ts';

const PLACES = 131072;
const PLACE_BYTES = 8;
/** From a record's address to its place. */
export const REGION_ENTRY_SHIFT: number = Math.log2(RECORD_SIZE / PLACE_BYTES);
export const REGION_ENTRY_MASK: number = (PLACES - 1) * PLACE_BYTES;
export const REGION_ENTRIES_SHIFT = 8;
/** Entries that a region may have. */
export const REGION_ENTRIES: number = 1 << REGION_ENTRIES_SHIFT;

export class RegionTable {
  readonly #words: Int32Array;
  readonly base: number;

  constructor(arena: Arena) {
    this.#words = arena.words;
    this.base = arena.reserve(PLACES * PLACE_BYTES);
  }

  /** @returns the record of the entry that had the place; undefined where it was free, or the entry's own */
  set(record: number, index: number, entry: number): number | undefined {
    const at = this.#at(record);
    const there = this.#words[at] as number;
    this.#words[at] = record | 0;
    this.#words[at + 1] = (index << REGION_ENTRIES_SHIFT) | entry;
    return there === 0 || there === (record | 0) ? undefined : there >>> 0;
  }

  /** Whether the entry leads to the function of that index. */
  isOf(record: number, index: number): boolean {
    const at = this.#at(record);
    return (
      this.#words[at] === (record | 0) && (this.#words[at + 1] as number) >>> REGION_ENTRIES_SHIFT === index
    );
  }

  clear(record: number): void {
    this.#words[this.#at(record)] = 0;
  }

  #at(record: number): number {
    return (this.base + ((record >>> REGION_ENTRY_SHIFT) & REGION_ENTRY_MASK)) >>> 2;
  }
}
