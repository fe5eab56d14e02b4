/** The bridge's node, as a guest reads it. */

import { describe, expect, it } from 'vitest';
import {
  asString,
  asU32,
  buildFdt,
  cells,
  findNode,
  node,
  parseFdt,
} from '../../../../src/base/fdt/index.ts';
import { createMemoryStore } from '../../../../src/emulator/devices/virtio/index.ts';
import {
  DEFAULT_DMA_WINDOW_BYTES,
  pciHostBridgeNode,
  TceTable,
} from '../../../../src/emulator/platform/pci/index.ts';
import { Machine } from '../../devices/virtio/guest-driver.ts';

function built() {
  const machine = new Machine();
  machine.addDisk(1, createMemoryStore(512));
  machine.addDisk(0, createMemoryStore(512));
  const bridge = pciHostBridgeNode(machine.bridge, new TceTable(machine.memory), {
    interruptPhandle: 0x1111,
  });
  // Through a blob, as the guest gets it.
  const tree = parseFdt(buildFdt({ root: node('', {}, [bridge]), reservations: [], bootCpu: 0 }));
  const found = findNode(tree.root, '/pci@800000020000000');
  if (found === undefined) throw new Error('no bridge');
  return { machine, bridge: found };
}

const value = (of: ReturnType<typeof built>['bridge'], name: string): Uint8Array => {
  const bytes = of.properties.get(name);
  if (bytes === undefined) throw new Error(`no ${name}`);
  return bytes;
};

describe('pciHostBridgeNode', () => {
  it('names the bridge, its windows and its DMA window', () => {
    const { bridge } = built();
    expect(asString(value(bridge, 'compatible'))).toBe('IBM,Logical_PHB');
    expect(asString(value(bridge, 'device_type'))).toBe('pci');
    expect(cells(value(bridge, 'reg'))).toEqual([0x8000000, 0x20000000, 0, 0]);
    expect(cells(value(bridge, 'ranges'))).toEqual([
      0x1000000, 0, 0, 0x2000, 0, 0, 0x10000, 0x2000000, 0, 0x80000000, 0x2000, 0x80000000, 0, 0x80000000,
      0x3000000, 0x2100, 0, 0x2100, 0, 0x100, 0,
    ]);
    expect(cells(value(bridge, 'ibm,dma-window'))).toEqual([0x80000000, 0, 0, 0, DEFAULT_DMA_WINDOW_BYTES]);
    expect(asU32(value(bridge, 'ibm,pe-total-#msi'))).toBe(4);
    expect(bridge.properties.has('ibm,ddw-applicable')).toBe(false);
  });

  it('maps every slot and pin to the source that the bridge drives', () => {
    const { machine, bridge } = built();
    const map = cells(value(bridge, 'interrupt-map'));
    expect(map).toHaveLength(32 * 4 * 7);
    for (let slot = 0; slot < 32; slot++) {
      for (let pin = 1; pin <= 4; pin++) {
        const at = (slot * 4 + pin - 1) * 7;
        expect(map.slice(at, at + 7)).toEqual([
          slot << 11,
          0,
          0,
          pin,
          0x1111,
          machine.bridge.lsi(slot, pin).number,
          1,
        ]);
      }
    }
  });

  it('has one child a device, by slot, with the values that its configuration space gives', () => {
    const { machine, bridge } = built();
    expect(bridge.children.map(({ name }) => name)).toEqual(['scsi@0', 'scsi@1']);
    const disk = bridge.children[1]!;
    expect(cells(value(disk, 'reg'))).toEqual([
      0x800, 0, 0, 0, 0, 0x2000814, 0, 0, 0, 0x1000, 0x3000820, 0, 0, 0, 0x4000,
    ]);
    const config = (offset: number, size: number) => machine.rtas('read-pci-config', 0x800 | offset, size)[1];
    expect(asU32(value(disk, 'vendor-id'))).toBe(config(0, 2));
    expect(asU32(value(disk, 'device-id'))).toBe(config(2, 2));
    expect(asU32(value(disk, 'class-code'))).toBe(config(8, 4)! >>> 8);
    expect(asU32(value(disk, 'revision-id'))).toBe(config(8, 1));
    expect(asU32(value(disk, 'subsystem-vendor-id'))).toBe(config(0x2c, 2));
    expect(asU32(value(disk, 'subsystem-id'))).toBe(config(0x2e, 2));
    expect(asU32(value(disk, 'interrupts'))).toBe(config(0x3d, 1));
    expect(asU32(value(disk, 'ibm,req#msi-x'))).toBe(2);
  });
});
