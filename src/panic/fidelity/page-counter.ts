/** Counts what became of every page of RAM, in pages of 4 KiB. */

import { hex64 } from '../../base/hex.ts';
import type { ChangeFact, FilteredKind, PageCounts, PageKind, WriterFact } from '../trace/index.ts';
import { differences, equalBytes, PAGE } from './differences.ts';
import type { LiveCounter } from './live-pages.ts';
import { holds, type Owners, type Range } from './owners.ts';

export type CounterInput = {
  readonly owners: Owners;
  readonly live: LiveCounter;
  readonly kindsKnown: boolean;
  readonly kindsUnknown?: string;
  readonly level?: number;
  /** What the kernel uses as memory; absent: all of it. */
  readonly owned?: readonly Range[];
  /** Who wrote the page first after T1. */
  readonly writerOf: (raddr: number) => WriterFact | undefined;
};

/** Blocks of zeros that are stored at one place: the first of them, all their pages, and whether there is more than one. */
type ZeroPlace = { readonly start: number; pages: number; shared: boolean; kept: PageKind[] };

const LOW = 0x10000;
const LISTED = 256;

export class PageCounter {
  readonly #input: CounterInput;
  readonly #filtered: Record<FilteredKind, number> = {
    zero: 0,
    cache: 0,
    private: 0,
    user: 0,
    free: 0,
    poisoned: 0,
    offline: 0,
    unknown: 0,
  };
  readonly #kept: Partial<Record<PageKind, number>> = {};
  /** Where blocks of zeros are stored, and what is there. */
  readonly #zeroPlaces: Map<number, ZeroPlace> = new Map();
  readonly #differing: ChangeFact[] = [];
  readonly #missingRanges: { start: number; end: number }[] = [];
  #total = 0;
  #equal = 0;
  #fromBackup = 0;
  #reservation = 0;
  #differingPages = 0;
  #missing = 0;
  #unowned = 0;

  constructor(input: CounterInput) {
    this.#input = input;
  }

  /** Pages that are in the dump, `differing` of them not as they were. */
  present(from: number, to: number, differing: number): void {
    const pages = (to - from) / PAGE;
    const low = Math.max(0, Math.min(to, LOW) - from) / PAGE;
    this.#total += pages;
    this.#fromBackup += low;
    this.#equal += pages - low;
    this.#differingPages += differing;
  }

  /** One of them that {@link present} counted as differing. */
  differs(raddr: number, was: Uint8Array, is: Uint8Array): void {
    if (raddr < LOW) this.#fromBackup--;
    else this.#equal--;
    if (this.#differing.length < LISTED)
      this.#differing.push(...differences(raddr, was, is, this.#input.owners, this.#input.writerOf(raddr)));
  }

  compared(at: number, was: Uint8Array, is: Uint8Array): void {
    const pages = Array.from({ length: was.length / PAGE }, (_, i) => i * PAGE).filter(
      (i) => !equalBytes(was.subarray(i, i + PAGE), is.subarray(i, i + PAGE)),
    );
    this.present(at, at + was.length, pages.length);
    for (const i of pages) this.differs(at + i, was.subarray(i, i + PAGE), is.subarray(i, i + PAGE));
  }

  /** A page in the dump that the level was to leave out. */
  kept(kind: PageKind): void {
    this.#kept[kind] = (this.#kept[kind] ?? 0) + 1;
  }

  /**
   * A page of zeros in the dump, in a block that is stored at `place`.
   * @param kept the kind for which the level was to leave it out; undefined: none
   */
  zero(
    raddr: number,
    place: { readonly offset: number; readonly block: number },
    kept: PageKind | undefined,
  ): void {
    const start = raddr - (raddr % place.block);
    const there = this.#zeroPlaces.get(place.offset) ?? { start, pages: 0, shared: false, kept: [] };
    this.#zeroPlaces.set(place.offset, there);
    there.pages++;
    if (there.start !== start) there.shared = true;
    // What is shared costs nothing, whatever it was kept for.
    if (there.shared) there.kept = [];
    else if (kept !== undefined) there.kept.push(kept);
  }

  filtered(kind: FilteredKind): void {
    this.#total++;
    this.#filtered[kind]++;
  }

  /** A page that a filter left out although the kernel used it, or although this level keeps its kind. */
  live(raddr: number, kind: PageKind | undefined): void {
    this.#total++;
    this.#input.live.add(raddr, kind);
  }

  /** Pages that the dump's headers do not mention. */
  absent(from: number, to: number): void {
    const { owners, owned } = this.#input;
    for (let at = from; at < to; at += PAGE) {
      if (holds(owners.reservation, at)) this.#reservation++;
      else if (owned !== undefined && !holds(owned, at)) this.#unowned++;
      else {
        this.missing(at, PAGE);
        continue;
      }
      this.#total++;
    }
  }

  missing(at: number, length: number): void {
    this.#total += length / PAGE;
    this.#missing += length / PAGE;
    const last = this.#missingRanges.at(-1);
    if (last?.end === at) last.end = at + length;
    else if (this.#missingRanges.length < LISTED) this.#missingRanges.push({ start: at, end: at + length });
  }

  result(): PageCounts {
    const { kindsKnown, kindsUnknown, level, live } = this.#input;
    const lost = live.result();
    const zeros = [...this.#zeroPlaces.values()];
    const zeroOnce = zeros.reduce((sum, { shared, pages }) => sum + (shared ? pages : 0), 0);
    for (const { kept } of zeros) for (const kind of kept) this.kept(kind);
    return {
      total: this.#total,
      equal: this.#equal,
      fromBackup: this.#fromBackup,
      reservation: this.#reservation,
      filtered: this.#filtered,
      kindsKnown,
      ...(kindsUnknown === undefined ? {} : { kindsUnknown }),
      ...(level === undefined ? {} : { level }),
      ...(lost === undefined ? {} : { live: lost }),
      ...(Object.keys(this.#kept).length === 0 ? {} : { kept: this.#kept }),
      ...(zeroOnce === 0 ? {} : { zeroOnce }),
      ...(this.#unowned === 0 ? {} : { unowned: this.#unowned }),
      differingPages: this.#differingPages,
      differing: this.#differing.slice(0, LISTED),
      missing: this.#missing,
      missingRanges: this.#missingRanges.map(({ start, end }) => ({
        raddr: hex64(start),
        bytes: end - start,
      })),
    };
  }
}
