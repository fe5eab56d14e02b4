/** A PCI function by itself: header, BARs, capabilities, MSI-X. */

import { describe, expect, it } from 'vitest';
import type { PciBar, PciRegisters } from '../../../../src/emulator/devices/pci/index.ts';
import { CAP_VENDOR, Msix, PciFunction } from '../../../../src/emulator/devices/pci/index.ts';
import { Reports } from '../virtio/fakes.ts';

const NOTHING: PciRegisters = { read: () => 0n, write: () => {} };
const IDENTITY = {
  vendorId: 0x1af4,
  deviceId: 0x1042,
  classCode: 0x010203,
  revisionId: 4,
  subsystemVendorId: 0x1111,
  subsystemId: 0x2222,
  interruptPin: 2,
} as const;
const BARS: PciBar[] = [
  { index: 0, space: 'io', size: 0x80, registers: NOTHING },
  { index: 1, space: 'memory32', size: 0x1000, registers: NOTHING },
  { index: 4, space: 'memory64', size: 0x4000, registers: NOTHING },
];

describe('PciFunction', () => {
  it('header → identity at its places, in every access size', () => {
    const f = new PciFunction(IDENTITY, BARS, []);
    expect(f.readConfig(0, 4)).toBe(0x10421af4);
    expect(f.readConfig(2, 2)).toBe(0x1042);
    expect(f.readConfig(8, 4)).toBe(0x01020304);
    expect(f.readConfig(0x2c, 4)).toBe(0x22221111);
    expect(f.readConfig(0x3d, 1)).toBe(2);
    expect(f.readConfig(0x34, 1)).toBe(0);
    expect(f.readConfig(6, 2)).toBe(0);
  });

  it('read-only registers keep their values; command, interrupt line and cache line size take theirs', () => {
    const f = new PciFunction(IDENTITY, BARS, []);
    for (let at = 0; at < 256; at += 4) if (at < 0x10 || at >= 0x28) f.writeConfig(at, 4, 0xffff_ffff);
    expect(f.readConfig(0, 4)).toBe(0x10421af4);
    expect(f.readConfig(4, 2)).toBe(0x0547);
    expect(f.readConfig(0x0c, 4)).toBe(0xffff);
    expect(f.readConfig(0x3c, 2)).toBe(0x02ff);
    expect(f.readConfig(0x30, 4)).toBe(0);
    expect(f.readConfig(0x80, 4)).toBe(0);
  });

  it('a BAR written with ones → reads its size and kind; unimplemented ones read 0', () => {
    const f = new PciFunction(IDENTITY, BARS, []);
    for (let at = 0x10; at < 0x28; at += 4) f.writeConfig(at, 4, 0xffff_ffff);
    expect([0x10, 0x14, 0x18, 0x1c, 0x20, 0x24].map((at) => f.readConfig(at, 4))).toEqual([
      0xffffff81, 0xfffff000, 0, 0, 0xffffc004, 0xffffffff,
    ]);
  });

  it('BARs decode by their command bit and address; each change is reported to the bus', () => {
    const f = new PciFunction(IDENTITY, BARS, []);
    let remaps = 0;
    f.attach({ remap: () => remaps++, intx: () => {}, message: () => {} });
    f.writeConfig(0x10, 4, 0x1000);
    f.writeConfig(0x14, 4, 0x8000_0000);
    f.writeConfig(0x20, 4, 0x4000);
    f.writeConfig(0x24, 4, 0x2100);
    expect(f.mappings()).toEqual([]);
    f.writeConfig(4, 2, 1);
    expect(f.mappings().map(({ address }) => address)).toEqual([0x1000]);
    f.writeConfig(4, 2, 2);
    expect(f.mappings().map(({ address }) => address)).toEqual([0x8000_0000, 0x2100_0000_4000]);
    // A byte write changes its byte alone.
    f.writeConfig(0x15, 1, 0x50);
    expect(f.mappings()[0]?.address).toBe(0x8000_5000);
    expect(remaps).toBe(7);
    f.reset();
    expect(f.mappings()).toEqual([]);
    expect(f.readConfig(0x14, 4)).toBe(0);
  });

  it('capabilities → a chain in the order given, each writable only where it says', () => {
    const body = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const first = { id: CAP_VENDOR, body, writable: Uint8Array.of(0, 0xff, 0, 0, 0, 0) };
    const f = new PciFunction(IDENTITY, [], [first, { id: 0x11, body: new Uint8Array(10) }]);
    expect(f.readConfig(6, 2)).toBe(0x10);
    expect(f.readConfig(0x34, 1)).toBe(0x40);
    expect(f.readConfig(0x40, 4)).toBe(0x02014809);
    expect(f.readConfig(0x48, 2)).toBe(0x0011);
    f.writeConfig(0x40, 4, 0xffff_ffff);
    f.writeConfig(0x44, 4, 0xffff_ffff);
    expect(f.readConfig(0x40, 4)).toBe(0xff014809);
    expect(f.readConfig(0x44, 4)).toBe(0x06050403);
  });
});

