/**
 * Decoded code by arena page. A slot holds one page's records (engine/interpreter/record.ts), decoded one instruction at a time as
 * they are reached, for one byte order; a page that runs in both has two. Stores to a page with code are seen before they happen and blank the records.
 */

import { assert } from '../../base/errors.ts';
import type { ProcessorModel } from '../cpu/processor.ts';
import { decode } from '../isa/index.ts';
import type { Arena } from '../memory/arena.ts';
import type { Ram } from '../memory/ram.ts';
import { TLB_WRITE, type Tlb } from '../mmu/tlb.ts';
import {
  HANDLER_DECODE,
  HANDLER_ILLEGAL,
  HANDLER_PAGE_END,
  HANDLER_PROBE,
  type Handler,
  handlerFor,
} from './interpreter/handlers.ts';
import { RECORD_SIZE, registerAddress, SLOT_BYTES } from './interpreter/record.ts';
import { RecordCache } from './interpreter/record-cache.ts';

/** The mark of pages with code; see Ram.mark. */
export const MARK_CODE = 1;

const DEAD = -1;
/**
 * Stores to a page before its code is given up and the page becomes plain data again: at first, and at the most. Each time the page is code
 * again it takes twice as many: what is freed and used for data is given up soon, what has both code and data is not decoded
 * over and over.
 */
const STORES_BEFORE_DROP = 32;
const MOST_STORES_BEFORE_DROP = 4096;

export class CodeCache {
  readonly #arena: Arena;
  readonly #ram: Ram;
  readonly #tlbs: () => readonly Tlb[];
  readonly #base: number;
  readonly #capacity: number;
  /** Slot number + 1 by arena page, in big-endian and in little-endian order; 0 for none. */
  readonly #slotsOf: readonly [Int32Array, Int32Array];
  /** Arena page by slot, or DEAD; byte order; stores seen. */
  readonly #page: Int32Array;
  readonly #littleEndian: Uint8Array;
  readonly #stores: Uint16Array;
  /** By arena page: stores that it takes before it is given up; 0 for {@link STORES_BEFORE_DROP}. */
  readonly #patience: Uint16Array;
  readonly #model: ProcessorModel;
  readonly #records: RecordCache;
  readonly #free: number[] = [];
  #next = 0;
  /** Slots given up while code may still run in them; freed by {@link settle}. */
  #condemned: number[] = [];
  /** Arena addresses of instructions whose execution is reported. */
  #probes: ReadonlySet<number> = new Set();
  /** Called when records from one address to another are given up, or are to be decoded in another way. */
  onDrop: ((from: number, to: number) => void) | undefined;
  /** Instructions decoded, for the counters. */
  decoded = 0;

  constructor(arena: Arena, ram: Ram, tlbs: () => readonly Tlb[], capacity: number, model: ProcessorModel) {
    this.#model = model;
    this.#arena = arena;
    this.#ram = ram;
    this.#tlbs = tlbs;
    this.#capacity = capacity;
    this.#base = arena.reserve(capacity * SLOT_BYTES);
    this.#records = new RecordCache(arena.words);
    const pages = Math.ceil(arena.size / 4096);
    this.#slotsOf = [new Int32Array(pages), new Int32Array(pages)];
    this.#page = new Int32Array(capacity).fill(DEAD);
    this.#littleEndian = new Uint8Array(capacity);
    this.#stores = new Uint16Array(capacity);
    this.#patience = new Uint16Array(pages);
  }

