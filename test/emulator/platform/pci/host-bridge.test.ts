/** The bridge: address windows, slots, interrupts, and its RTAS services. */

import { describe, expect, it } from 'vitest';
import { PciFunction } from '../../../../src/emulator/devices/pci/index.ts';
import { createMemoryStore } from '../../../../src/emulator/devices/virtio/index.ts';
import { type PciDevice, PHB_BUID } from '../../../../src/emulator/platform/pci/index.ts';
import { Machine, PciGuest } from '../../devices/virtio/guest-driver.ts';

const BUID = [Number(PHB_BUID >> 32n), Number(PHB_BUID & 0xffff_ffffn)] as const;

/** A function with one BAR of each kind, whose registers answer which BAR they are. */
function probe(interruptPin: 0 | 1 | 2 | 3 | 4 = 1): PciDevice & { readonly written: string[] } {
  const written: string[] = [];
  const registers = (name: string, value: bigint) => ({
    read: (offset: number) => value + BigInt(offset),
    write: (offset: number, size: number, data: bigint) => {
      written.push(`${name}+${offset}/${size}=${data}`);
    },
  });
  const identity = {
    vendorId: 0x1234,
    deviceId: 0x5678,
    classCode: 0xff0000,
    revisionId: 0,
    subsystemVendorId: 0,
    subsystemId: 0,
    interruptPin,
  } as const;
  const f = new PciFunction(
    identity,
    [
      { index: 0, space: 'io', size: 0x20, registers: registers('io', 0x1000n) },
      { index: 1, space: 'memory32', size: 0x1000, registers: registers('m32', 0x2000n) },
      { index: 2, space: 'memory64', size: 0x2000, registers: registers('m64', 0x3000n) },
    ],
    [],
  );
  return { function: f, reset: () => f.reset(), written };
}

