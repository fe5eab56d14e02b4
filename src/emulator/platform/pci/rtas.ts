/**
 * The RTAS services of a PCI host bridge: configuration space and message interrupts.
 * Source: LoPAR, "Call Function Definition": "PCI Configuration Space" and "MSI Support".
 * The devices here have MSI-X alone, and by default LSIs: requests for MSI are refused.
 * Left out, and absent from the tree: the error isolation (EEH) services, 32-bit MSI, dynamic DMA windows.
 */

import { CONFIG_SIZE } from '../../devices/pci/index.ts';
import type { RtasFamily } from '../contract/contract.ts';
import { RTAS } from '../contract/status.ts';
import { type PciHostBridge, type PciSlot, PHB_BUID } from './host-bridge.ts';

const CHANGE_QUERY = 0;
const CHANGE_SET = 1;
const CHANGE_RESET = 2;
const CHANGE_MSI = 3;
const CHANGE_MSIX = 4;

const TYPE_MSIX = 2;
/** ibm,query-interrupt-source-number: nothing is assigned to that number. */
const NO_INTERRUPT = 1;
const TRIGGER_LEVEL = 0;
const TRIGGER_EDGE = 1;

/** The services, for the tables of the machine that holds `bridge`. */
export function pciRtasFamily(bridge: PciHostBridge): RtasFamily {
  // A unit id of another bridge has no devices.
  const find = (address: number, high: number, low: number): PciSlot | undefined =>
    (BigInt(high) << 32n) + BigInt(low) === PHB_BUID ? bridge.slotAt(address) : undefined;
  return new Map<
    string,
    {
      nargs: number;
      nrets: number;
      minNrets?: number;
      handler: (vcpu: unknown, args: readonly number[]) => readonly number[];
    }
  >([
    // Without a unit id the address names a device of the only bridge.
    [
      'read-pci-config',
      {
        nargs: 2,
        nrets: 2,
        handler: (_, [address = 0, size = 0]) => read(bridge.slotAt(address), address, size),
      },
    ],
    [
      'write-pci-config',
      {
        nargs: 3,
        nrets: 1,
        handler: (_, [address = 0, size = 0, value = 0]) =>
          write(bridge.slotAt(address), address, size, value),
      },
    ],
    [
      'ibm,read-pci-config',
      {
        nargs: 4,
        nrets: 2,
        handler: (_, [address = 0, high = 0, low = 0, size = 0]) =>
          read(find(address, high, low), address, size),
      },
    ],
    [
      'ibm,write-pci-config',
      {
        nargs: 5,
        nrets: 1,
        handler: (_, [address = 0, high = 0, low = 0, size = 0, value = 0]) =>
          write(find(address, high, low), address, size, value),
      },
    ],
    [
      'ibm,change-msi',
      {
        nargs: 6,
        // Three where the caller is not interested in the type.
        nrets: 4,
        minNrets: 3,
        handler: (_, [address = 0, high = 0, low = 0, operation = 0, count = 0, sequence = 0]) =>
          changeMsi(bridge, find(address, high, low), operation, count, sequence),
      },
    ],
    [
      'ibm,query-interrupt-source-number',
      {
        nargs: 4,
        nrets: 3,
        handler: (_, [address = 0, high = 0, low = 0, vector = 0]) =>
          querySource(bridge, find(address, high, low), vector),
      },
    ],
  ]);
}

/** A register access: where, or why not. */
type Access =
  | { readonly kind: 'register'; readonly offset: number; readonly size: 1 | 2 | 4 }
  | { readonly kind: 'bad' };

/** The register of a configuration address, its extended bits included. Accesses are aligned to their size. */
function access(address: number, size: number): Access {
  const offset = ((address >>> 20) & 0xf00) | (address & 0xff);
  if ((size !== 1 && size !== 2 && size !== 4) || offset % size !== 0) return { kind: 'bad' };
  return { kind: 'register', offset, size };
}

/** Absent devices, and space that a device does not have, read as all ones, successfully. */
function read(slot: PciSlot | undefined, address: number, size: number): readonly number[] {
  const at = access(address, size);
  if (at.kind === 'bad') return [RTAS.parameterError, 0xffff_ffff];
  const present = slot !== undefined && at.offset < CONFIG_SIZE;
  return [
    RTAS.success,
    present ? slot.device.function.readConfig(at.offset, at.size) : 0xffff_ffff >>> (32 - at.size * 8),
  ];
}

/** Writes to absent devices are ignored, successfully. */
function write(slot: PciSlot | undefined, address: number, size: number, value: number): readonly number[] {
  const at = access(address, size);
  if (at.kind === 'bad') return [RTAS.parameterError];
  if (at.offset < CONFIG_SIZE) slot?.device.function.writeConfig(at.offset, at.size, value);
  return [RTAS.success];
}

/**
 * Asks for messages. Answers how many are assigned then, which may be fewer, and the next sequence number. Asking for
 * none takes all away, whichever kind is named.
 */
function changeMsi(
  bridge: PciHostBridge,
  slot: PciSlot | undefined,
  operation: number,
  count: number,
  sequence: number,
): readonly number[] {
  const refused = [RTAS.parameterError, 0, sequence, 0];
  if (slot === undefined || slot.sources.length === 0) return refused;
  switch (operation) {
    case CHANGE_QUERY:
      break;
    case CHANGE_MSI:
      if (count !== 0) return refused;
      bridge.grantMessages(slot, 0);
      break;
    case CHANGE_RESET:
      // The default is LSIs.
      bridge.grantMessages(slot, 0);
      break;
    case CHANGE_SET:
    case CHANGE_MSIX:
      bridge.grantMessages(slot, Math.min(count, slot.sources.length));
      break;
    default:
      return refused;
  }
  return [RTAS.success, slot.granted, (sequence + 1) >>> 0, slot.granted === 0 ? 0 : TYPE_MSIX];
}

/** Interrupt `vector` of a device: a message, or the LSI while it has none. */
function querySource(bridge: PciHostBridge, slot: PciSlot | undefined, vector: number): readonly number[] {
  if (slot === undefined) return [RTAS.parameterError, 0, 0];
  const source = vector < slot.granted ? slot.sources[vector] : undefined;
  if (source !== undefined) return [RTAS.success, source.number, TRIGGER_EDGE];
  const pin = slot.device.function.identity.interruptPin;
  if (slot.granted === 0 && vector === 0 && pin !== 0)
    return [RTAS.success, bridge.lsi(slot.number, pin).number, TRIGGER_LEVEL];
  return [NO_INTERRUPT, 0, 0];
}
