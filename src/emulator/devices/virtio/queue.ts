/**
 * One split virtqueue, from the device's side.
 * Source: VIRTIO 1.1 §2.6 (rings, indirect descriptors, used buffer notification suppression).
 * Everything in the rings comes from the guest and is checked: a queue that breaks the rules answers `broken`, and its
 * device asks for a reset. Left out: packed rings, in-order use, queues without VIRTIO_F_VERSION_1 (big-endian ones).
 */

import type { GuestMemory } from '../../memory/contract.ts';
import * as R from './registers.ts';

/** A guest buffer: wholly RAM. */
export type Segment = { readonly raddr: number; readonly length: number };

/** One request: what the device may read, then what it may write, each in order. Sizes in bytes. */
export type Chain = {
  readonly head: number;
  readonly readable: readonly Segment[];
  readonly writable: readonly Segment[];
  readonly readableBytes: number;
  readonly writableBytes: number;
  /** How many descriptors were read, those of empty buffers too. */
  readonly descriptors: number;
};

export type Popped =
  | { readonly kind: 'chain'; readonly chain: Chain }
  | { readonly kind: 'empty' }
  | { readonly kind: 'broken'; readonly why: string };

/** The ring features that the driver accepted. */
export type RingFeatures = { readonly indirect: boolean; readonly eventIndex: boolean };

/** More than a driver makes for these devices (Linux: seg_max + 2), and few enough to walk at once. */
const MAX_DESCRIPTORS = 1024;

type Descriptor = {
  readonly raddr: number;
  readonly length: number;
  readonly flags: number;
  readonly next: number;
};

export class SplitQueue {
  readonly maxSize: number;
  size: number;
  vector: number = R.NO_VECTOR;
  enabled = false;
  /** Guest-physical addresses as the driver wrote them, 64 bits. */
  descriptors = 0n;
  driver = 0n;
  device = 0n;
  readonly #memory: GuestMemory;
  #nextAvailable = 0;
  #nextUsed = 0;
  #signalledUsed = 0;

  constructor(memory: GuestMemory, maxSize: number) {
    this.#memory = memory;
    this.maxSize = maxSize;
    this.size = maxSize;
  }

  reset(): void {
    this.size = this.maxSize;
    this.vector = R.NO_VECTOR;
    this.enabled = false;
    this.descriptors = 0n;
    this.driver = 0n;
    this.device = 0n;
    this.#nextAvailable = 0;
    this.#nextUsed = 0;
    this.#signalledUsed = 0;
  }