describe('PciHostBridge', () => {
  it('BARs sized and placed by the guest → their sizes, and registers at their real addresses', () => {
    const machine = new Machine();
    machine.bridge.attach(0, probe());
    const guest = new PciGuest(machine, 0);
    guest.placeBars();
    expect([...guest.bars].map(([index, { size }]) => [index, size])).toEqual([
      [0, 0x20],
      [1, 0x1000],
      [2, 0x2000],
    ]);
    expect(guest.read(guest.bars.get(1)!.base + 4, 4)).toBe(0x2004n);
    expect(guest.read(guest.bars.get(2)!.base + 4, 4)).toBe(0x3004n);
  });

  it('regions follow BAR writes and the enable bits', () => {
    const machine = new Machine();
    const device = probe();
    machine.bridge.attach(3, device);
    const guest = new PciGuest(machine, 3);
    guest.setConfig(0x10, 4, 0x400);
    guest.setConfig(0x14, 4, 0x8001_0000);
    guest.setConfig(0x18, 4, 0x2000);
    guest.setConfig(0x1c, 4, 0x2100);
    guest.setConfig(4, 2, 3);
    expect(guest.read(0x2000_0000_0404, 4)).toBe(0x1004n);
    expect(guest.read(0x2000_8001_0008, 4)).toBe(0x2008n);
    expect(guest.read(0x2100_0000_2010, 8)).toBe(0x3010n);
    guest.write(0x2100_0000_3ffc, 4, 7n);
    expect(device.written).toEqual(['m64+8188/4=7']);
    expect(machine.reports.all).toEqual([]);

    guest.setConfig(0x14, 4, 0x9000_0000);
    expect(guest.read(0x2000_9000_0000, 4)).toBe(0x2000n);
    expect(guest.read(0x2000_8001_0000, 4)).toBe(0xffff_ffffn);
    guest.setConfig(4, 2, 1);
    expect(guest.read(0x2000_9000_0000, 4)).toBe(0xffff_ffffn);
    expect(guest.read(0x2000_0000_0400, 4)).toBe(0x1000n);
    expect(machine.reports.all.map(({ where }) => where)).toEqual([
      '0x0000200080010000',
      '0x0000200090000000',
    ]);
  });

  it('a 64-bit BAR placed in the low window decodes there; one outside every window decodes nowhere', () => {
    const machine = new Machine();
    machine.bridge.attach(0, probe());
    const guest = new PciGuest(machine, 0);
    guest.setConfig(0x18, 4, 0xa000_0000);
    guest.setConfig(4, 2, 2);
    expect(guest.read(0x2000_a000_0000, 4)).toBe(0x3000n);
    guest.setConfig(0x1c, 4, 1);
    expect(guest.read(0x2000_a000_0000, 4)).toBe(0xffff_ffffn);
  });

  it('an access over the end of a BAR → master abort', () => {
    const machine = new Machine();
    const device = probe();
    machine.bridge.attach(0, device);
    const guest = new PciGuest(machine, 0);
    guest.setConfig(0x14, 4, 0x8000_0000);
    guest.setConfig(4, 2, 2);
    expect(guest.read(0x2000_8000_0ffc, 8)).toBe(0xffff_ffff_ffff_ffffn);
    guest.write(0x2000_8000_0ffc, 8, 1n);
    expect(device.written).toEqual([]);
    expect(machine.reports.keys()).toEqual(['pci read master abort', 'pci write master abort']);
  });

  it('outside the windows → nothing', () => {
    const { bridge } = new Machine();
    for (const raddr of [0, 0x1fff_ffff_ffff, 0x2000_0001_0000, 0x2001_0000_0000, 0x2200_0000_0000])
      expect(bridge.find(raddr)).toBeUndefined();
    expect(bridge.find(0x2000_0000_ffff)?.offset).toBe(0xffff);
  });

  it('INTx of two slots on one line → wired or', () => {
    const machine = new Machine();
    const [a, b] = [probe(1), probe(1)];
    machine.bridge.attach(1, a);
    machine.bridge.attach(5, b);
    const line = machine.bridge.lsi(1, 1).number;
    expect(machine.bridge.lsi(5, 1).number).toBe(line);
    expect(new Set([0, 1, 2, 3].map((slot) => machine.bridge.lsi(slot, 1).number)).size).toBe(4);
    expect(machine.bridge.lsi(0, 2).number).toBe(line);
    a.function.setIntx(true);
    b.function.setIntx(true);
    a.function.setIntx(false);
    expect(machine.interrupts.levels.get(line)).toBe(true);
    b.function.setIntx(false);
    expect(machine.interrupts.levels.get(line)).toBe(false);
  });
});

describe('PCI configuration by RTAS', () => {
  function disk() {
    const machine = new Machine();
    machine.addDisk(1, createMemoryStore(512));
    return machine;
  }

  it('reads and writes the device that the address names, by either call', () => {
    const machine = disk();
    expect(machine.rtas('ibm,read-pci-config', 0x0800, ...BUID, 4)).toEqual([0, 0x10421af4]);
    expect(machine.rtas('read-pci-config', 0x0802, 2)).toEqual([0, 0x1042]);
    expect(machine.rtas('write-pci-config', 0x083c, 1, 9)).toEqual([0]);
    expect(machine.rtas('ibm,read-pci-config', 0x083c, ...BUID, 1)).toEqual([0, 9]);
    expect(machine.rtas('ibm,write-pci-config', 0x083c, ...BUID, 1, 0x15)).toEqual([0]);
    expect(machine.rtas('ibm,read-pci-config', 0x083c, ...BUID, 4)).toEqual([0, 0x115]);
  });

  it('absent devices, functions, buses, bridges and registers → all ones, success', () => {
    const machine = disk();
    for (const address of [0x0000, 0x0900, 0x1_0800, 0x1000_0800])
      expect(machine.rtas('ibm,read-pci-config', address, ...BUID, 4)).toEqual([0, 0xffff_ffff]);
    expect(machine.rtas('ibm,read-pci-config', 0x0800, 0, 0, 2)).toEqual([0, 0xffff]);
    expect(machine.rtas('ibm,write-pci-config', 0x1000_0800, ...BUID, 4, 0)).toEqual([0]);
    expect(machine.rtas('ibm,write-pci-config', 0x0000, ...BUID, 1, 0)).toEqual([0]);
  });

  it('bad sizes and alignments → parameter error', () => {
    const machine = disk();
    for (const [address, size] of [
      [0x800, 3],
      [0x800, 0],
      [0x800, 8],
      [0x801, 2],
      [0x802, 4],
    ] as const) {
      expect(machine.rtas('ibm,read-pci-config', address, ...BUID, size)[0]).toBe(-3);
      expect(machine.rtas('ibm,write-pci-config', address, ...BUID, size, 0)).toEqual([-3]);
    }
  });
});

