/**
 * A partition's RAM: a map from guest pages to arena pages, filled as pages are first written.
 *
 * Pages that compiled code must not write unseen (they hold translated code, or a parked vCPU waits for them) are
 * marked; writers ask {@link Ram.beforeWrite} first.
 */

import { assert } from '../../base/errors.ts';
import { type Arena, PAGE_SIZE } from './arena.ts';
import { type GuestMemory, type MemoryRange, OutsideMemory } from './contract.ts';

/** Called before each write to a marked page. */
export type WriteObserver = (arenaPage: number, offset: number, length: number) => void;

const PAGE_MASK = PAGE_SIZE - 1;

export class Ram implements GuestMemory {
  readonly ranges: readonly MemoryRange[];
  readonly #arena: Arena;
  /** One entry a guest page of all ranges in order: the arena page's address, or 0 while unwritten. */
  readonly #map: Int32Array;
  readonly #starts: readonly number[];
  /** One byte an arena page: non-zero where writers must ask. */
  readonly #marks: Uint8Array;
  /** One entry an arena page: which guest page it is (index in {@link #map}), plus one; 0 for none. */
  readonly #guestOf: Int32Array;
  /** Marks of pages that are made from now on. */
  #marksOfNew = 0;
  /** Whether the write that is asked for is a device's or the hypervisor's. */
  #byHost = false;
  readonly #observers: WriteObserver[] = [];
  #madeObserver: () => void = () => undefined;
  /** Stands for every page that nothing has written: never written itself. */
  readonly #zeroPage: number;
  /** The part of the first range whose addresses fit 32 bits: found without a search. */
  readonly #firstSize: number;

  constructor(arena: Arena, ranges: readonly MemoryRange[]) {
    let pages = 0;
    const starts: number[] = [];
    let end = 0;
    for (const range of ranges) {
      assert(
        range.base >= end && range.base % 65536 === 0 && range.size % 65536 === 0,
        'RAM ranges ascend in 64 KiB units',
      );
      starts.push(pages);
      pages += range.size / PAGE_SIZE;
      end = range.base + range.size;
    }
    this.ranges = ranges;
    this.#arena = arena;
    this.#starts = starts;
    this.#firstSize = Math.min(ranges[0]?.base === 0 ? (ranges[0]?.size ?? 0) : 0, 2 ** 32);
    this.#map = new Int32Array(pages);
    this.#zeroPage = arena.reserve(PAGE_SIZE);
    this.#marks = new Uint8Array(Math.ceil(arena.size / PAGE_SIZE));
    this.#guestOf = new Int32Array(this.#marks.length);
  }

  /** Observers are called in order of registration. */
  observeWrites(observer: WriteObserver): void {
    this.#observers.push(observer);
  }

  /** Called after a page was made: holders of the zero page's address may hold it for this one. */
  observePages(observer: () => void): void {
    this.#madeObserver = observer;
  }

  /** Bytes of RAM that have been written. */
  get resident(): number {
    return this.#map.reduce((n, page) => n + (page === 0 ? 0 : PAGE_SIZE), 0);
  }

  /** The arena address of a byte of RAM, making its page; -1 outside RAM. The address is valid up to the end of its 4 KiB page. */
  locate(raddr: number): number {
    const index = this.#pageIndex(raddr);
    if (index < 0) return -1;
    let page = this.#map[index] as number;
    if (page === 0) {
      page = this.#arena.allocatePage() | 0;
      this.#map[index] = page;
      this.#guestOf[page >>> 12] = index + 1;
      this.#marks[page >>> 12] = this.#marksOfNew;
      this.#madeObserver();
    }
    return (page >>> 0) + (raddr & PAGE_MASK);
  }

