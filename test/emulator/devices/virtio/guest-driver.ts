/**
 * A driver as Linux's pseries PCI and virtio-blk code behaves, on fake memory: configuration space by RTAS, BARs sized
 * and placed, MSI-X by ibm,change-msi, a split queue with or without indirect descriptors.
 */

import type { BlockStore } from '../../../../src/emulator/devices/contract.ts';
import type { BlockObserver } from '../../../../src/emulator/devices/virtio/index.ts';
import { VirtioBlock, VirtioPci } from '../../../../src/emulator/devices/virtio/index.ts';
import type { FirmwareVcpu } from '../../../../src/emulator/platform/contract/contract.ts';
import {
  PCI_WINDOWS,
  PciHostBridge,
  PHB_BUID,
  pciRtasFamily,
} from '../../../../src/emulator/platform/pci/index.ts';
import { FakeClock, FakeInterrupts, FakeMemory, Reports } from './fakes.ts';

export const F_VERSION_1: bigint = 1n << 32n;
export const F_INDIRECT: bigint = 1n << 28n;
export const F_EVENT_IDX: bigint = 1n << 29n;
export const NO_VECTOR = 0xffff;

type Size = 1 | 2 | 4 | 8;

/** A machine with disks on its PCI bus and nothing else. */
export class Machine {
  readonly memory: FakeMemory;
  readonly clock: FakeClock = new FakeClock();
  readonly interrupts: FakeInterrupts = new FakeInterrupts();
  readonly reports: Reports = new Reports();
  readonly bridge: PciHostBridge;
  readonly disks: VirtioPci[] = [];

  constructor(memoryBytes = 0x400000) {
    this.memory = new FakeMemory(memoryBytes);
    this.bridge = new PciHostBridge({ allocate: this.interrupts.allocate, unsupported: this.reports.report });
  }

  addDisk(
    slot: number,
    store: BlockStore,
    observer: BlockObserver = {},
    onDeferred: () => void = () => undefined,
  ): VirtioPci {
    const { memory, clock } = this;
    const unsupported = this.reports.report;
    const model = new VirtioBlock({ memory, store, id: `disk-${slot}`, unsupported, observer });
    const device = new VirtioPci(model, { memory, clock, unsupported, onDeferred });
    this.bridge.attach(slot, device);
    this.disks.push(device);
    return device;
  }

  rtas(name: string, ...args: number[]): readonly number[] {
    const service = pciRtasFamily(this.bridge).get(name);
    if (service === undefined) throw new Error(`no RTAS service ${name}`);
    if (args.length !== service.nargs) throw new Error(`${name} takes ${service.nargs} arguments`);
    const answer = service.handler(undefined as unknown as FirmwareVcpu, args);
    if (answer === 'none') throw new Error(`${name} did not return`);
    return answer;
  }
}

const BUID = [Number(PHB_BUID >> 32n), Number(PHB_BUID & 0xffff_ffffn)] as const;

/** One function on the bus, as the guest's PCI code handles it. */
export class PciGuest {
  readonly machine: Machine;
  readonly slot: number;
  readonly bars: Map<number, { base: number; size: number }> = new Map();

  constructor(machine: Machine, slot: number) {
    this.machine = machine;
    this.slot = slot;
  }

  get address(): number {
    return this.slot << 11;
  }

  config(offset: number, size: 1 | 2 | 4): number {
    const [status, value] = this.machine.rtas('ibm,read-pci-config', this.address | offset, ...BUID, size);
    if (status !== 0 || value === undefined) throw new Error(`config read of ${offset}: ${status}`);
    return value;
  }

  setConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    const [status] = this.machine.rtas(
      'ibm,write-pci-config',
      this.address | offset,
      ...BUID,
      size,
      value >>> 0,
    );
    if (status !== 0) throw new Error(`config write of ${offset}: ${status}`);
  }

  /** Capabilities in order: id and offset. */
  capabilities(): { id: number; at: number }[] {
    const out: { id: number; at: number }[] = [];
    if ((this.config(0x06, 2) & 0x10) === 0) return out;
    for (let at = this.config(0x34, 1); at !== 0 && out.length < 48; at = this.config(at + 1, 1)) {
      out.push({ id: this.config(at, 1), at });
    }
    return out;
  }

  /** Sizes every BAR with decoding off, and places it: 64-bit ones in the high window, the others in the low one. */
  placeBars(seed: number = this.slot): void {
    this.setConfig(0x04, 2, this.config(0x04, 2) & ~3);
    for (let index = 0; index < 6; index++) {
      const at = 0x10 + index * 4;
      this.setConfig(at, 4, 0xffff_ffff);
      const mask = this.config(at, 4);
      if (mask === 0) continue;
      const wide = (mask & 6) === 4;
      const size = (~(mask & ((mask & 1) === 1 ? ~3 : ~15)) + 1) >>> 0;
      const window = PCI_WINDOWS[(mask & 1) === 1 ? 0 : wide ? 2 : 1]!;
      const offset = (seed + 1) * 0x10000;
      const bus = window.busBase + offset;
      this.setConfig(at, 4, bus % 2 ** 32);
      if (wide) this.setConfig(at + 4, 4, Math.floor(bus / 2 ** 32));
      this.bars.set(index, { base: window.base + offset, size });
      if (wide) index++;
    }
    this.setConfig(0x04, 2, this.config(0x04, 2) | 3);
  }

  read(raddr: number, size: Size): bigint {
    const hit = this.machine.bridge.find(raddr);
    if (hit === undefined) throw new Error(`nothing at ${raddr.toString(16)}`);
    return hit.region.read(hit.offset, size);
  }

  write(raddr: number, size: Size, value: number | bigint): void {
    const hit = this.machine.bridge.find(raddr);
    if (hit === undefined) throw new Error(`nothing at ${raddr.toString(16)}`);
    hit.region.write(hit.offset, size, BigInt(value));
  }

  /** @returns the source numbers. Enables MSI-X as Linux does: masked whole, granted, entries masked, unmasked. */
  enableMsix(count: number): number[] {
    const cap = this.capabilities().find(({ id }) => id === 0x11);
    if (cap === undefined) throw new Error('no MSI-X');
    this.setConfig(cap.at + 2, 2, this.config(cap.at + 2, 2) | 0xc000);
    const table = this.bars.get(this.config(cap.at + 4, 4) & 7)!.base + (this.config(cap.at + 4, 4) & ~7);
    const [status, granted] = this.machine.rtas('ibm,change-msi', this.address, ...BUID, 4, count, 1);
    if (status !== 0 || granted !== count) throw new Error(`ibm,change-msi: ${status}, ${granted}`);
    const numbers = Array.from({ length: count }, (_, vector) => {
      const answer = this.machine.rtas('ibm,query-interrupt-source-number', this.address, ...BUID, vector);
      if (answer[0] !== 0 || answer[2] !== 1) throw new Error(`query: ${answer}`);
      return answer[1]!;
    });
    for (let vector = 0; vector < count; vector++) this.write(table + vector * 16 + 12, 4, 1);
    this.setConfig(cap.at + 2, 2, this.config(cap.at + 2, 2) & ~0x4000);
    for (let vector = 0; vector < count; vector++) this.write(table + vector * 16 + 12, 4, 0);
    return numbers;
  }
}

/** Where a queue of the driver's is in memory. */
export type QueueLayout = {
  readonly size: number;
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
};

export type DriverOptions = {
  readonly features?: bigint;
  readonly msix?: boolean;
  readonly queue?: QueueLayout;
  readonly master?: boolean;
};

export type GuestBuffer = { readonly raddr: number; readonly length: number; readonly write: boolean };

const DEFAULT_QUEUE: QueueLayout = { size: 16, descriptors: 0x10000, driver: 0x11000, device: 0x12000 };

