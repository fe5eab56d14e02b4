/**
 * Compiles what is executed most: at the end of each portion of a slice (pauses.ts) it counts where the guest is, and where that
 * is often the same place it makes a region of the page (region.ts), whose entries' records then lead to its function.
 *
 * A guest cannot see it: regions count and leave as the interpreter does. They go when their code does: when it is stored to, when
 * a probe is set in it, and when the page is no longer code.
 */

import type { JitOptions } from '../../contract/index.ts';
import type { Arena } from '../../memory/arena.ts';
import { HANDLER_DECODE, HANDLER_REGION } from '../interpreter/handlers.ts';
import type { HelperFunctions } from '../interpreter/helper-functions.ts';
import { RECORD_SIZE } from '../interpreter/record.ts';
import { RegionTable } from '../interpreter/region-table.ts';
import type { CodePages } from './code-pages.ts';
import { findRegion, PAGE, type Region } from './region.ts';
import { buildRegion } from './region-code.ts';

/** A region and its function: `from` and `to` are the records that it was made of. */
type Made = {
  readonly slot: number;
  readonly region: Region;
  readonly index: number;
  readonly from: number;
  readonly to: number;
  /** Of its module. */
  readonly bytes: number;
};

/** Regions at once. */
const MOST_REGIONS = 4096;
/** Bytes of their modules at once. V8's code for them takes about ten times as much. */
const MOST_BYTES = 4 * 2 ** 20;
/** Places that are counted at once. */
const MOST_COUNTED = 65536;
export const DEFAULT_JIT: JitOptions = { threshold: 8 };
/** A region of fewer instructions gains nothing. */
const LEAST_INSTRUCTIONS = 3;

export class Jit {
  readonly table: WebAssembly.Table = new WebAssembly.Table({ element: 'anyfunc', initial: MOST_REGIONS });
  readonly #arena: Arena;
  readonly #code: CodePages;
  readonly #threshold: number;
  readonly #unexecuted: boolean;
  readonly #mostBytes: number;
  readonly #places: RegionTable;
  readonly #imports: { readonly env: Record<string, unknown> };
  readonly #counts = new Map<number, number>();
  readonly #passed = new Set<number>();
  /** Handlers that the records of entries had. */
  readonly #plain = new Map<number, number>();
  readonly #bySlot = new Map<number, Made[]>();
  /** All of them, the oldest first. */
  readonly #made = new Set<Made>();
  #bytes = 0;
  readonly #free: number[] = [];
  #next = 0;

  constructor(
    arena: Arena,
    code: CodePages,
    helpers: HelperFunctions,
    { threshold, unexecuted = false, bytes = MOST_BYTES }: JitOptions,
  ) {
    this.#arena = arena;
    this.#code = code;
    this.#threshold = threshold;
    this.#unexecuted = unexecuted;
    this.#mostBytes = bytes;
    this.#places = new RegionTable(arena);
    this.#imports = { env: { ...helpers, memory: arena.memory } };
    code.onDrop = (from, to) => this.#drop(from, to);
  }

  /** Arena address of the entries, as the interpreter takes it. */
  get entries(): number {
    return this.#places.base;
  }

  /** Of the modules of all regions. */
  get bytes(): number {
    return this.#bytes;
  }
  get regions(): number {
    return this.#made.size;
  }