describe('Msix', () => {
  function set() {
    const reports = new Reports();
    const msix = new Msix(3, 1, reports.report);
    const f = new PciFunction(IDENTITY, [msix.bar], [msix.capability]);
    msix.bind(f);
    const messages: [bigint, number][] = [];
    f.attach({ remap: () => {}, intx: () => {}, message: (address, data) => messages.push([address, data]) });
    f.onMasterChange = (on) => {
      if (on) msix.masterEnabled();
    };
    const control = (value: number) => f.writeConfig(0x42, 2, value);
    const unmask = (vector: number, masked = 0n) => msix.bar.registers.write(vector * 16 + 12, 4, masked);
    return { msix, f, messages, reports, control, unmask };
  }

  it('the capability has table size, table and pending bits', () => {
    const { f } = set();
    expect(f.readConfig(0x42, 2)).toBe(2);
    expect(f.readConfig(0x44, 4)).toBe(1);
    expect(f.readConfig(0x48, 4)).toBe(0x801);
  });

  it('a vector is masked at first; entry mask, function mask and bus master each hold a message back', () => {
    const { msix, f, messages, control, unmask } = set();
    msix.setMessage(1, 0x4000_0000n, 0x1234);
    msix.signal(1);
    expect(messages).toEqual([]);
    control(0xc000);
    f.writeConfig(4, 2, 0);
    msix.signal(1);
    unmask(1);
    expect(messages).toEqual([]);
    control(0x8000);
    expect(messages).toEqual([]);
    f.writeConfig(4, 2, 4);
    expect(messages).toEqual([[0x4000_0000n, 0x1234]]);
    msix.signal(1);
    expect(messages).toHaveLength(2);
    unmask(1, 1n);
    msix.signal(1);
    msix.signal(1);
    unmask(1);
    expect(messages).toHaveLength(3);
  });

  it('the guest’s own table writes take effect; reserved bits stay 0', () => {
    const { msix, f, messages, control } = set();
    f.writeConfig(4, 2, 4);
    control(0x8000);
    msix.bar.registers.write(0, 8, 0x1_0000_0007n);
    msix.bar.registers.write(8, 8, 0xffff_fffe_0000_0042n);
    expect(msix.bar.registers.read(0, 8)).toBe(0x1_0000_0004n);
    expect(msix.bar.registers.read(8, 8)).toBe(0x42n);
    msix.signal(0);
    expect(messages).toEqual([[0x1_0000_0004n, 0x42]]);
  });

  it('accesses of no register → all ones, dropped, reported', () => {
    const { msix, reports } = set();
    expect(msix.bar.registers.read(48, 4)).toBe(0xffff_ffffn);
    expect(msix.bar.registers.read(0, 2)).toBe(0xffffn);
    msix.bar.registers.write(0x400, 4, 1n);
    expect(reports.keys()).toEqual(['msix+0x30/4', 'msix+0x0/2', 'msix+0x400/4']);
  });

  it('disable → off, nothing pending', () => {
    const { msix, f, messages, control, unmask } = set();
    f.writeConfig(4, 2, 4);
    control(0x8000);
    msix.signal(2);
    msix.disable();
    expect(msix.enabled).toBe(false);
    control(0x8000);
    unmask(2);
    expect(messages).toEqual([]);
  });
});