describe('ibm,change-msi', () => {
  function set() {
    const machine = new Machine();
    const disk = machine.addDisk(1, createMemoryStore(512));
    const change = (operation: number, count: number) =>
      machine.rtas('ibm,change-msi', 0x800, ...BUID, operation, count, 1);
    const query = (vector: number) =>
      machine.rtas('ibm,query-interrupt-source-number', 0x800, ...BUID, vector);
    return { machine, disk, change, query };
  }

  it('starts with the LSI; grants at most what the device has; queries without changing', () => {
    const { machine, change, query } = set();
    expect(change(0, 0)).toEqual([0, 0, 2, 0]);
    expect(query(0)).toEqual([0, machine.bridge.lsi(1, 1).number, 0]);
    expect(query(1)[0]).toBe(1);
    expect(change(4, 1)).toEqual([0, 1, 2, 2]);
    expect(query(1)[0]).toBe(1);
    expect(change(4, 64)).toEqual([0, 2, 2, 2]);
    expect(change(0, 0)).toEqual([0, 2, 2, 2]);
    const numbers = [query(0), query(1)];
    expect(numbers.map(([status, , trigger]) => [status, trigger])).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(new Set(numbers.map(([, number]) => number)).size).toBe(2);
    expect(query(2)[0]).toBe(1);
  });

  it('a grant switches INTx off in the function; taking all away switches MSI-X off and INTx on', () => {
    const { machine, disk, change } = set();
    const guest = new PciGuest(machine, 1);
    guest.placeBars();
    guest.enableMsix(2);
    expect(guest.config(4, 2) & 0x400).toBe(0x400);
    expect(disk.msix.enabled).toBe(true);
    expect(change(3, 0)).toEqual([0, 0, 2, 0]);
    expect(guest.config(4, 2) & 0x400).toBe(0);
    expect(disk.msix.enabled).toBe(false);
    expect(guest.read(guest.bars.get(1)!.base, 8)).toBe(0n);
    guest.enableMsix(2);
    expect(change(2, 0)).toEqual([0, 0, 2, 0]);
    expect(disk.msix.enabled).toBe(false);
  });

  it('MSI, unknown functions, unknown devices → parameter error, nothing changed', () => {
    const { machine, change, query } = set();
    change(4, 2);
    for (const operation of [3, 5, 6]) expect(change(operation, 1)[0]).toBe(-3);
    expect(query(1)[0]).toBe(0);
    expect(machine.rtas('ibm,change-msi', 0x1000, ...BUID, 4, 1, 1)[0]).toBe(-3);
    expect(machine.rtas('ibm,change-msi', 0x800, 1, 1, 4, 1, 1)[0]).toBe(-3);
    expect(machine.rtas('ibm,query-interrupt-source-number', 0x1000, ...BUID, 0)[0]).toBe(-3);
  });

  it('a message to an address or with data of no source → reported, no interrupt', () => {
    const { machine, disk } = set();
    disk.function.port.message(0x1000n, 0x1204);
    disk.function.port.message(0x400_0000_0000n, 1);
    expect([...machine.interrupts.pulses.values()]).toEqual([0, 0]);
    expect(machine.reports.keys()).toEqual(['pci message to no source', 'pci message to no source']);
  });
});
