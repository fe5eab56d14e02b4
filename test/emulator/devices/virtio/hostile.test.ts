/** Guests that lie to the device: it asks for a reset, never throws, and never touches what is not the guest's. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../../src/emulator/devices/virtio/index.ts';
import {
  BlockDriver,
  F_EVENT_IDX,
  F_INDIRECT,
  F_VERSION_1,
  Machine,
  NO_VECTOR,
  type QueueLayout,
} from './guest-driver.ts';

const NEEDS_RESET = 0x40;
const RAM = 0x400000;

function started(features = F_VERSION_1 | F_INDIRECT) {
  const machine = new Machine(RAM);
  machine.addDisk(0, createMemoryStore(0x10000));
  const driver = new BlockDriver(machine, 0);
  driver.start({ features });
  return { machine, driver };
}

/** Descriptor chains that break a rule, written into the direct table from index 0. */
const CHAINS: [string, (driver: BlockDriver, table: number) => void][] = [
  ['a loop of one', (d, t) => d.descriptor(t, 0, 0x20000, 16, 1, 0)],
  [
    'a loop of two',
    (d, t) => {
      d.descriptor(t, 0, 0x20000, 16, 1, 1);
      d.descriptor(t, 1, 0x20000, 16, 1, 0);
    },
  ],
  ['a loop of empty buffers', (d, t) => d.descriptor(t, 0, 0x20000, 0, 1, 0)],
  ['a next index past the table', (d, t) => d.descriptor(t, 0, 0x20000, 16, 1, 16)],
  ['a buffer outside memory', (d, t) => d.descriptor(t, 0, RAM, 16, 0, 0)],
  ['a buffer that ends outside memory', (d, t) => d.descriptor(t, 0, RAM - 8, 16, 0, 0)],
  ['a buffer of 4 GiB', (d, t) => d.descriptor(t, 0, 0, 0xffffffff, 0, 0)],
  [
    'a buffer beyond 2^53',
    (d, t) => {
      d.descriptor(t, 0, 0, 16, 0, 0);
      d.machine.memory.writeU64(t, 0xffff_ffff_ffff_fff0n, true);
    },
  ],
  [
    'a readable buffer after a writable one',
    (d, t) => {
      d.descriptor(t, 0, 0x20000, 16, 3, 1);
      d.descriptor(t, 1, 0x20000, 16, 0, 0);
    },
  ],
  ['no header', (d, t) => d.descriptor(t, 0, 0x20000, 16, 2, 0)],
  ['no status', (d, t) => d.descriptor(t, 0, 0x20000, 16, 0, 0)],
  ['an empty indirect table', (d, t) => d.descriptor(t, 0, 0x30000, 0, 4, 0)],
  ['an indirect table of odd size', (d, t) => d.descriptor(t, 0, 0x30000, 24, 4, 0)],
  ['an indirect table outside memory', (d, t) => d.descriptor(t, 0, RAM - 16, 32, 4, 0)],
  ['a huge indirect table', (d, t) => d.descriptor(t, 0, 0, 0x100000, 4, 0)],
  [
    'an indirect table with a successor',
    (d, t) => {
      d.descriptor(t, 0, 0x30000, 32, 5, 1);
      d.descriptor(t, 1, 0x20000, 16, 0, 0);
    },
  ],
  [
    'indirect within indirect',
    (d, t) => {
      d.descriptor(t, 0, 0x30000, 32, 4, 0);
      d.descriptor(0x30000, 0, 0x31000, 32, 4, 0);
    },
  ],
  [
    'a loop in an indirect table',
    (d, t) => {
      d.descriptor(t, 0, 0x30000, 32, 4, 0);
      d.descriptor(0x30000, 0, 0x20000, 1, 1, 1);
      d.descriptor(0x30000, 1, 0x20000, 1, 1, 0);
    },
  ],
];

