/**
 * Where the transport's structures are, and the vendor capabilities that say so.
 * Source: VIRTIO 1.1 §4.1.4 (struct virtio_pci_cap), §4.1.4.4 (notify), §4.1.4.7 (access through configuration space).
 */

import { type AccessSize, CAP_VENDOR, type PciCapability, type PciRegisters } from '../pci/index.ts';
import * as R from './registers.ts';

/** Each structure has a 4 KiB region of the BAR to itself. */
export const REGION_SIZE = 0x1000;
export const COMMON_AT = 0;
export const ISR_AT = 0x1000;
export const DEVICE_AT = 0x2000;
export const NOTIFY_AT = 0x3000;
export const NOTIFY_MULTIPLIER = 4;

const COMMON_SIZE = 0x38;
/** Bytes of struct virtio_pci_cap, its id and next pointer included. */
const CAP_SIZE = 16;

export type StructureOptions = {
  readonly bar: number;
  readonly queues: number;
  readonly deviceBytes: number;
  /** The registers behind a BAR, for access through configuration space. */
  readonly window: (bar: number) => PciRegisters | undefined;
  readonly windowSize: (bar: number) => number;
  /** A capability's live bytes. */
  readonly bytes: (capability: PciCapability) => Uint8Array;
};

/** The five vendor capabilities, in the order in which a driver meets them. */
export function vendorCapabilities(options: StructureOptions): PciCapability[] {
  const { bar } = options;
  const multiplier = new Uint8Array(4);
  new DataView(multiplier.buffer).setUint32(0, NOTIFY_MULTIPLIER, true);
  return [
    { id: CAP_VENDOR, body: body(R.CAP_COMMON, bar, COMMON_AT, COMMON_SIZE) },
    { id: CAP_VENDOR, body: body(R.CAP_ISR, bar, ISR_AT, 1) },
    { id: CAP_VENDOR, body: body(R.CAP_DEVICE, bar, DEVICE_AT, options.deviceBytes) },
    {
      id: CAP_VENDOR,
      body: body(R.CAP_NOTIFY, bar, NOTIFY_AT, options.queues * NOTIFY_MULTIPLIER, multiplier),
    },
    configurationAccess(options),
  ];
}

/** The window onto a BAR: bar, offset and length are written, then the data register is read or written. */
function configurationAccess(options: StructureOptions): PciCapability {
  const data = new Uint8Array(4);
  const writable = body(0, 0xff, 0xffff_ffff, 0xffff_ffff, new Uint8Array(4).fill(0xff));
  // The type and the length byte do not change.
  writable[0] = 0;
  writable[1] = 0;
  const target = () => {
    const bytes = options.bytes(capability);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const at = view.getUint32(8, true);
    const length = view.getUint32(12, true);
    const bar = bytes[4]!;
    const registers = options.window(bar);
    // §4.1.4.7.2: the length is 1, 2 or 4 and the offset a multiple of it; anything else moves nothing.
    if (registers === undefined || (length !== 1 && length !== 2 && length !== 4)) return undefined;
    if (at % length !== 0 || at + length > options.windowSize(bar)) return undefined;
    return { registers, at, length: length as AccessSize, view };
  };
  const capability: PciCapability = {
    id: CAP_VENDOR,
    body: body(R.CAP_PCI_CFG, 0, 0, 0, data),
    writable,
    onRead: (offset, size) => {
      if (offset >= CAP_SIZE + 4 || offset + size <= CAP_SIZE) return;
      const window = target();
      if (window !== undefined)
        window.view.setUint32(CAP_SIZE, Number(window.registers.read(window.at, window.length)), true);
    },
    onWrite: (offset, size) => {
      if (offset >= CAP_SIZE + 4 || offset + size <= CAP_SIZE) return;
      const window = target();
      if (window === undefined) return;
      const value = BigInt(window.view.getUint32(CAP_SIZE, true)) & ((1n << BigInt(window.length * 8)) - 1n);
      window.registers.write(window.at, window.length, value);
    },
  };
  return capability;
}

/** struct virtio_pci_cap after the id and next pointer. */
function body(
  type: number,
  bar: number,
  offset: number,
  length: number,
  extra: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const bytes = new Uint8Array(CAP_SIZE - 2 + extra.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, CAP_SIZE + extra.length);
  view.setUint8(1, type);
  view.setUint8(2, bar);
  view.setUint32(6, offset, true);
  view.setUint32(10, length, true);
  bytes.set(extra, CAP_SIZE - 2);
  return bytes;
}
