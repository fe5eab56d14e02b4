/** What a PCI function shows to the bridge above it, and what the bridge offers to it. */

/** The sizes in which a bus access comes. */
export type AccessSize = 1 | 2 | 4 | 8;

/** Registers behind a BAR. Offsets are from the BAR's start; values are little-endian numbers as the bus carries them. */
export interface PciRegisters {
  /** @returns the value; an offset that names no register is reported by the device and answers all ones. */
  read(offset: number, size: AccessSize): bigint;
  write(offset: number, size: AccessSize, value: bigint): void;
}

export type PciSpace = 'io' | 'memory32' | 'memory64';

/** One base address register. `size` is a power of two, at least 16 bytes; `memory64` takes two register slots. */
export type PciBar = {
  readonly index: 0 | 1 | 2 | 3 | 4 | 5;
  readonly space: PciSpace;
  readonly size: number;
  readonly registers: PciRegisters;
};

/** One capability: `body` follows the id and the next pointer. Bits set in `writable` may be written by the guest. */
export type PciCapability = {
  readonly id: number;
  readonly body: Uint8Array;
  readonly writable?: Uint8Array;
  /**
   * Called before a configuration read that touches the capability, so that a data register can be filled in through
   * {@link PciFunction.capabilityBytes}, and after a write that touches it. Offsets count from the capability's id.
   */
  readonly onRead?: (offset: number, size: AccessSize) => void;
  readonly onWrite?: (offset: number, size: AccessSize) => void;
};

/** Who a function is. Numbers as the header holds them; `classCode` has 24 bits. */
export type PciIdentity = {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly classCode: number;
  readonly revisionId: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  /** 0: none, 1 to 4: INTA# to INTD#. */
  readonly interruptPin: 0 | 1 | 2 | 3 | 4;
};

/** The bus as a function sees it. */
export interface PciBusPort {
  /** A BAR or a decode bit changed: {@link PciFunction.mappings} must be read again. */
  remap(): void;
  /** The INTx pin's level, after the command register's disable bit. */
  intx(asserted: boolean): void;
  /** A 32-bit message write, as MSI and MSI-X make. */
  message(address: bigint, data: number): void;
}

/** A BAR that decodes now. `address` is a bus address. */
export type PciMapping = { readonly bar: PciBar; readonly address: number };