  /** A portion ended at a record. */
  sample(record: number): void {
    if (this.#arena.view.getUint16(record, true) === HANDLER_REGION) return;
    const count = (this.#counts.get(record) ?? 0) + 1;
    if (count < this.#threshold) {
      if (this.#counts.size >= MOST_COUNTED) this.#counts.clear();
      this.#counts.set(record, count);
      return;
    }
    this.#counts.delete(record);
    this.#compile(record);
  }

  /** The handler of an entry's instruction itself. */
  plain(record: number): number {
    return this.#plain.get(record) ?? this.#code.probed(record).handler;
  }

  #compile(record: number): void {
    const page = this.#code.pageAt(record);
    if (page === undefined) return;
    const { slot, littleEndian } = page;
    const start = ((record - slot) / RECORD_SIZE) * 4;
    if (start >= PAGE) return;
    const wanted = (offset: number) =>
      this.#isWanted(this.#recordOf(slot, offset)) ? this.#code.instructionAt(slot, offset) : undefined;
    const region = findRegion(start, wanted, this.#passed.has(record));
    if (!region.entries.includes(start)) this.#pass(record);
    const size = region.blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
    if (size < LEAST_INSTRUCTIONS) return;
    const bytes = buildRegion(region, slot, { mode64: true, littleEndian });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), this.#imports);
    if (this.#made.size >= MOST_REGIONS || this.#bytes + bytes.length > this.#mostBytes) this.#makeRoom();
    const index = this.#take();
    this.table.set(index, instance.exports.run);
    const offsets = region.blocks.flatMap(({ instructions }) => instructions.map(({ offset }) => offset));
    const made: Made = {
      slot,
      region,
      index,
      from: this.#recordOf(slot, Math.min(...offsets)),
      to: this.#recordOf(slot, Math.max(...offsets)) + RECORD_SIZE,
      bytes: bytes.length,
    };
    this.#made.add(made);
    this.#bytes += bytes.length;
    const others = this.#bySlot.get(slot) ?? [];
    others.push(made);
    this.#bySlot.set(slot, others);
    for (const [entry, offset] of region.entries.entries())
      this.#enter(this.#recordOf(slot, offset), index, entry);
  }

  /** A region was made of a place where it is not entered; if it comes up again, it shall be. */
  #pass(record: number): void {
    if (this.#passed.size >= MOST_COUNTED) this.#passed.clear();
    this.#passed.add(record);
  }

  /** Whether it has been executed, as far as its record says: most of a page never is, and compiling takes time. */
  #isWanted(record: number): boolean {
    return this.#unexecuted || this.#arena.view.getUint16(record, true) !== HANDLER_DECODE;
  }

  #enter(record: number, index: number, entry: number): void {
    const { view } = this.#arena;
    if (view.getUint16(record, true) === HANDLER_REGION) return;
    // Its operands are needed where the region leaves it to its handler.
    if (!this.#code.decodeRecord(record)) return;
    const displaced = this.#places.set(record, index, entry);
    if (displaced !== undefined) this.#leaveEntry(displaced);
    this.#plain.set(record, view.getUint16(record, true));
    view.setUint16(record, HANDLER_REGION, true);
  }

  #take(): number {
    return this.#free.pop() ?? this.#next++;
  }

  /** The older half of all regions is given up: what is still executed comes back. */
  #makeRoom(): void {
    const half = this.#bytes / 2;
    for (const made of this.#made) {
      if (this.#bytes <= half) break;
      this.#remove(made.slot, (each) => each === made);
    }
  }

  /** Records from one address to another are no longer what they were. */
  #drop(from: number, to: number): void {
    const slot = this.#code.slotStart(from);
    this.#remove(slot, (made) => made.from < to && made.to > from);
  }

  /** Forgets some of a page's regions. */
  #remove(slot: number, isUnwanted: (made: Made) => boolean): void {
    const regions = this.#bySlot.get(slot);
    if (regions === undefined) return;
    const kept: Made[] = [];
    for (const made of regions) {
      if (isUnwanted(made)) this.#forget(made);
      else kept.push(made);
    }
    if (kept.length === 0) this.#bySlot.delete(slot);
    else this.#bySlot.set(slot, kept);
  }

  #forget(made: Made): void {
    const { slot, region, index, bytes } = made;
    for (const offset of region.entries) {
      const record = this.#recordOf(slot, offset);
      if (!this.#places.isOf(record, index)) continue;
      this.#places.clear(record);
      this.#leaveEntry(record);
    }
    this.#made.delete(made);
    this.#bytes -= bytes;
    this.table.set(index, null);
    this.#free.push(index);
  }

  /** The record is that of an instruction again. */
  #leaveEntry(record: number): void {
    this.#plain.delete(record);
    this.#code.undecode(record);
  }

  #recordOf(slot: number, offset: number): number {
    return slot + offset * (RECORD_SIZE / 4);
  }
}