/** A virtio-blk driver. Addresses of its own structures: rings below 0x20000, headers and statuses at 0x20000. */
export class BlockDriver {
  readonly pci: PciGuest;
  readonly machine: Machine;
  queue: QueueLayout = DEFAULT_QUEUE;
  sources: number[] = [];
  features = 0n;
  common = 0;
  isr = 0;
  device = 0;
  notifyAt = 0;
  #available = 0;
  #seen = 0;
  #next = 0;

  constructor(machine: Machine, slot: number) {
    this.machine = machine;
    this.pci = new PciGuest(machine, slot);
  }

  /** Finds the structures by their capabilities. */
  probe(): void {
    const { pci } = this;
    pci.placeBars();
    for (const { id, at } of pci.capabilities()) {
      if (id !== 9) continue;
      const type = pci.config(at + 3, 1);
      const bar = pci.bars.get(pci.config(at + 4, 1));
      if (type > 4 || bar === undefined) continue;
      const raddr = bar.base + pci.config(at + 8, 4);
      if (type === 1) this.common = raddr;
      if (type === 2) this.notifyAt = raddr;
      if (type === 3) this.isr = raddr;
      if (type === 4) this.device = raddr;
    }
  }

  get status(): number {
    return Number(this.pci.read(this.common + 0x14, 1));
  }

  set status(value: number) {
    this.pci.write(this.common + 0x14, 1, value);
  }

  offered(): bigint {
    const word = (select: number) => {
      this.pci.write(this.common, 4, select);
      return this.pci.read(this.common + 4, 4);
    };
    return word(0) | (word(1) << 32n);
  }

  negotiate(features: bigint): boolean {
    this.features = features;
    for (const select of [0, 1]) {
      this.pci.write(this.common + 8, 4, select);
      this.pci.write(this.common + 12, 4, (features >> BigInt(select * 32)) & 0xffff_ffffn);
    }
    this.status = 3 | 8;
    return (this.status & 8) !== 0;
  }

  setUpQueue(layout: QueueLayout, vector: number): void {
    this.queue = layout;
    this.#available = 0;
    this.#seen = 0;
    this.#next = 0;
    const { memory } = this.machine;
    if (memory.isRam(layout.driver, 8)) memory.fill(layout.driver, 6 + 2 * layout.size, 0);
    if (memory.isRam(layout.device, 8)) memory.fill(layout.device, 6 + 8 * layout.size, 0);
    const { common, pci } = this;
    pci.write(common + 0x16, 2, 0);
    pci.write(common + 0x18, 2, layout.size);
    const address = (offset: number, value: number) => {
      pci.write(common + offset, 4, value % 2 ** 32);
      pci.write(common + offset + 4, 4, Math.floor(value / 2 ** 32));
    };
    address(0x20, layout.descriptors);
    address(0x28, layout.driver);
    address(0x30, layout.device);
    pci.write(common + 0x1a, 2, vector);
    pci.write(common + 0x1c, 2, 1);
  }

  /** From probing to DRIVER_OK. */
  start(options: DriverOptions = {}): void {
    this.probe();
    this.status = 0;
    if (this.status !== 0) throw new Error('the device does not reset');
    this.status = 3;
    if (!this.negotiate(options.features ?? F_VERSION_1 | (this.offered() & 0xffff_ffffn)))
      throw new Error('features refused');
    if (options.msix ?? true) {
      this.sources = this.pci.enableMsix(2);
      this.pci.write(this.common + 0x10, 2, 0);
      if (this.pci.read(this.common + 0x10, 2) !== 0n) throw new Error('no configuration vector');
    }
    this.setUpQueue(options.queue ?? DEFAULT_QUEUE, (options.msix ?? true) ? 1 : NO_VECTOR);
    if (options.master ?? true) this.pci.setConfig(0x04, 2, this.pci.config(0x04, 2) | 4);
    this.status = 3 | 8 | 4;
  }

