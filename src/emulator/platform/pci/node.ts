/**
 * The device tree node of the PCI host bridge, one child a device.
 * Source: LoPAR, "LoPAR Binding" (PCI host bridge and PCI properties, LPAR option properties); PCI Bus Binding to
 * IEEE 1275 2.1 (addresses, child properties), Open Firmware Interrupt Mapping 0.9 (interrupt-map).
 * BARs are not assigned here: the guest does that, and linux,pci-probe-only is absent, which lets it.
 */

import type { FdtNode } from '../../../base/fdt/index.ts';
import { node } from '../../../base/fdt/index.ts';
import type { PciBar } from '../../devices/pci/index.ts';
import { PCI_WINDOWS, type PciHostBridge, type PciSlot, PHB_BUID } from './host-bridge.ts';
import type { TceTable } from './tce.ts';

export type PciNodeOptions = {
  /** The interrupt controller's phandle; it takes two cells: source number, and 1 for a level. */
  readonly interruptPhandle: number;
};

/** Space codes of phys.hi, bits 24 and 25. */
const SPACE_CODES = { io: 0x0100_0000, memory32: 0x0200_0000, memory64: 0x0300_0000 } as const;
const LEVEL = 1;
const SLOTS = 32;
const PINS = [1, 2, 3, 4] as const;
const BAR0 = 0x10;

/** The node of `bridge`, for the root of the tree. The root has two address cells and two size cells. */
export function pciHostBridgeNode(bridge: PciHostBridge, table: TceTable, options: PciNodeOptions): FdtNode {
  const messages = bridge.slots.reduce((sum, slot) => sum + slot.sources.length, 0);
  return node(
    `pci@${PHB_BUID.toString(16)}`,
    {
      device_type: 'pci',
      compatible: 'IBM,Logical_PHB',
      reg: [PHB_BUID, 0n],
      '#address-cells': 3,
      '#size-cells': 2,
      '#interrupt-cells': 1,
      'bus-range': [0, 0xff],
      ranges: PCI_WINDOWS.flatMap((window) => [
        SPACE_CODES[window.space],
        BigInt(window.busBase),
        BigInt(window.base),
        BigInt(window.size),
      ]),
      'interrupt-map-mask': [0xf800, 0, 0, 0xffff_ffff],
      'interrupt-map': interruptMap(bridge, options.interruptPhandle),
      'ibm,dma-window': [table.liobn, 0n, BigInt(table.windowBytes)],
      'ibm,#dma-address-cells': 2,
      'ibm,#dma-size-cells': 2,
      // Conventional configuration space, 256 bytes a device.
      'ibm,pci-config-space-type': 0,
      'ibm,pe-total-#msi': messages,
      'used-by-rtas': true,
    },
    bridge.slots.map(deviceNode),
  );
}

/** Every slot and pin, whether a device is there or not, as the bridge is wired. */
function interruptMap(bridge: PciHostBridge, phandle: number): number[] {
  const map: number[] = [];
  for (let slot = 0; slot < SLOTS; slot++) {
    for (const pin of PINS) map.push(slot << 11, 0, 0, pin, phandle, bridge.lsi(slot, pin).number, LEVEL);
  }
  return map;
}

function deviceNode(slot: PciSlot): FdtNode {
  const { identity, bars } = slot.device.function;
  const devfn = slot.number << 3;
  const config = (devfn << 8) >>> 0;
  return node(
    `${deviceName(identity.classCode, identity.vendorId, identity.deviceId)}@${slot.number.toString(16)}`,
    {
      reg: [config, 0n, 0n, ...bars.flatMap((bar) => [barAddress(config, bar), 0n, BigInt(bar.size)])],
      'vendor-id': identity.vendorId,
      'device-id': identity.deviceId,
      'revision-id': identity.revisionId,
      'class-code': identity.classCode,
      'subsystem-vendor-id': identity.subsystemVendorId,
      'subsystem-id': identity.subsystemId,
      'cache-line-size': 0,
      'devsel-speed': 0,
      'min-grant': 0,
      'max-latency': 0,
      ...(identity.interruptPin === 0 ? {} : { interrupts: identity.interruptPin }),
      'ibm,loc-code': `slot ${slot.number}`,
      ...(slot.sources.length === 0 ? {} : { 'ibm,req#msi-x': slot.sources.length }),
    },
  );
}

function barAddress(config: number, bar: PciBar): number {
  return (SPACE_CODES[bar.space] | config | (BAR0 + bar.index * 4)) >>> 0;
}

/** Generic names for the classes of the devices here; the binding's fallback for the others. */
function deviceName(classCode: number, vendorId: number, deviceId: number): string {
  if (classCode >>> 8 === 0x0100) return 'scsi';
  return `pci${vendorId.toString(16)},${deviceId.toString(16)}`;
}
