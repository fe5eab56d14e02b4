/** A disk over virtio PCI, driven as Linux drives it. */

import { describe, expect, it } from 'vitest';
import type { OwnedStore } from '../../../../src/emulator/devices/virtio/index.ts';
import { createMemoryStore, REQUEST_LATENCY_NS } from '../../../../src/emulator/devices/virtio/index.ts';
import { BlockDriver, F_EVENT_IDX, F_INDIRECT, F_VERSION_1, Machine } from './guest-driver.ts';

const IN = 0;
const OUT = 1;
const FLUSH = 4;
const GET_ID = 8;
const DATA = 0x80000;

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed + (i >>> 8)) & 0xff);
}

/** Byte equality without a matcher's walk over every element. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function set(store: OwnedStore = createMemoryStore(0x100000), slot = 0) {
  const machine = new Machine();
  const writes: [number, number][] = [];
  machine.addDisk(slot, store, { onWrite: (offset, length) => writes.push([offset, length]) });
  return { machine, store, writes, driver: new BlockDriver(machine, slot) };
}

const RING_FEATURES: [string, bigint][] = [
  ['plain', 0n],
  ['indirect', F_INDIRECT],
  ['event index', F_EVENT_IDX],
  ['indirect and event index', F_INDIRECT | F_EVENT_IDX],
];

describe('virtio-blk', () => {
  it('shows its capacity, block size and limits in its configuration', () => {
    const { driver } = set();
    driver.probe();
    expect(driver.pci.read(driver.device, 8)).toBe(0x100000n / 512n);
    expect(driver.pci.read(driver.device + 4, 4)).toBe(0n);
    expect(driver.pci.read(driver.device + 12, 4)).toBe(254n);
    expect(driver.pci.read(driver.device + 20, 4)).toBe(512n);
  });

  it('offers VERSION_1 and no ACCESS_PLATFORM; RO only where the store is read-only', () => {
    const writable = set().driver;
    writable.probe();
    expect(writable.offered()).toBe(
      F_VERSION_1 | F_INDIRECT | F_EVENT_IDX | (1n << 2n) | (1n << 6n) | (1n << 9n),
    );
    const readOnly = set(createMemoryStore(0x1000, { readOnly: true })).driver;
    readOnly.probe();
    expect(readOnly.offered() & (1n << 5n)).toBe(1n << 5n);
  });

  for (const [name, ring] of RING_FEATURES) {
    it(`reads, writes and flushes with ${name} rings, and interrupts by MSI-X`, () => {
      const { machine, store, driver, writes } = set();
      const content = pattern(0x100000, 3);
      store.write(0, content);
      driver.start({ features: F_VERSION_1 | ring });
      const [config, queue] = driver.sources;
      expect(driver.run(IN, 5, [{ raddr: DATA, length: 1024, write: true }])).toEqual({
        status: 0,
        length: 1025,
      });
      expect(same(machine.memory.read(DATA, 1024), content.slice(5 * 512, 7 * 512))).toBe(true);
      expect(machine.interrupts.pulses.get(queue!)).toBe(1);

      const fresh = pattern(0x3000, 91);
      machine.memory.write(DATA, fresh);
      // Cut into pieces that are not whole sectors.
      const parts = [
        { raddr: DATA, length: 100, write: false },
        { raddr: DATA + 100, length: 0x2000, write: false },
        { raddr: DATA + 0x2064, length: 0x3000 - 0x2064, write: false },
      ];
      expect(driver.run(OUT, 8, parts)).toEqual({ status: 0, length: 1 });
      const back = new Uint8Array(0x3000);
      store.read(8 * 512, back);
      expect(same(back, fresh)).toBe(true);
      expect(writes).toEqual([[8 * 512, 0x3000]]);
      expect(driver.run(FLUSH, 0, [])).toEqual({ status: 0, length: 1 });
      expect(machine.interrupts.pulses.get(queue!)).toBe(3);
      expect(machine.interrupts.pulses.get(config!)).toBe(0);
      expect(machine.reports.all).toEqual([]);
    });
  }

  it('moves a request of more than one piece whole', () => {
    const { machine, store, driver } = set();
    const content = pattern(0xa0000, 17);
    store.write(512, content);
    driver.start();
    const result = driver.run(IN, 1, [
      { raddr: DATA, length: 0x50000, write: true },
      { raddr: DATA + 0x60000, length: 0x50000, write: true },
    ]);
    expect(result).toEqual({ status: 0, length: 0xa0001 });
    expect(same(machine.memory.read(DATA, 0x50000), content.slice(0, 0x50000))).toBe(true);
    expect(same(machine.memory.read(DATA + 0x60000, 0x50000), content.slice(0x50000))).toBe(true);
  });

  it('names itself in 20 bytes', () => {
    const { machine, driver } = set();
    driver.start();
    expect(driver.run(GET_ID, 0, [{ raddr: DATA, length: 20, write: true }])).toEqual({
      status: 0,
      length: 21,
    });
    expect(new TextDecoder().decode(machine.memory.read(DATA, 20)).replace(/\0+$/, '')).toBe('disk-0');
  });

  it('answers IOERR past the end, and stores nothing of such a write', () => {
    const { machine, store, driver, writes } = set(createMemoryStore(0x1000));
    machine.memory.fill(DATA, 0x400, 0x55);
    driver.start();
    const at = [{ raddr: DATA, length: 0x400, write: false }];
    expect(driver.run(OUT, 7, at).status).toBe(1);
    expect(driver.run(OUT, 2 ** 40, at).status).toBe(1);
    expect(driver.run(IN, 8, [{ raddr: DATA, length: 512, write: true }])).toEqual({ status: 1, length: 0 });
    const all = new Uint8Array(0x1000);
    store.read(0, all);
    expect(all.every((byte) => byte === 0)).toBe(true);
    expect(writes).toEqual([]);
    expect(driver.run(OUT, 6, at).status).toBe(0);
  });

  it('answers IOERR to a part of a sector and to a write of a read-only disk, UNSUPP to what it does not know', () => {
    const { machine, driver } = set(createMemoryStore(0x1000, { readOnly: true }));
    driver.start();
    expect(driver.run(IN, 0, [{ raddr: DATA, length: 100, write: true }]).status).toBe(1);
    expect(driver.run(OUT, 0, [{ raddr: DATA, length: 512, write: false }]).status).toBe(1);
    expect(driver.run(11, 0, [{ raddr: DATA, length: 16, write: false }]).status).toBe(2);
    expect(machine.reports.keys()).toEqual(['virtio-blk request 11']);
  });

  it('answers IOERR when the store fails, and reports it', () => {
    const store: OwnedStore = {
      ...createMemoryStore(0x1000),
      write() {
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      },
    };
    const { machine, driver } = set(store);
    driver.start();
    expect(driver.run(OUT, 0, [{ raddr: DATA, length: 512, write: false }]).status).toBe(1);
    expect(machine.reports.all[0]?.detail).toBe('no space left on device');
    expect(driver.run(IN, 0, [{ raddr: DATA, length: 512, write: true }]).status).toBe(0);
  });

  it('completes at a fixed time after the notification, not before', () => {
    const { machine, driver } = set();
    driver.start();
    driver.request(FLUSH, 0, []);
    driver.notify();
    machine.clock.advance(REQUEST_LATENCY_NS - 1);
    expect(driver.used()).toEqual([]);
    expect(driver.statusAt()).toBe(0xff);
    machine.clock.advance(1);
    expect(driver.used()).toHaveLength(1);
  });

  it('serves all that is available by one notification, around the ring more than once', () => {
    const { machine, driver } = set();
    driver.start({ features: F_VERSION_1 | F_INDIRECT });
    for (let round = 0; round < 9; round++) {
      for (let i = 0; i < 5; i++) driver.request(FLUSH, 0, [], 0x20000 + i * 0x200);
      driver.notify();
      machine.clock.advance(REQUEST_LATENCY_NS);
      expect(driver.used().map(({ length }) => length)).toEqual([1, 1, 1, 1, 1]);
    }
    expect(machine.interrupts.pulses.get(driver.sources[1]!)).toBe(9);
  });

  it('sends no interrupt while the driver asks for none', () => {
    const { machine, driver } = set();
    driver.start({ features: F_VERSION_1 });
    machine.memory.writeU16(driver.queue.driver, 1, true);
    driver.run(FLUSH, 0, []);
    expect(machine.interrupts.pulses.get(driver.sources[1]!)).toBe(0);
    machine.memory.writeU16(driver.queue.driver, 0, true);
    driver.run(FLUSH, 0, []);
    expect(machine.interrupts.pulses.get(driver.sources[1]!)).toBe(1);
  });

  it('keeps a masked message pending and sends it when unmasked', () => {
    const { machine, driver } = set();
    driver.start();
    const table = driver.pci.bars.get(1)!.base;
    driver.pci.write(table + 16 + 12, 4, 1);
    driver.run(FLUSH, 0, []);
    expect(machine.interrupts.pulses.get(driver.sources[1]!)).toBe(0);
    expect(driver.pci.read(table + 0x800, 8)).toBe(2n);
    driver.pci.write(table + 16 + 12, 4, 0);
    expect(machine.interrupts.pulses.get(driver.sources[1]!)).toBe(1);
    expect(driver.pci.read(table + 0x800, 8)).toBe(0n);
  });

  it('interrupts by INTx without MSI-X; reading ISR lowers the line', () => {
    const { machine, driver } = set(createMemoryStore(0x1000), 2);
    driver.start({ msix: false });
    const lsi = machine.bridge.lsi(2, 1).number;
    driver.run(FLUSH, 0, []);
    expect(machine.interrupts.levels.get(lsi)).toBe(true);
    expect(driver.pci.config(6, 2) & 8).toBe(8);
    expect(driver.pci.read(driver.isr, 1)).toBe(1n);
    expect(machine.interrupts.levels.get(lsi)).toBe(false);
    expect(driver.pci.read(driver.isr, 1)).toBe(0n);
    driver.pci.setConfig(4, 2, driver.pci.config(4, 2) | 0x400);
    driver.run(FLUSH, 0, []);
    expect(machine.interrupts.levels.get(lsi)).toBe(false);
    expect(driver.pci.config(6, 2) & 8).toBe(8);
  });

  it('touches no memory while it may not master the bus, and continues when it may', () => {
    const { machine, driver } = set();
    driver.start({ master: false });
    driver.request(FLUSH, 0, []);
    driver.notify();
    machine.clock.advance(1_000_000);
    expect(driver.used()).toEqual([]);
    driver.pci.setConfig(4, 2, driver.pci.config(4, 2) | 4);
    machine.clock.advance(REQUEST_LATENCY_NS);
    expect(driver.used()).toHaveLength(1);
  });
});

describe('virtio-blk reset', () => {
  it('status 0 → requests in flight never finish, and the device starts as new', () => {
    const { machine, store, driver, writes } = set();
    driver.start();
    machine.memory.fill(DATA, 512, 0xaa);
    driver.request(OUT, 0, [{ raddr: DATA, length: 512, write: false }]);
    driver.notify();
    driver.status = 0;
    expect(driver.status).toBe(0);
    expect(machine.clock.pending).toBe(0);
    machine.clock.advance(1_000_000);
    expect(writes).toEqual([]);
    expect(driver.statusAt()).toBe(0xff);
    expect(driver.pci.read(driver.common + 0x1c, 2)).toBe(0n);
    expect(driver.pci.read(driver.common + 0x18, 2)).toBe(256n);
    expect(driver.pci.read(driver.common + 0x20, 4)).toBe(0n);
    expect(driver.pci.read(driver.common + 0x10, 2)).toBe(0xffffn);
    expect(store.bytes).toBe(0x100000);
  });

  it('a crash kernel takes over a running device without shutdown → its own queue and vectors work, the old ring is untouched', () => {
    const { machine, store, driver } = set();
    driver.start();
    driver.run(IN, 0, [{ raddr: DATA, length: 512, write: true }]);
    driver.request(IN, 1, [{ raddr: DATA, length: 512, write: true }]);
    driver.notify();
    const oldUsed = machine.memory.readU16(driver.queue.device + 2, true);
    // The crash kernel: BARs elsewhere, MSI-X taken away and asked for again, rings elsewhere.
    const second = new BlockDriver(machine, 0);
    machine.rtas('ibm,change-msi', 0, 0x08000000, 0x20000000, 3, 0, 1);
    second.pci.placeBars(9);
    second.start({ queue: { size: 8, descriptors: 0x14000, driver: 0x15000, device: 0x16000 } });
    store.write(0, pattern(512, 77));
    expect(second.run(IN, 0, [{ raddr: DATA + 0x1000, length: 512, write: true }]).status).toBe(0);
    expect(same(machine.memory.read(DATA + 0x1000, 512), pattern(512, 77))).toBe(true);
    expect(machine.memory.readU16(driver.queue.device + 2, true)).toBe(oldUsed);
    expect(machine.interrupts.pulses.get(second.sources[1]!)).toBe(2);
    expect(machine.reports.all).toEqual([]);
  });

  it('machine reset → BARs gone, MSI-X off, device as at power-on', () => {
    const { machine, driver } = set();
    driver.start();
    driver.request(FLUSH, 0, []);
    driver.notify();
    const base = driver.pci.bars.get(4)!.base;
    machine.bridge.reset();
    expect(machine.clock.pending).toBe(0);
    expect(driver.pci.config(4, 2)).toBe(0);
    expect(driver.pci.read(base + 0x14, 1)).toBe(0xffn);
    expect(machine.reports.keys()).toEqual(['pci read master abort']);
    const again = new BlockDriver(machine, 0);
    again.start();
    expect(again.run(FLUSH, 0, [])).toEqual({ status: 0, length: 1 });
  });
});
