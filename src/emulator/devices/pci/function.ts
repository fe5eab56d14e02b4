/**
 * A conventional PCI function with a type 0 header: configuration space, BARs, capabilities, INTx.
 * Source: PCI Local Bus Specification 3.0, chapter 6.
 * Left out: expansion ROMs, BIST, extended configuration space, power management, error status (nothing here fails
 * on the bus).
 */

import { assert } from '../../../base/errors.ts';
import * as R from './registers.ts';
import type { PciBar, PciBusPort, PciCapability, PciIdentity, PciMapping } from './types.ts';

type PlacedCapability = { readonly at: number; readonly size: number; readonly capability: PciCapability };

const UNATTACHED: PciBusPort = { remap() {}, intx() {}, message() {} };

export class PciFunction {
  readonly identity: PciIdentity;
  readonly bars: readonly PciBar[];
  readonly #initial = new Uint8Array(R.CONFIG_SIZE);
  readonly #writable = new Uint8Array(R.CONFIG_SIZE);
  readonly #bytes = new Uint8Array(R.CONFIG_SIZE);
  readonly #capabilities: PlacedCapability[] = [];
  #port: PciBusPort = UNATTACHED;
  #intx = false;
  /** Called when the guest sets or clears bus mastering. */
  onMasterChange: (enabled: boolean) => void = () => {};

  constructor(identity: PciIdentity, bars: readonly PciBar[], capabilities: readonly PciCapability[]) {
    this.identity = identity;
    this.bars = bars;
    this.#buildHeader();
    for (const bar of bars) this.#buildBar(bar);
    this.#buildCapabilities(capabilities);
    this.#bytes.set(this.#initial);
  }

  /** Connects the function to the bus above it. */
  attach(port: PciBusPort): void {
    this.#port = port;
  }

  /** The bus as this function reaches it. */
  get port(): PciBusPort {
    return this.#port;
  }