  /** The records of an arena page, for code of the byte order given. */
  slotFor(arenaPage: number, littleEndian: boolean): number {
    const slots = this.#slotsOf[littleEndian ? 1 : 0];
    const known = slots[arenaPage >>> 12] as number;
    if (known !== 0) return this.#address(known - 1);
    const slot = this.#take();
    this.#page[slot] = arenaPage;
    this.#littleEndian[slot] = littleEndian ? 1 : 0;
    this.#stores[slot] = 0;
    slots[arenaPage >>> 12] = slot + 1;
    const address = this.#address(slot);
    this.#arena.bytes.fill(0, address, address + SLOT_BYTES);
    this.#arena.view.setUint16(address + 1024 * RECORD_SIZE, HANDLER_PAGE_END, true);
    this.#ram.mark(arenaPage, MARK_CODE);
    for (const tlb of this.#tlbs()) tlb.flushArenaPage(TLB_WRITE, arenaPage);
    return address;
  }

  /**
   * Decodes the record at `address`.
   * @returns false when its page is no longer code: the address must be looked up again.
   */
  decodeRecord(address: number): boolean {
    const slot = this.#slotAt(address);
    const page = this.#page[slot] as number;
    if (page === DEAD) return false;
    const offset = ((address - this.#address(slot)) / RECORD_SIZE) * 4;
    const word = this.#arena.view.getInt32((page >>> 0) + offset, this.#littleEndian[slot] === 1);
    if (!this.#records.recall(word, address)) {
      this.#writeRecord(address, word, offset);
      this.#records.keep(word, address);
    }
    if (this.#probes.has((page >>> 0) + offset)) this.#arena.view.setUint16(address, HANDLER_PROBE, true);
    this.decoded++;
    return true;
  }

  /**
   * Replaces the probes. Their records are decoded again; the instructions themselves are not touched.
   * @param addresses arena addresses of instruction words.
   */
  setProbes(addresses: ReadonlySet<number>): void {
    const concerned = [...this.#probes, ...addresses];
    this.#probes = addresses;
    for (const at of concerned) {
      for (const slots of this.#slotsOf) {
        const slot = (slots[Math.floor(at / 4096)] as number) - 1;
        if (slot < 0) continue;
        const record = this.#address(slot) + ((at % 4096) >>> 2) * RECORD_SIZE;
        this.onDrop?.(record, record + RECORD_SIZE);
        this.undecode(record);
      }
    }
  }

  /** The record is decoded again when it is reached. */
  undecode(record: number): void {
    this.#arena.view.setUint16(record, HANDLER_DECODE, true);
  }

  /** The page of a record: its first record, and its byte order; undefined where it is no longer code. */
  pageAt(record: number): { readonly slot: number; readonly littleEndian: boolean } | undefined {
    const slot = this.#slotAt(record);
    return this.#page[slot] === DEAD
      ? undefined
      : { slot: this.#address(slot), littleEndian: this.#littleEndian[slot] === 1 };
  }

  /** The first record of a record's page. */
  slotStart(record: number): number {
    return this.#address(this.#slotAt(record));
  }

  /**
   * What stands at an offset of a page; undefined for no instruction of this processor, and where a probe is.
   * @param slot the page's first record
   */
  instructionAt(
    slot: number,
    offset: number,
  ): { readonly word: number; readonly handler: Handler } | undefined {
    const record = slot + (offset >>> 2) * RECORD_SIZE;
    const page = (this.#page[this.#slotAt(slot)] as number) >>> 0;
    if (this.#probes.has(page + offset)) return undefined;
    const word = this.wordAt(record);
    const handler = this.#handler(word, offset);
    return handler === undefined ? undefined : { word, handler };
  }

  /** What a probed record stands for: its handler, and the arena address of its word. */
  probed(address: number): { readonly handler: number; readonly word: number } {
    const slot = this.#slotAt(address);
    const offset = ((address - this.#address(slot)) / RECORD_SIZE) * 4;
    const handlerId = this.#handler(this.wordAt(address), offset)?.id ?? HANDLER_ILLEGAL;
    return { handler: handlerId, word: ((this.#page[slot] as number) >>> 0) + offset };
  }

  /** The instruction word that a record was decoded from. */
  wordAt(address: number): number {
    const slot = this.#slotAt(address);
    const page = this.#page[slot] as number;
    assert(page !== DEAD, 'a running record has a page');
    const offset = ((address - this.#address(slot)) / RECORD_SIZE) * 4;
    return this.#arena.view.getInt32((page >>> 0) + offset, this.#littleEndian[slot] === 1);
  }

  /** Bytes of a marked page are about to change. */
  written(arenaPage: number, offset: number, length: number): void {
    for (const slots of this.#slotsOf) {
      const known = slots[arenaPage >>> 12] as number;
      if (known !== 0) this.#writtenSlot(known - 1, offset, length);
    }
  }

  #writtenSlot(slot: number, offset: number, length: number): void {
    const stores = (this.#stores[slot] as number) + 1;
    this.#stores[slot] = stores;
    const page = (this.#page[slot] as number) >>> 12;
    const patience = this.#patience[page] || STORES_BEFORE_DROP;
    if (stores > patience) {
      this.#patience[page] = Math.min(2 * patience, MOST_STORES_BEFORE_DROP);
      this.#condemn(slot);
      return;
    }
    const from = this.#address(slot) + (offset >>> 2) * RECORD_SIZE;
    const to = this.#address(slot) + (((offset + length - 1) >>> 2) + 1) * RECORD_SIZE;
    this.onDrop?.(from, to);
    this.#arena.bytes.fill(HANDLER_DECODE, from, Math.min(to, this.#address(slot) + 1024 * RECORD_SIZE));
  }

  /** To be called while no compiled code runs: makes given-up slots usable again. */
  settle(): void {
    if (this.#condemned.length === 0) return;
    this.#free.push(...this.#condemned);
    this.#condemned = [];
  }

  /** Forgets everything; only while no compiled code runs. */
  clear(): void {
    for (let slot = 0; slot < this.#next; slot++) if (this.#page[slot] !== DEAD) this.#condemn(slot);
    this.#patience.fill(0);
    this.settle();
  }

  get slotsInUse(): number {
    return this.#next - this.#free.length;
  }

  #take(): number {
    const reused = this.#free.pop();
    if (reused !== undefined) return reused;
    // Every slot is taken: all are given up, and code that runs continues. This is rare: a kernel and its programs need some
    // thousands.
    if (this.#next === this.#capacity) {
      for (let slot = 0; slot < this.#capacity; slot++) if (this.#page[slot] !== DEAD) this.#condemn(slot);
      this.settle();
      return this.#free.pop() as number;
    }
    return this.#next++;
  }

  #condemn(slot: number): void {
    const page = this.#page[slot] as number;
    const [big, little] = this.#slotsOf;
    (this.#littleEndian[slot] === 1 ? little : big)[page >>> 12] = 0;
    this.#page[slot] = DEAD;
    const address = this.#address(slot);
    this.onDrop?.(address, address + SLOT_BYTES);
    this.#arena.bytes.fill(HANDLER_DECODE, address, address + 1024 * RECORD_SIZE);
    // The page may be code in the other order still.
    if (big[page >>> 12] === 0 && little[page >>> 12] === 0) this.#ram.unmark(page, MARK_CODE);
    for (const tlb of this.#tlbs()) tlb.flushCode(address);
    this.#condemned.push(slot);
  }

  #address(slot: number): number {
    return this.#base + slot * SLOT_BYTES;
  }
  #slotAt(address: number): number {
    return Math.floor((address - this.#base) / SLOT_BYTES);
  }

  /** Undefined for a word that the processor does not have, or that is of an invalid form. */
  #handler(word: number, pageOffset: number): Handler | undefined {
    const row = decode(word, this.#model.isa);
    return row === undefined || row.invalid?.(word) === true
      ? undefined
      : handlerFor(row, word, pageOffset, this.#model.withoutSprs);
  }

  #writeRecord(address: number, word: number, pageOffset: number): void {
    const view = this.#arena.view;
    const handler = this.#handler(word, pageOffset);
    if (handler === undefined) {
      view.setUint16(address, HANDLER_ILLEGAL, true);
      return;
    }
    for (const operand of handler.row.operands) {
      const place = handler.layout.get(operand.name);
      assert(place !== undefined, `operand ${operand.name} has a place`);
      const value = operand.extract(word);
      const at = address + place.offset;
      if (place.width === 64) view.setBigInt64(at, BigInt.asIntN(64, BigInt(value)), true);
      else if (place.width === 16) view.setUint16(at, registerAddress(operand.kind, Number(value)), true);
      else {
        // A near branch holds a distance in records: four bytes of code are sixteen of records.
        const near = handler.near && (operand.name === 'LI' || operand.name === 'BD');
        view.setInt32(at, near ? Number(value) * 4 : Number(value), true);
      }
    }
    view.setUint16(address, handler.id, true);
  }
}
