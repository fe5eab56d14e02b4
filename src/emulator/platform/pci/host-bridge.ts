/**
 * One PAPR PCI host bridge (IBM,Logical_PHB) with a bus of up to 32 single-function devices.
 * Source: LoPAR, "I/O Bridges and Topology", and "Call Function Definition" (config_addr, MSI). Windows and unit id are
 * those of QEMU's first pseries bridge (QEMU 7.2 include/hw/pci-host/spapr.h), which LoPAR leaves open.
 *
 * Real addresses of the windows: I/O at 2^45, 64 KiB, bus addresses from 0; 32-bit memory at 2^45 + 2 GiB, bus addresses
 * 0x80000000 to 0xffffffff; 64-bit memory at 2^45 + 2^40, 1 TiB, bus addresses equal to real ones. An access that no
 * BAR decodes ends in a master abort: reads answer all ones, writes are dropped, both are reported.
 *
 * Left out: bridges below this one, several functions a device, hot plug, error isolation (EEH).
 */

import { assert } from '../../../base/errors.ts';
import { hex64 } from '../../../base/hex.ts';
import type { InterruptLine, MmioRegion, ReportUnsupported } from '../../devices/contract.ts';
import type { AccessSize, Msix, PciFunction, PciMapping } from '../../devices/pci/index.ts';

/** One interrupt source of the machine's controller: its number there, and how to raise it. */
export type InterruptSource = { readonly number: number; readonly line: InterruptLine };
export type AllocateInterrupt = (kind: 'level' | 'msi') => InterruptSource;

/** A device for the bus: a function, its MSI-X when it has one, and its reset at machine reset. */
export interface PciDevice {
  readonly function: PciFunction;
  readonly msix?: Msix;
  reset(): void;
}

export type PciHostBridgeOptions = {
  readonly allocate: AllocateInterrupt;
  readonly unsupported: ReportUnsupported;
};

/** A device in its slot, with the message sources that are set aside for it. */
export type PciSlot = {
  readonly number: number;
  readonly device: PciDevice;
  readonly sources: readonly InterruptSource[];
  /** How many of `sources` the guest has asked for. */
  granted: number;
};

/** A window: where the guest sees it, and the bus addresses behind it. */
export type PciWindow = {
  readonly space: 'io' | 'memory32' | 'memory64';
  readonly base: number;
  readonly busBase: number;
  readonly size: number;
};

/** The bridge's unit id ("BUID"), which is also the unit address of its node. */
export const PHB_BUID = 0x0800_0000_2000_0000n;

export const PCI_WINDOWS: readonly PciWindow[] = [
  { space: 'io', base: 0x2000_0000_0000, busBase: 0, size: 0x1_0000 },
  { space: 'memory32', base: 0x2000_8000_0000, busBase: 0x8000_0000, size: 0x8000_0000 },
  { space: 'memory64', base: 0x2100_0000_0000, busBase: 0x2100_0000_0000, size: 0x100_0000_0000 },
];

/** Where messages are written: a bus address in no window and in no RAM. The data is the source's number. */
const MSI_ADDRESS = 0x400_0000_0000n;
const SLOTS = 32;
const LSI_COUNT = 4;

type Lsi = { readonly source: InterruptSource; readonly asserting: Set<number> };

export class PciHostBridge {
  readonly #allocate: AllocateInterrupt;
  readonly #unsupported: ReportUnsupported;
  readonly #slots = new Map<number, PciSlot>();
  readonly #lsis: readonly Lsi[];
  readonly #messages = new Map<number, InterruptLine>();
  readonly #holes: readonly MmioRegion[];
  #regions: MmioRegion[] = [];

