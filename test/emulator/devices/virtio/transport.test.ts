/** The transport's structures: where a driver finds them, and access to them through configuration space. */

import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../../src/emulator/devices/virtio/index.ts';
import { BlockDriver, F_VERSION_1, Machine } from './guest-driver.ts';

function set() {
  const machine = new Machine();
  machine.addDisk(0, createMemoryStore(0x2000));
  const driver = new BlockDriver(machine, 0);
  return { machine, driver };
}

describe('VirtioPci', () => {
  it('is a non-transitional device: its id says so, and no I/O BAR is there', () => {
    const { driver } = set();
    expect(driver.pci.config(0, 4)).toBe(0x10421af4);
    expect(driver.pci.config(8, 1)).toBe(1);
    driver.pci.placeBars();
    expect([...driver.pci.bars].map(([index, { size }]) => [index, size])).toEqual([
      [1, 0x1000],
      [4, 0x4000],
    ]);
  });

  it('has MSI-X and five vendor capabilities, each structure inside its BAR', () => {
    const { driver } = set();
    const { pci } = driver;
    pci.placeBars();
    const found = pci.capabilities().map(({ id, at }) => (id === 9 ? pci.config(at + 3, 1) : `id ${id}`));
    expect(found).toEqual(['id 17', 1, 3, 4, 2, 5]);
    for (const { id, at } of pci.capabilities()) {
      if (id !== 9 || pci.config(at + 3, 1) === 5) continue;
      const bar = pci.bars.get(pci.config(at + 4, 1))!;
      expect(pci.config(at + 12, 4)).toBeGreaterThan(0);
      expect(pci.config(at + 8, 4) + pci.config(at + 12, 4)).toBeLessThanOrEqual(bar.size);
    }
  });

  it('the configuration access capability reads and writes any structure, memory decoding off', () => {
    const { driver } = set();
    const { pci } = driver;
    const at = pci.capabilities().find((cap) => cap.id === 9 && pci.config(cap.at + 3, 1) === 5)!.at;
    const window = (offset: number, length: number, bar = 4) => {
      pci.setConfig(at + 4, 1, bar);
      pci.setConfig(at + 8, 4, offset);
      pci.setConfig(at + 12, 4, length);
    };
    window(0x12, 2);
    expect(pci.config(at + 16, 2)).toBe(1);
    window(0x14, 1);
    pci.setConfig(at + 16, 1, 3);
    expect(pci.config(at + 16, 1)).toBe(3);
    window(0x2000, 4);
    expect(pci.config(at + 16, 4)).toBe(0x2000 / 512);
    // What the specification rules out moves nothing: the data register reads what it held.
    for (const [offset, length, bar] of [
      [0x2002, 4, 4],
      [0x2000, 3, 4],
      [0x4000, 4, 4],
      [0, 4, 5],
      [0xffff_fffc, 4, 4],
    ] as const) {
      window(offset, length, bar);
      expect(pci.config(at + 16, 4)).toBe(0x2000 / 512);
    }
    pci.setConfig(at + 2, 2, 0);
    expect(pci.config(at + 2, 2)).toBe(0x0514);
  });

  it('accesses that are no field’s own width → all ones or dropped, and reported', () => {
    const { machine, driver } = set();
    driver.probe();
    expect(driver.pci.read(driver.common, 8)).toBe(0xffff_ffff_ffff_ffffn);
    expect(driver.pci.read(driver.common + 0x15, 2)).toBe(0xffffn);
    expect(driver.pci.read(driver.device + 24, 4)).toBe(0xffff_ffffn);
    driver.pci.write(driver.device, 4, 1);
    driver.pci.write(driver.common + 4, 4, 1);
    driver.pci.write(driver.notifyAt + 4, 2, 0);
    expect(machine.reports.keys()).toEqual([
      'virtio+0x0/8',
      'virtio+0x15/2',
      'virtio+0x2018/4',
      'virtio+0x2000/4',
      'virtio+0x4/4',
      'virtio+0x3004/2',
    ]);
  });

  it('a queue that is enabled cannot be moved or disabled; only a reset does', () => {
    const { machine, driver } = set();
    driver.start({ features: F_VERSION_1 });
    driver.pci.write(driver.common + 0x20, 4, 0x18000);
    driver.pci.write(driver.common + 0x18, 2, 4);
    driver.pci.write(driver.common + 0x1c, 2, 0);
    expect(driver.pci.read(driver.common + 0x20, 4)).toBe(BigInt(driver.queue.descriptors));
    expect(driver.pci.read(driver.common + 0x18, 2)).toBe(BigInt(driver.queue.size));
    expect(driver.pci.read(driver.common + 0x1c, 2)).toBe(1n);
    expect(machine.reports.keys()).toEqual(new Array(3).fill('virtio: forbidden write'));
    expect(driver.run(4, 0, []).status).toBe(0);
  });

  it('a notification before DRIVER_OK is nothing', () => {
    const { machine, driver } = set();
    driver.probe();
    driver.notify();
    expect(machine.clock.pending).toBe(0);
  });
});
