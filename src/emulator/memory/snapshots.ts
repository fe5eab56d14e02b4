/**
 * Memory as it was at instants: copy before write. At an instant every page is marked; the first write to a page after it
 * keeps the old 4 KiB, outside of the arena, and notes who writes. A page that is never written costs nothing, a page that
 * was made after the instant was zeros. Snapshots that need the same copy share it.
 *
 * Left out: every write. A page that had bytes other than zero is watched for {@link LOOKS} writes, one that was zeros for
 * one; then it is written at full speed again, and the last writer known is not the last one.
 */

import { assert } from '../../base/errors.ts';
import { type Arena, PAGE_SIZE } from './arena.ts';
import { OutsideMemory } from './contract.ts';
import type { Ram } from './ram.ts';

/** The mark of pages whose next write must be reported; see Ram.mark. */
export const MARK_SNAPSHOT = 8;
const ZEROS = new Uint8Array(PAGE_SIZE);
/** Writes to a page that are reported, one by one. */
const LOOKS = 8;
/** Pages that are listed at once: a list of all could be as long as memory has pages. */
export const CHANGES_AT_ONCE = 8192;

/** Who writes: the vCPU's instruction, a device, the hypervisor, or damage done on purpose. */
export type PageWriter = {
  readonly by: 'cpu' | 'device' | 'hypervisor' | 'fault';
  /** Logical index; -1 where no vCPU was running. */
  readonly cpu: number;
  /** Effective address of the instruction; of the one that called for it, where it was not the vCPU; 0 for none. */
  readonly nia: bigint;
  /** The partition's instruction count. */
  readonly insn: number;
};

/** A page that was written after an instant; `last` is of the time before the next instant. */
export type WrittenPage = {
  /** Real address, a multiple of 4096. */
  readonly raddr: number;
  readonly first: PageWriter;
  /** The last one that was reported. */
  readonly last: PageWriter;
  /** Whether nothing wrote it after `last`. */
  readonly lastIsSure: boolean;
};

type Kept = {
  /** The page as it was; undefined: zeros. */
  readonly bytes: Uint8Array | undefined;
  readonly first: PageWriter;
  last: PageWriter;
  writes: number;
};

export class MemorySnapshots {
  readonly #ram: Ram;
  readonly #arena: Arena;
  readonly #writer: () => PageWriter;
  /** Makes vCPUs ask before their next store to any page. */
  readonly #dropWriteEntries: () => void;
  /** In order of their instants; by real address of the page. */
  readonly #snapshots = new Map<string, Map<number, Kept>>();
  #newest: Map<number, Kept> | undefined;

  constructor(ram: Ram, arena: Arena, writer: () => PageWriter, dropWriteEntries: () => void) {
    this.#ram = ram;
    this.#arena = arena;
    this.#writer = writer;
    this.#dropWriteEntries = dropWriteEntries;
  }