  /** Writes one descriptor of a table. */
  descriptor(table: number, index: number, raddr: number, length: number, flags: number, next: number): void {
    const { memory } = this.machine;
    memory.writeU64(table + index * 16, BigInt(raddr), true);
    memory.writeU32(table + index * 16 + 8, length, true);
    memory.writeU16(table + index * 16 + 12, flags, true);
    memory.writeU16(table + index * 16 + 14, next, true);
  }

  /** Makes `head` available, without a notification. */
  offer(head: number): void {
    const { memory } = this.machine;
    memory.writeU16(this.queue.driver + 4 + 2 * (this.#available % this.queue.size), head, true);
    this.#available = (this.#available + 1) & 0xffff;
    memory.writeU16(this.queue.driver + 2, this.#available, true);
  }

  notify(): void {
    this.pci.write(this.notifyAt, 2, 0);
  }

  /** Puts a chain of buffers into the ring: indirect when that was negotiated and `indirect` is not refused. */
  add(buffers: readonly GuestBuffer[], indirect: boolean = (this.features & F_INDIRECT) !== 0n): number {
    const head = this.#next;
    if (indirect) {
      const table = 0x30000 + head * 0x1000;
      for (const [i, { raddr, length, write }] of buffers.entries()) {
        this.descriptor(table, i, raddr, length, (write ? 2 : 0) | (i + 1 < buffers.length ? 1 : 0), i + 1);
      }
      this.descriptor(this.queue.descriptors, head, table, buffers.length * 16, 4, 0);
      this.#next = (this.#next + 1) % this.queue.size;
    } else {
      for (const [i, { raddr, length, write }] of buffers.entries()) {
        const index = (head + i) % this.queue.size;
        const next = (index + 1) % this.queue.size;
        this.descriptor(
          this.queue.descriptors,
          index,
          raddr,
          length,
          (write ? 2 : 0) | (i + 1 < buffers.length ? 1 : 0),
          next,
        );
      }
      this.#next = (this.#next + buffers.length) % this.queue.size;
    }
    this.offer(head);
    return head;
  }

  /** One request: header at 0x20000, status at 0x20100. @returns the head. */
  request(type: number, sector: number, data: readonly GuestBuffer[], at = 0x20000): number {
    const { memory } = this.machine;
    memory.writeU32(at, type, true);
    memory.writeU32(at + 4, 0, true);
    memory.writeU64(at + 8, BigInt(sector), true);
    memory.writeU8(at + 0x100, 0xff);
    return this.add([
      { raddr: at, length: 16, write: false },
      ...data,
      { raddr: at + 0x100, length: 1, write: true },
    ]);
  }

  statusAt(at = 0x20000): number {
    return this.machine.memory.readU8(at + 0x100);
  }

  /** What the device has given back since the last call. */
  used(): { id: number; length: number }[] {
    const { memory } = this.machine;
    const out: { id: number; length: number }[] = [];
    const index = memory.readU16(this.queue.device + 2, true);
    for (; this.#seen !== index; this.#seen = (this.#seen + 1) & 0xffff) {
      const at = this.queue.device + 4 + 8 * (this.#seen % this.queue.size);
      out.push({ id: memory.readU32(at, true), length: memory.readU32(at + 4, true) });
    }
    // What the driver does to be notified of the next one.
    if ((this.features & F_EVENT_IDX) !== 0n)
      memory.writeU16(this.queue.driver + 4 + 2 * this.queue.size, index, true);
    return out;
  }

  /** A whole request, to its end. @returns status byte and used length. */
  run(type: number, sector: number, data: readonly GuestBuffer[]): { status: number; length: number } {
    const head = this.request(type, sector, data);
    this.notify();
    this.machine.clock.advance(1_000_000);
    const [used, ...more] = this.used();
    if (used?.id !== head || more.length > 0) throw new Error(`used: ${JSON.stringify([used, ...more])}`);
    return { status: this.statusAt(), length: used.length };
  }
}
