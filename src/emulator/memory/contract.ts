/**
 * Guest memory as devices, hypercalls and RTAS see it: real addresses and bytes, nothing of how pages are kept.
 *
 * Real addresses are JavaScript numbers: every address that a partition can form here is below 2^53.
 * Every access either succeeds whole or throws {@link OutsideMemory} and changes nothing.
 */

/** A run of RAM: `[base, base + size)`, both multiples of 64 KiB. */
export type MemoryRange = { readonly base: number; readonly size: number };

/** An access by host code that is not wholly inside RAM. Guest input causes it, so callers turn it into a status. */
export class OutsideMemory extends Error {
  readonly raddr: number;
  readonly length: number;

  constructor(raddr: number, length: number) {
    super(`real address 0x${raddr.toString(16)}+${length} is not RAM`);
    this.name = 'OutsideMemory';
    this.raddr = raddr;
    this.length = length;
  }
}

export interface GuestMemory {
  /** RAM, in ascending order, without overlap. */
  readonly ranges: readonly MemoryRange[];
  /** Whether `[raddr, raddr + length)` is wholly RAM. */
  isRam(raddr: number, length: number): boolean;
  /** A copy of `length` bytes. */
  read(raddr: number, length: number): Uint8Array;
  /** Copies into `target`; for bulk transfer without an allocation. */
  readInto(raddr: number, target: Uint8Array): void;
  /** Stores bytes; drops translated code, reservations and waiting spinners that they touch. */
  write(raddr: number, bytes: Uint8Array): void;
  fill(raddr: number, length: number, byte: number): void;
  readU8(raddr: number): number;
  readU16(raddr: number, littleEndian: boolean): number;
  readU32(raddr: number, littleEndian: boolean): number;
  readU64(raddr: number, littleEndian: boolean): bigint;
  writeU8(raddr: number, value: number): void;
  writeU16(raddr: number, value: number, littleEndian: boolean): void;
  writeU32(raddr: number, value: number, littleEndian: boolean): void;
  writeU64(raddr: number, value: bigint, littleEndian: boolean): void;
}