  /** Keeps memory as of now. Also while compiled code runs: before an instruction of it. */
  take(name: string): void {
    assert(!this.#snapshots.has(name), 'an instant comes once');
    this.#newest = new Map();
    this.#snapshots.set(name, this.#newest);
    this.#ram.markAll(MARK_SNAPSHOT);
    this.#dropWriteEntries();
  }

  has(name: string): boolean {
    return this.#snapshots.has(name);
  }

  /** Forgets every snapshot. */
  clear(): void {
    if (this.#snapshots.size === 0) return;
    this.#snapshots.clear();
    this.#newest = undefined;
    this.#ram.unmarkAll(MARK_SNAPSHOT);
  }

  /** A marked page is about to be written. */
  written(arenaPage: number): void {
    const newest = this.#newest;
    if (newest === undefined || !this.#ram.isMarkedBy(arenaPage, MARK_SNAPSHOT)) return;
    const raddr = this.#ram.realAddressOf(arenaPage);
    const writer = this.#writer();
    const known = newest.get(raddr);
    if (known !== undefined) {
      known.last = writer;
      if (++known.writes >= LOOKS) this.#ram.unmark(arenaPage, MARK_SNAPSHOT);
      return;
    }
    const at = arenaPage >>> 0;
    const bytes = isZero(this.#arena, at) ? undefined : this.#arena.bytes.slice(at, at + PAGE_SIZE);
    for (const kept of this.#snapshots.values())
      if (!kept.has(raddr)) kept.set(raddr, { bytes, first: writer, last: writer, writes: 1 });
    if (bytes === undefined) this.#ram.unmark(arenaPage, MARK_SNAPSHOT);
  }

  /** Memory as it was. @throws OutsideMemory; Error where there was no such instant */
  read(name: string, raddr: number, length: number): Uint8Array {
    const kept = this.#get(name);
    if (!this.#ram.isRam(raddr, length)) throw new OutsideMemory(raddr, length);
    const out = this.#ram.read(raddr, length);
    for (let at = raddr - (raddr % PAGE_SIZE); at < raddr + length; at += PAGE_SIZE) {
      const page = kept.get(at);
      if (page === undefined) continue;
      const from = Math.max(at, raddr);
      const to = Math.min(at + PAGE_SIZE, raddr + length);
      if (page.bytes === undefined) out.fill(0, from - raddr, to - raddr);
      else out.set(page.bytes.subarray(from - at, to - at), from - raddr);
    }
    return out;
  }

  /** The pages (real addresses) of memory as it was that are not zeros; both ends are pages' ends. Pages that nothing wrote are not looked at. @throws as {@link read} */
  notZero(name: string, raddr: number, length: number): number[] {
    const kept = this.#get(name);
    if (!this.#ram.isRam(raddr, length)) throw new OutsideMemory(raddr, length);
    const out: number[] = [];
    for (let at = raddr; at < raddr + length; at += PAGE_SIZE) {
      const page = kept.get(at);
      if (page !== undefined) {
        // A page that was zeros is kept without bytes.
        if (page.bytes !== undefined) out.push(at);
        continue;
      }
      const from = this.#ram.locateForRead(at);
      if (this.#ram.isZeroPage(from)) continue;
      if (Buffer.compare(this.#arena.bytes.subarray(from, from + PAGE_SIZE), ZEROS) !== 0) out.push(at);
    }
    return out;
  }

  /** The pages (real addresses) of memory as it was that differ from `bytes`; both ends are pages' ends. @throws as {@link read} */
  differing(name: string, raddr: number, bytes: Uint8Array): number[] {
    const kept = this.#get(name);
    if (!this.#ram.isRam(raddr, bytes.length)) throw new OutsideMemory(raddr, bytes.length);
    const out: number[] = [];
    for (let done = 0; done < bytes.length; done += PAGE_SIZE) {
      const page = kept.get(raddr + done);
      const from = this.#ram.locateForRead(raddr + done);
      const then =
        page === undefined ? this.#arena.bytes.subarray(from, from + PAGE_SIZE) : (page.bytes ?? ZEROS);
      if (Buffer.compare(then, bytes.subarray(done, done + PAGE_SIZE)) !== 0) out.push(raddr + done);
    }
    return out;
  }

  /**
   * The first {@link CHANGES_AT_ONCE} pages from an address on that were written after the instant, by address.
   * @throws Error where there was no such instant
   */
  changes(name: string, from = 0): readonly WrittenPage[] {
    const kept = this.#get(name);
    const pages = Float64Array.from(kept.keys()).sort();
    const start = pages.findIndex((raddr) => raddr >= from);
    if (start < 0) return [];
    return Array.from(pages.subarray(start, start + CHANGES_AT_ONCE), (raddr) => {
      const { bytes, first, last, writes } = kept.get(raddr) as Kept;
      return { raddr, first, last, lastIsSure: bytes !== undefined && writes < LOOKS };
    });
  }

  #get(name: string): Map<number, Kept> {
    const kept = this.#snapshots.get(name);
    if (kept === undefined) throw new Error(`memory was not kept at ${name}`);
    return kept;
  }
}

function isZero(arena: Arena, page: number): boolean {
  for (let word = page >>> 2; word < (page >>> 2) + PAGE_SIZE / 4; word++)
    if (arena.words[word] !== 0) return false;
  return true;
}