  /** Whether the guest lets the function master the bus: read and write memory, and send messages. */
  get busMaster(): boolean {
    return (this.#command() & R.COMMAND_MASTER) !== 0;
  }

  /** A configuration read. `offset + size` is within 256 and `offset` a multiple of `size`; the caller checks. */
  readConfig(offset: number, size: 1 | 2 | 4): number {
    this.#eachTouched(offset, size, ({ at, capability }) => {
      capability.onRead?.(offset - at, size);
    });
    const view = new DataView(this.#bytes.buffer);
    let status = 0;
    // The interrupt status bit is live: it shows the pin before the disable bit.
    if (this.#intx && offset <= R.STATUS && R.STATUS < offset + size)
      status = R.STATUS_INTERRUPT << ((R.STATUS - offset) * 8);
    if (size === 1) return view.getUint8(offset) | status;
    if (size === 2) return view.getUint16(offset, true) | status;
    return (view.getUint32(offset, true) | status) >>> 0;
  }

  /** A configuration write; read-only bits keep their values. */
  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    const wasMaster = this.busMaster;
    for (let i = 0; i < size; i++) {
      const at = offset + i;
      const mask = this.#writable[at]!;
      this.#bytes[at] = (this.#bytes[at]! & ~mask) | ((value >>> (i * 8)) & mask);
    }
    if (offset < R.STATUS && offset + size > R.COMMAND) {
      this.#driveIntx();
      this.#port.remap();
      if (this.busMaster !== wasMaster) this.onMasterChange(this.busMaster);
    } else if (offset < R.BAR0 + 24 && offset + size > R.BAR0) {
      this.#port.remap();
    }
    this.#eachTouched(offset, size, ({ at, capability }) => {
      capability.onWrite?.(offset - at, size);
    });
  }

  /** The bytes of a capability as they stand, from its id on: a live view for the function's own use. */
  capabilityBytes(capability: PciCapability): Uint8Array {
    const placed = this.#capabilities.find((entry) => entry.capability === capability);
    assert(placed !== undefined, 'the capability is one of this function');
    return this.#bytes.subarray(placed.at, placed.at + placed.size);
  }

  /** The BARs that decode, by the command register and their addresses. An address of 0 counts as not assigned. */
  mappings(): PciMapping[] {
    const command = this.#command();
    const view = new DataView(this.#bytes.buffer);
    const out: PciMapping[] = [];
    for (const bar of this.bars) {
      if ((command & (bar.space === 'io' ? R.COMMAND_IO : R.COMMAND_MEMORY)) === 0) continue;
      const at = R.BAR0 + bar.index * 4;
      const low = (view.getUint32(at, true) & ~(bar.size - 1)) >>> 0;
      const high = bar.space === 'memory64' ? view.getUint32(at + 4, true) : 0;
      const address = high * 2 ** 32 + low;
      if (address !== 0 && Number.isSafeInteger(address + bar.size)) out.push({ bar, address });
    }
    return out;
  }

  /** The INTx pin before the command register's disable bit. */
  setIntx(asserted: boolean): void {
    if (asserted === this.#intx) return;
    this.#intx = asserted;
    this.#driveIntx();
  }

  /** The command register's INTx disable bit, as firmware sets it when it changes the kind of interrupt. */
  setIntxEnabled(enabled: boolean): void {
    const bit = R.COMMAND_INTX_DISABLE >>> 8;
    const high = this.#bytes[R.COMMAND + 1]!;
    this.#bytes[R.COMMAND + 1] = enabled ? high & ~bit : high | bit;
    this.#driveIntx();
  }

  /** Configuration space as after a bus reset. The device's own registers are its business. */
  reset(): void {
    this.#bytes.set(this.#initial);
    this.#intx = false;
    this.#driveIntx();
    this.#port.remap();
  }

  #command(): number {
    return this.#bytes[R.COMMAND]! | (this.#bytes[R.COMMAND + 1]! << 8);
  }

  #driveIntx(): void {
    this.#port.intx(this.#intx && (this.#command() & R.COMMAND_INTX_DISABLE) === 0);
  }

  #eachTouched(offset: number, size: number, visit: (placed: PlacedCapability) => void): void {
    for (const placed of this.#capabilities) {
      if (offset < placed.at + placed.size && offset + size > placed.at) visit(placed);
    }
  }

  #buildHeader(): void {
    const view = new DataView(this.#initial.buffer);
    const id = this.identity;
    view.setUint16(R.VENDOR_ID, id.vendorId, true);
    view.setUint16(R.DEVICE_ID, id.deviceId, true);
    view.setUint8(R.REVISION_ID, id.revisionId);
    view.setUint8(R.CLASS_CODE, id.classCode & 0xff);
    view.setUint16(R.CLASS_CODE + 1, id.classCode >>> 8, true);
    view.setUint16(R.SUBSYSTEM_VENDOR_ID, id.subsystemVendorId, true);
    view.setUint16(R.SUBSYSTEM_ID, id.subsystemId, true);
    view.setUint8(R.INTERRUPT_PIN, id.interruptPin);
    const writable = new DataView(this.#writable.buffer);
    const hasIo = this.bars.some((bar) => bar.space === 'io');
    const hasMemory = this.bars.some((bar) => bar.space !== 'io');
    writable.setUint16(
      R.COMMAND,
      (hasIo ? R.COMMAND_IO : 0) |
        (hasMemory ? R.COMMAND_MEMORY : 0) |
        R.COMMAND_MASTER |
        R.COMMAND_PARITY |
        R.COMMAND_SERR |
        R.COMMAND_INTX_DISABLE,
      true,
    );
    writable.setUint8(R.CACHE_LINE_SIZE, 0xff);
    writable.setUint8(R.LATENCY_TIMER, 0xff);
    writable.setUint8(R.INTERRUPT_LINE, 0xff);
  }

  /** A BAR's low bits are its kind and read-only; address bits below its size read as 0, which is how it is sized. */
  #buildBar(bar: PciBar): void {
    const at = R.BAR0 + bar.index * 4;
    assert(
      bar.size >= 16 && bar.size <= 2 ** 30 && Number.isInteger(Math.log2(bar.size)),
      'a BAR is a power of two up to 1 GiB',
    );
    assert(bar.space !== 'memory64' || bar.index < 5, 'a 64-bit BAR takes two registers');
    const view = new DataView(this.#writable.buffer);
    assert(view.getUint32(at, true) === 0, 'two BARs in one register');
    new DataView(this.#initial.buffer).setUint32(
      at,
      bar.space === 'io' ? R.BAR_IO : bar.space === 'memory64' ? R.BAR_MEMORY_64 : 0,
      true,
    );
    view.setUint32(at, ~(bar.size - 1) >>> 0, true);
    if (bar.space === 'memory64') view.setUint32(at + 4, 0xffff_ffff, true);
  }

  #buildCapabilities(capabilities: readonly PciCapability[]): void {
    let at = R.FIRST_CAPABILITY;
    let link = R.CAPABILITIES_POINTER;
    for (const capability of capabilities) {
      const size = 2 + capability.body.length;
      assert(at + size <= R.CONFIG_SIZE, 'the capabilities fit configuration space');
      this.#initial[link] = at;
      this.#initial[at] = capability.id;
      this.#initial.set(capability.body, at + 2);
      if (capability.writable !== undefined) this.#writable.set(capability.writable, at + 2);
      this.#capabilities.push({ at, size, capability });
      link = at + 1;
      at += (size + 3) & ~3;
    }
    if (capabilities.length > 0)
      new DataView(this.#initial.buffer).setUint16(R.STATUS, R.STATUS_CAPABILITIES, true);
  }
}
