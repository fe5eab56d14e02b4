/** One notification that asks for more than a device moves at once: it takes the guest's time, in pieces, in order. */

import { describe, expect, it } from 'vitest';
import { BURST_BYTES, BYTES_PER_NS } from '../../../../src/emulator/devices/bandwidth.ts';
import type { BlockStore } from '../../../../src/emulator/devices/contract.ts';
import { REQUEST_LATENCY_NS } from '../../../../src/emulator/devices/virtio/index.ts';
import { BlockDriver, F_INDIRECT, F_VERSION_1, Machine } from './guest-driver.ts';

const MIB = 2 ** 20;
const READ = 0;
const WRITE = 1;
/** Every descriptor names the same memory: what counts is what moves. */
const PART = { raddr: 0x4_0000, length: 3 * MIB };
const PARTS = 200;
const BYTES = PARTS * PART.length;
/** More than this is never moved at one instant: what was begun is finished, in pieces of 256 KiB. */
const MOST = BURST_BYTES + MIB;

class CountingStore implements BlockStore {
  readonly bytes: number = 2 ** 31;
  readonly readOnly = false;
  /** Offset and length of each access. */
  readonly accesses: (readonly [number, number])[] = [];

  get moved(): number {
    return this.accesses.reduce((sum, [, length]) => sum + length, 0);
  }
  read(offset: number, target: Uint8Array): void {
    this.accesses.push([offset, target.length]);
  }
  write(offset: number, source: Uint8Array): void {
    this.accesses.push([offset, source.length]);
  }
  flush(): void {}
}

function set() {
  const machine = new Machine();
  const store = new CountingStore();
  const written: (readonly [number, number])[] = [];
  let deferred = 0;
  const disk = machine.addDisk(
    0,
    store,
    { onWrite: (offset, length) => void written.push([offset, length]) },
    () => void deferred++,
  );
  const driver = new BlockDriver(machine, 0);
  driver.start({ features: F_VERSION_1 | F_INDIRECT });
  const ask = (type: number, sector: number, parts: number, at?: number): number =>
    driver.request(type, sector, new Array(parts).fill({ ...PART, write: type === READ }), at);
  return { machine, store, disk, driver, written, ask, deferred: () => deferred };
}

describe('a request of 600 MiB through one buffer of 3 MiB', () => {
  it('no more than a burst at the instant of service, the rest at the rate of the bandwidth', () => {
    const { machine, store, driver, ask, deferred } = set();
    const head = ask(READ, 0, PARTS);
    driver.notify();
    machine.clock.advance(REQUEST_LATENCY_NS);
    expect(store.moved).toBeGreaterThan(BURST_BYTES / 2);
    expect(store.moved).toBeLessThanOrEqual(MOST);
    expect(driver.used()).toEqual([]);
    expect(deferred()).toBe(0);
    const least = (BYTES - MOST) / BYTES_PER_NS;
    let longest = 0;
    for (let ns = 0; ns < least; ns += 10_000) {
      const before = store.moved;
      expect(driver.used()).toEqual([]);
      machine.clock.advance(10_000);
      longest = Math.max(longest, store.moved - before);
    }
    expect(longest).toBeLessThanOrEqual(2 * MIB);
    machine.clock.advance(least / 10);
    expect(driver.used()).toEqual([{ id: head, length: BYTES + 1 }]);
    expect(driver.statusAt()).toBe(0);
    expect(store.moved).toBe(BYTES);
    expect(machine.clock.pending).toBe(0);
    expect(deferred()).toBeGreaterThan(100);
  });

  it('what is stored is reported as far as it is, without a gap', () => {
    const { machine, store, driver, written, ask } = set();
    ask(WRITE, 8, PARTS);
    driver.notify();
    machine.clock.advance(REQUEST_LATENCY_NS);
    expect(written).toEqual([[8 * 512, store.moved]]);
    machine.clock.advance(BYTES);
    let next = 8 * 512;
    for (const [offset, length] of written) {
      expect(offset).toBe(next);
      next += length;
    }
    expect(next).toBe(8 * 512 + BYTES);
  });

  it('the request behind it → served after it', () => {
    const { machine, store, driver, ask } = set();
    const first = ask(READ, 0, PARTS);
    const second = ask(READ, 2 ** 21, 1, 0x2_1000);
    driver.notify();
    machine.clock.advance(BYTES);
    expect(driver.used().map(({ id }) => id)).toEqual([first, second]);
    expect(store.accesses.findLastIndex(([offset]) => offset < 2 ** 30)).toBeLessThan(
      store.accesses.findIndex(([offset]) => offset >= 2 ** 30),
    );
  });

  it('a reset in the middle → nothing moves any more, and the next driver’s requests are served', () => {
    const { machine, store, disk, driver, ask } = set();
    ask(WRITE, 0, PARTS);
    driver.notify();
    machine.clock.advance(REQUEST_LATENCY_NS);
    expect(disk.inFlight).toBe(1);
    driver.status = 0;
    expect(disk.inFlight).toBe(0);
    expect(machine.clock.pending).toBe(0);
    const before = store.moved;
    machine.clock.advance(BYTES);
    expect(store.moved).toBe(before);
    expect(driver.used()).toEqual([]);
    const next = new BlockDriver(machine, 0);
    next.start({ features: F_VERSION_1 | F_INDIRECT });
    expect(next.run(READ, 0, [{ raddr: 0x4_0000, length: 512, write: true }])).toEqual({
      status: 0,
      length: 513,
    });
  });

  it('bus mastering off in the middle → it stands still until it is on again', () => {
    const { machine, store, driver, ask } = set();
    const head = ask(READ, 0, PARTS);
    driver.notify();
    machine.clock.advance(REQUEST_LATENCY_NS);
    driver.pci.setConfig(4, 2, driver.pci.config(4, 2) & ~4);
    const before = store.moved;
    machine.clock.advance(BYTES);
    expect(store.moved).toBe(before);
    driver.pci.setConfig(4, 2, driver.pci.config(4, 2) | 4);
    machine.clock.advance(BYTES);
    expect(driver.used()).toEqual([{ id: head, length: BYTES + 1 }]);
    expect(store.moved).toBe(BYTES);
  });
});

describe('requests and descriptors without data', () => {
  it('count as well: a ring that is filled again and again takes time', () => {
    const { machine, driver } = set();
    let rounds = 0;
    // The ring has 16 places: the same 16 requests, each of 200 descriptors of one byte.
    for (let i = 0; i < 16; i++)
      driver.request(READ, 0, new Array(200).fill({ raddr: 0x4_0000, length: 1, write: true }));
    for (; rounds < 1000; rounds++) {
      driver.notify();
      machine.clock.advance(REQUEST_LATENCY_NS);
      const done = driver.used();
      for (const { id } of done) driver.offer(id);
      if (done.length < 16) break;
    }
    expect(rounds).toBeLessThan(20);
  });
});