  constructor(options: PciHostBridgeOptions) {
    this.#allocate = options.allocate;
    this.#unsupported = options.unsupported;
    this.#lsis = Array.from({ length: LSI_COUNT }, () => ({
      source: options.allocate('level'),
      asserting: new Set<number>(),
    }));
    this.#holes = PCI_WINDOWS.map((window) => this.#hole(window));
  }

  /** The devices, by ascending slot. */
  get slots(): readonly PciSlot[] {
    return [...this.#slots.values()].sort((a, b) => a.number - b.number);
  }

  /** Puts a device into a free slot, 0 to 31. Only before the machine starts: the guest finds it in the tree. */
  attach(number: number, device: PciDevice): void {
    assert(Number.isInteger(number) && number >= 0 && number < SLOTS, 'a PCI slot is 0 to 31');
    assert(!this.#slots.has(number), `PCI slot ${number} is taken`);
    const sources = Array.from({ length: device.msix?.vectors ?? 0 }, () => this.#allocate('msi'));
    for (const source of sources) this.#messages.set(source.number, source.line);
    this.#slots.set(number, { number, device, sources, granted: 0 });
    const pin = device.function.identity.interruptPin;
    device.function.attach({
      remap: () => this.#remap(),
      intx: (asserted) => {
        if (pin !== 0) this.#drive(this.#lsis[lsiIndex(number, pin)]!, number, asserted);
      },
      message: (address, data) => this.#message(address, data),
    });
    this.#remap();
  }

  /** The level-sensitive source that pin 1 to 4 (INTA# to INTD#) of a slot is wired to. */
  lsi(slot: number, pin: number): InterruptSource {
    return this.#lsis[lsiIndex(slot, pin)]!.source;
  }

  /** The device that a configuration address of RTAS names: bus in bits 16 to 23, device and function in 8 to 15. */
  slotAt(configAddress: number): PciSlot | undefined {
    const bus = (configAddress >>> 16) & 0xff;
    const devfn = (configAddress >>> 8) & 0xff;
    return bus === 0 && devfn % 8 === 0 ? this.#slots.get(devfn >>> 3) : undefined;
  }

  /**
   * Grants a slot `count` of its message sources, written into its MSI-X table; 0 takes all away and gives its LSI
   * back. `count` is at most the number of its sources. LoPAR, ibm,change-msi, requirements 4 and 5.
   */
  grantMessages(slot: PciSlot, count: number): void {
    assert(count <= slot.sources.length, 'no more messages than sources');
    if (count === 0) slot.device.msix?.disable();
    slot.device.function.setIntxEnabled(count === 0);
    slot.granted = count;
    for (const [vector, source] of slot.sources.entries()) {
      if (vector < count) slot.device.msix?.setMessage(vector, MSI_ADDRESS, source.number);
      else slot.device.msix?.setMessage(vector, 0n, 0);
    }
  }

  /**
   * What answers at a real address: a BAR that decodes it, or the window it lies in.
   * @returns undefined outside the bridge's windows. Not to be kept: BARs move.
   */
  find(raddr: number): { readonly region: MmioRegion; readonly offset: number } | undefined {
    for (const region of this.#regions) {
      if (raddr >= region.base && raddr < region.base + region.size)
        return { region, offset: raddr - region.base };
    }
    const hole = this.#holes.find((region) => raddr >= region.base && raddr < region.base + region.size);
    return hole && { region: hole, offset: raddr - hole.base };
  }

  /** Every device as at power-on, and no messages granted. */
  reset(): void {
    for (const slot of this.#slots.values()) {
      slot.device.reset();
      slot.granted = 0;
    }
  }

  #remap(): void {
    this.#regions = this.slots.flatMap((slot) =>
      slot.device.function.mappings().flatMap((mapping) => this.#region(mapping)),
    );
  }

  #region({ bar, address }: PciMapping): MmioRegion[] {
    const window = PCI_WINDOWS.find(
      (one) =>
        (one.space === 'io') === (bar.space === 'io') &&
        address >= one.busBase &&
        address + bar.size <= one.busBase + one.size,
    );
    // A BAR at a bus address outside the windows decodes where the guest's CPUs cannot reach.
    if (window === undefined) return [];
    const base = window.base + (address - window.busBase);
    return [
      {
        base,
        size: bar.size,
        read: (offset, size) =>
          offset + size <= bar.size
            ? bar.registers.read(offset, size)
            : this.#abort('read', base + offset, size),
        write: (offset, size, value) => {
          if (offset + size <= bar.size) bar.registers.write(offset, size, value);
          else this.#abort('write', base + offset, size);
        },
      },
    ];
  }

  #hole(window: PciWindow): MmioRegion {
    return {
      base: window.base,
      size: window.size,
      read: (offset, size) => this.#abort('read', window.base + offset, size),
      write: (offset, size) => {
        this.#abort('write', window.base + offset, size);
      },
    };
  }

  #abort(what: 'read' | 'write', raddr: number, size: AccessSize): bigint {
    this.#unsupported({
      kind: 'mmio',
      key: `pci ${what} master abort`,
      where: hex64(raddr),
      detail: `${size} bytes`,
    });
    return (1n << BigInt(size * 8)) - 1n;
  }

  #drive(lsi: Lsi, slot: number, asserted: boolean): void {
    const before = lsi.asserting.size > 0;
    if (asserted) lsi.asserting.add(slot);
    else lsi.asserting.delete(slot);
    const after = lsi.asserting.size > 0;
    if (before !== after) lsi.source.line.set(after);
  }

  #message(address: bigint, data: number): void {
    const line = address === MSI_ADDRESS ? this.#messages.get(data) : undefined;
    if (line !== undefined) line.pulse();
    else
      this.#unsupported({
        kind: 'device',
        key: 'pci message to no source',
        where: hex64(address),
        detail: `data ${data}`,
      });
  }
}

/** The usual swizzle: slots take turns at which of the four lines their INTA# is. */
function lsiIndex(slot: number, pin: number): number {
  return (slot + pin - 1) % LSI_COUNT;
}