  /** @returns what is wrong with the driver's set-up of this queue, or undefined when it can be used. */
  fault(): string | undefined {
    if (this.size === 0 || this.size > this.maxSize || (this.size & (this.size - 1)) !== 0)
      return `queue size ${this.size}`;
    const parts: [string, bigint, number, bigint][] = [
      ['descriptor table', this.descriptors, R.DESC_SIZE * this.size, 16n],
      ['available ring', this.driver, 6 + 2 * this.size, 2n],
      ['used ring', this.device, 6 + 8 * this.size, 4n],
    ];
    for (const [name, address, length, alignment] of parts) {
      if (address % alignment !== 0n) return `${name} is not aligned`;
      if (!this.#isRam(address, length)) return `${name} is not in memory`;
    }
    return undefined;
  }

  /** Requests that the driver has made available and that are not taken yet. */
  get waiting(): number {
    if (!this.enabled || this.fault() !== undefined) return 0;
    return (this.#memory.readU16(Number(this.driver) + 2, true) - this.#nextAvailable) & 0xffff;
  }

  /** The next available request. */
  pop(features: RingFeatures): Popped {
    const driver = Number(this.driver);
    const available = this.#memory.readU16(driver + 2, true);
    const waiting = (available - this.#nextAvailable) & 0xffff;
    if (waiting === 0) return { kind: 'empty' };
    if (waiting > this.size)
      return { kind: 'broken', why: `available index ${available} is ${waiting} ahead` };
    const head = this.#memory.readU16(driver + 4 + 2 * (this.#nextAvailable % this.size), true);
    const chain = this.#walk(head, features);
    if (chain.kind === 'chain') this.#nextAvailable = (this.#nextAvailable + 1) & 0xffff;
    return chain;
  }

  /** Gives a request back. `written` bytes from the start of its writable part hold what the device wrote. */
  push(chain: Chain, written: number): void {
    const device = Number(this.device);
    const entry = device + 4 + 8 * (this.#nextUsed % this.size);
    this.#memory.writeU32(entry, chain.head, true);
    this.#memory.writeU32(entry + 4, written, true);
    this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
    this.#memory.writeU16(device + 2, this.#nextUsed, true);
  }

  /** Writes for the driver at which available index it must notify next; without event indices it always notifies. */
  requestNotification(features: RingFeatures): void {
    if (features.eventIndex)
      this.#memory.writeU16(Number(this.device) + 4 + 8 * this.size, this.#nextAvailable, true);
  }

  /** Whether the driver wants an interrupt for what was pushed since the last call. §2.6.7. */
  wantsInterrupt(features: RingFeatures): boolean {
    const before = this.#signalledUsed;
    this.#signalledUsed = this.#nextUsed;
    if (before === this.#nextUsed) return false;
    const driver = Number(this.driver);
    if (!features.eventIndex) return (this.#memory.readU16(driver, true) & R.AVAIL_NO_INTERRUPT) === 0;
    const event = this.#memory.readU16(driver + 4 + 2 * this.size, true);
    return ((this.#nextUsed - event - 1) & 0xffff) < ((this.#nextUsed - before) & 0xffff);
  }

  #walk(head: number, features: RingFeatures): Popped {
    const readable: Segment[] = [];
    const writable: Segment[] = [];
    let table = { bytes: undefined as Uint8Array | undefined, count: this.size };
    let index = head;
    let steps = 0;
    let descriptors = 0;
    for (;;) {
      if (index >= table.count) return broken(`descriptor ${index} of ${table.count}`);
      if (++steps > table.count) return broken('descriptor loop');
      descriptors++;
      const bytes =
        table.bytes ?? this.#memory.read(Number(this.descriptors) + index * R.DESC_SIZE, R.DESC_SIZE);
      const entry = descriptor(bytes, table.bytes === undefined ? 0 : index * R.DESC_SIZE);
      if (entry === undefined) return broken('address beyond 2^53');
      if ((entry.flags & R.DESC_INDIRECT) !== 0) {
        const count = entry.length / R.DESC_SIZE;
        if (!features.indirect || table.bytes !== undefined || (entry.flags & R.DESC_NEXT) !== 0)
          return broken('indirect descriptor where none may be');
        if (count === 0 || count > MAX_DESCRIPTORS || !Number.isInteger(count))
          return broken(`indirect table of ${entry.length} bytes`);
        if (!this.#memory.isRam(entry.raddr, entry.length)) return broken('indirect table outside memory');
        table = { bytes: this.#memory.read(entry.raddr, entry.length), count };
        index = 0;
        steps = 0;
        continue;
      }
      if (entry.length > 0) {
        if (!this.#memory.isRam(entry.raddr, entry.length)) return broken('buffer outside memory');
        const write = (entry.flags & R.DESC_WRITE) !== 0;
        if (!write && writable.length > 0) return broken('readable buffer after a writable one');
        (write ? writable : readable).push({ raddr: entry.raddr, length: entry.length });
        if (readable.length + writable.length > MAX_DESCRIPTORS) return broken('chain too long');
      }
      if ((entry.flags & R.DESC_NEXT) === 0) break;
      index = entry.next;
    }
    const chain = {
      head,
      readable,
      writable,
      readableBytes: total(readable),
      writableBytes: total(writable),
      descriptors,
    };
    return { kind: 'chain', chain };
  }

  #isRam(address: bigint, length: number): boolean {
    return address <= BigInt(Number.MAX_SAFE_INTEGER - length) && this.#memory.isRam(Number(address), length);
  }
}

function broken(why: string): Popped {
  return { kind: 'broken', why };
}

function total(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.length, 0);
}

function descriptor(bytes: Uint8Array, at: number): Descriptor | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, R.DESC_SIZE);
  const raddr = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  const length = view.getUint32(8, true);
  if (raddr + length > Number.MAX_SAFE_INTEGER) return undefined;
  return { raddr, length, flags: view.getUint16(12, true), next: view.getUint16(14, true) };
}