describe('virtio against a hostile driver', () => {
  for (const [name, build] of CHAINS) {
    it(`${name} → NEEDS_RESET with a configuration interrupt, and a reset cures it`, () => {
      const { machine, driver } = started();
      build(driver, driver.queue.descriptors);
      const before = machine.memory.bytes.slice();
      driver.offer(0);
      driver.notify();
      machine.clock.advance(1_000_000);
      expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
      expect(machine.interrupts.pulses.get(driver.sources[0]!)).toBe(1);
      // Nothing but the driver's own write of the available ring changed.
      const after = machine.memory.bytes.slice();
      before.set(after.subarray(driver.queue.driver, driver.queue.driver + 38), driver.queue.driver);
      expect(Buffer.compare(after, before)).toBe(0);
      driver.notify();
      expect(machine.clock.pending).toBe(0);
      const again = new BlockDriver(machine, 0);
      again.start();
      expect(again.run(4, 0, [])).toEqual({ status: 0, length: 1 });
    });
  }

  it('an indirect descriptor that was not negotiated → NEEDS_RESET', () => {
    const { machine, driver } = started(F_VERSION_1);
    driver.descriptor(driver.queue.descriptors, 0, 0x30000, 32, 4, 0);
    driver.offer(0);
    driver.notify();
    machine.clock.advance(1_000_000);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
  });

  it('an available index further ahead than the queue is long → NEEDS_RESET', () => {
    const { machine, driver } = started();
    machine.memory.writeU16(driver.queue.driver + 2, 17, true);
    driver.notify();
    machine.clock.advance(1_000_000);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
  });

  const QUEUES: [string, QueueLayout][] = [
    ['size 0', { size: 0, descriptors: 0x10000, driver: 0x11000, device: 0x12000 }],
    ['size 24', { size: 24, descriptors: 0x10000, driver: 0x11000, device: 0x12000 }],
    ['size 512, more than offered', { size: 512, descriptors: 0x10000, driver: 0x13000, device: 0x14000 }],
    ['descriptors outside memory', { size: 16, descriptors: RAM - 128, driver: 0x11000, device: 0x12000 }],
    [
      'descriptors that are not aligned',
      { size: 16, descriptors: 0x10008, driver: 0x11000, device: 0x12000 },
    ],
    ['an available ring outside memory', { size: 16, descriptors: 0x10000, driver: RAM, device: 0x12000 }],
    ['a used ring outside memory', { size: 16, descriptors: 0x10000, driver: 0x11000, device: 2 ** 40 }],
    ['a used ring that is not aligned', { size: 16, descriptors: 0x10000, driver: 0x11000, device: 0x12002 }],
  ];
  for (const [name, layout] of QUEUES) {
    it(`a queue with ${name} → not enabled, NEEDS_RESET`, () => {
      const machine = new Machine(RAM);
      machine.addDisk(0, createMemoryStore(0x10000));
      const driver = new BlockDriver(machine, 0);
      driver.probe();
      driver.negotiate(F_VERSION_1);
      driver.setUpQueue(layout, NO_VECTOR);
      expect(driver.pci.read(driver.common + 0x1c, 2)).toBe(0n);
      expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
      driver.notify();
      expect(machine.clock.pending).toBe(0);
    });
  }

  it('features that are not offered, or no VERSION_1 → FEATURES_OK does not stick', () => {
    const machine = new Machine(RAM);
    machine.addDisk(0, createMemoryStore(0x10000));
    const driver = new BlockDriver(machine, 0);
    driver.probe();
    expect(driver.negotiate(F_VERSION_1 | (1n << 33n))).toBe(false);
    expect(driver.negotiate(0n)).toBe(false);
    driver.status = 3 | 4;
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
    driver.status = 0;
    expect(driver.negotiate(F_VERSION_1)).toBe(true);
  });

  it('vectors that do not exist read back as none; a queue that does not exist has size 0', () => {
    const { driver } = started();
    driver.pci.write(driver.common + 0x10, 2, 7);
    expect(driver.pci.read(driver.common + 0x10, 2)).toBe(0xffffn);
    driver.pci.write(driver.common + 0x16, 2, 1);
    expect(driver.pci.read(driver.common + 0x18, 2)).toBe(0n);
    driver.pci.write(driver.common + 0x1c, 2, 1);
    expect(driver.pci.read(driver.common + 0x1c, 2)).toBe(0n);
  });

  it('random rings, tables and register writes: no exception, no access outside memory', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.nat(0x37),
            fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
            fc.bigInt(0n, 2n ** 64n - 1n),
          ),
          { maxLength: 12 },
        ),
        fc.array(
          fc.record({
            raddr: fc.oneof(fc.nat(RAM * 2), fc.constant(0x20000)),
            length: fc.oneof(fc.nat(2000), fc.nat(0xffffffff), fc.constant(16)),
            flags: fc.nat(7),
            next: fc.nat(17),
          }),
          { minLength: 1, maxLength: 16 },
        ),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.array(fc.nat(20), { maxLength: 6 }),
        fc.boolean(),
        (writes, descriptors, header, heads, eventIndex) => {
          const { machine, driver } = started(F_VERSION_1 | F_INDIRECT | (eventIndex ? F_EVENT_IDX : 0n));
          machine.memory.write(0x20000, header);
          for (const [i, { raddr, length, flags, next }] of descriptors.entries()) {
            driver.descriptor(driver.queue.descriptors, i, raddr, length, flags, next);
            driver.descriptor(0x20000 + 0x100, i, raddr, length, flags, next);
          }
          for (const head of heads) driver.offer(head);
          driver.notify();
          machine.clock.advance(100_000);
          for (const [offset, size, value] of writes)
            driver.pci.write(driver.common + offset, size, value & ((1n << BigInt(size * 8)) - 1n));
          driver.notify();
          machine.clock.advance(100_000);
          driver.status = 0;
          expect(driver.status).toBe(0);
        },
      ),
      { numRuns: 150, seed: 20260101 },
    );
  });
});