  /** As {@link locate}, to read only: a page that nothing has written is the zero page until it is made. */
  locateForRead(raddr: number): number {
    const index = this.#pageIndex(raddr);
    if (index < 0) return -1;
    const page = (this.#map[index] as number) >>> 0;
    return (page === 0 ? this.#zeroPage : page) + (raddr & PAGE_MASK);
  }

  /** Whether an address of {@link locateForRead} is good only until the next page is made. */
  isZeroPage(address: number): boolean {
    return address - (address % PAGE_SIZE) === this.#zeroPage;
  }

  /** Whether compiled code may write this arena page without asking. */
  isMarked(arenaPage: number): boolean {
    return this.#marks[arenaPage >>> 12] !== 0;
  }
  mark(arenaPage: number, bit: number): void {
    (this.#marks[arenaPage >>> 12] as number) |= bit;
  }
  unmark(arenaPage: number, bit: number): void {
    (this.#marks[arenaPage >>> 12] as number) &= ~bit;
  }

  isMarkedBy(arenaPage: number, bit: number): boolean {
    return ((this.#marks[arenaPage >>> 12] as number) & bit) !== 0;
  }
  /** Marks every page, those that are made later among them. The caller drops TLB entries. */
  markAll(bit: number): void {
    this.#marksOfNew |= bit;
    for (const page of this.#map) if (page !== 0) (this.#marks[page >>> 12] as number) |= bit;
  }
  unmarkAll(bit: number): void {
    this.#marksOfNew &= ~bit;
    for (const page of this.#map) if (page !== 0) (this.#marks[page >>> 12] as number) &= ~bit;
  }

  /** The real address of an arena page; -1 where it is no page of RAM. */
  realAddressOf(arenaPage: number): number {
    const index = (this.#guestOf[arenaPage >>> 12] as number) - 1;
    if (index < 0) return -1;
    for (let i = this.ranges.length - 1; i >= 0; i--) {
      const start = this.#starts[i] as number;
      if (index >= start) return (this.ranges[i] as MemoryRange).base + (index - start) * PAGE_SIZE;
    }
    return -1;
  }

  /** While an observer is called: whether a device or the hypervisor writes, rather than an instruction of the guest. */
  get byHost(): boolean {
    return this.#byHost;
  }

  /** To be called before a store to `[address, address + length)` of one arena page. */
  beforeWrite(address: number, length: number): void {
    const page = address - (address % PAGE_SIZE);
    if (this.#marks[page >>> 12] === 0) return;
    for (const each of this.#observers) each(page, address % PAGE_SIZE, length);
  }

  /**
   * Gives every page back; RAM reads as zeros afterwards. The last one is given back first: those that are made again in
   * ascending order then lie together in the arena.
   */
  clear(): void {
    for (let i = this.#map.length - 1; i >= 0; i--) {
      const page = (this.#map[i] as number) >>> 0;
      if (page === 0) continue;
      this.#marks[page >>> 12] = 0;
      this.#guestOf[page >>> 12] = 0;
      this.#arena.freePage(page);
    }
    this.#marksOfNew = 0;
    this.#map.fill(0);
  }

  isRam(raddr: number, length: number): boolean {
    return this.ranges.some(
      (each) => raddr >= each.base && length <= each.size && raddr - each.base <= each.size - length,
    );
  }

  read(raddr: number, length: number): Uint8Array {
    const out = new Uint8Array(this.#checked(raddr, length));
    this.readInto(raddr, out);
    return out;
  }

  readInto(raddr: number, target: Uint8Array): void {
    this.#checked(raddr, target.length);
    for (let done = 0; done < target.length; ) {
      const at = raddr + done;
      const run = Math.min(PAGE_SIZE - (at % PAGE_SIZE), target.length - done);
      const from = this.locateForRead(at);
      target.set(this.#arena.bytes.subarray(from, from + run), done);
      done += run;
    }
  }

  write(raddr: number, bytes: Uint8Array): void {
    this.#checked(raddr, bytes.length);
    this.#eachRun(raddr, bytes.length, (address, done, run) =>
      this.#arena.bytes.set(bytes.subarray(done, done + run), address),
    );
  }

  /**
   * Has `write` fill a range of RAM itself, without a copy of it: `target` is the part `done` bytes on, which is as long as pages lie
   * together in the arena. Where `write` throws, a part may be written. @throws OutsideMemory
   */
  writeInPlace(raddr: number, length: number, write: (target: Uint8Array, done: number) => void): void {
    this.#checked(raddr, length);
    let from = 0;
    let start = 0;
    let end = 0;
    const flush = (): void => {
      if (end > start) write(this.#arena.bytes.subarray(start, end), from);
    };
    this.#eachRun(raddr, length, (address, done, run) => {
      if (address !== end) {
        flush();
        [from, start] = [done, address];
      }
      end = address + run;
    });
    flush();
  }

  fill(raddr: number, length: number, byte: number): void {
    this.#checked(raddr, length);
    this.#eachRun(raddr, length, (address, _done, run) =>
      this.#arena.bytes.fill(byte, address, address + run),
    );
  }

  readU8(raddr: number): number {
    return this.#arena.view.getUint8(this.#within(raddr, 1));
  }
  readU16(raddr: number, littleEndian: boolean): number {
    return this.#crosses(raddr, 2)
      ? this.#split(raddr, 2).getUint16(0, littleEndian)
      : this.#arena.view.getUint16(this.#within(raddr, 2), littleEndian);
  }
  readU32(raddr: number, littleEndian: boolean): number {
    return this.#crosses(raddr, 4)
      ? this.#split(raddr, 4).getUint32(0, littleEndian)
      : this.#arena.view.getUint32(this.#within(raddr, 4), littleEndian);
  }
  readU64(raddr: number, littleEndian: boolean): bigint {
    return this.#crosses(raddr, 8)
      ? this.#split(raddr, 8).getBigUint64(0, littleEndian)
      : this.#arena.view.getBigUint64(this.#within(raddr, 8), littleEndian);
  }
  writeU8(raddr: number, value: number): void {
    this.#put(raddr, 1, (view) => view.setUint8(0, value));
  }
  writeU16(raddr: number, value: number, littleEndian: boolean): void {
    this.#put(raddr, 2, (view) => view.setUint16(0, value, littleEndian));
  }
  writeU32(raddr: number, value: number, littleEndian: boolean): void {
    this.#put(raddr, 4, (view) => view.setUint32(0, value, littleEndian));
  }
  writeU64(raddr: number, value: bigint, littleEndian: boolean): void {
    this.#put(raddr, 8, (view) => view.setBigUint64(0, BigInt.asUintN(64, value), littleEndian));
  }

  #pageIndex(raddr: number): number {
    if (raddr < this.#firstSize) return raddr >>> 12;
    for (let i = 0; i < this.ranges.length; i++) {
      const range = this.ranges[i] as MemoryRange;
      const offset = raddr - range.base;
      if (offset >= 0 && offset < range.size)
        return (this.#starts[i] as number) + Math.floor(offset / PAGE_SIZE);
    }
    return -1;
  }

  #checked(raddr: number, length: number): number {
    if (!this.isRam(raddr, length)) throw new OutsideMemory(raddr, length);
    return length;
  }
  #within(raddr: number, length: number): number {
    this.#checked(raddr, length);
    return this.locateForRead(raddr);
  }
  #crosses(raddr: number, length: number): boolean {
    return (raddr % PAGE_SIZE) + length > PAGE_SIZE;
  }
  #split(raddr: number, length: number): DataView {
    const bytes = this.read(raddr, length);
    return new DataView(bytes.buffer);
  }
  #put(raddr: number, length: number, set: (view: DataView) => void): void {
    const bytes = new Uint8Array(length);
    set(new DataView(bytes.buffer));
    this.write(raddr, bytes);
  }
  #eachRun(raddr: number, length: number, act: (address: number, done: number, run: number) => void): void {
    for (let done = 0; done < length; ) {
      const at = raddr + done;
      const run = Math.min(PAGE_SIZE - (at % PAGE_SIZE), length - done);
      const address = this.locate(at);
      this.#byHost = true;
      this.beforeWrite(address, run);
      this.#byHost = false;
      act(address, done, run);
      done += run;
    }
  }
}
