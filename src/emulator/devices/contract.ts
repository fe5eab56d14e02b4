/**
 * What a device may know: guest memory, an interrupt line, the clock. Never a CPU, the MMU or the engine.
 */

/** One interrupt source. A level source stays asserted until lowered; a message source is pulsed. */
export interface InterruptLine {
  /** Level sources: assert or negate. */
  set(asserted: boolean): void;
  /** Message-signalled sources: one edge. */
  pulse(): void;
}

/** The partition's one clock. It counts instructions: one of any vCPU is one nanosecond; jumps only when all are idle. */
export interface Clock {
  /** Nanoseconds since power-on. */
  now(): number;
  /** Timebase ticks since power-on. */
  timebase(): bigint;
  /**
   * Calls back once, between two instructions, at the first opportunity at or after `atNs`.
   * @returns a function that cancels the call.
   */
  at(atNs: number, callback: () => void): () => void;
}

/** A window of real addresses that is not RAM. Sizes are 1, 2, 4 or 8 bytes; values are little-endian numbers as the bus carries them. */
export interface MmioRegion {
  readonly base: number;
  readonly size: number;
  /** @returns the value read; an offset that names no register is reported by the region and answers all ones. */
  read(offset: number, size: 1 | 2 | 4 | 8): bigint;
  write(offset: number, size: 1 | 2 | 4 | 8, value: bigint): void;
}

/** Something a guest did that the machine does not implement: counted, and logged the first time with its address. */
export type Unsupported = {
  readonly kind: 'instruction' | 'spr' | 'hcall' | 'rtas' | 'mmio' | 'config' | 'device' | 'others';
  /** A stable key: the mnemonic or word, the token, the offset. */
  readonly key: string;
  /** Where: the instruction's effective address or a real address, as 16 hex digits. */
  readonly where?: string;
  readonly detail?: string;
};

/** Receives every {@link Unsupported}; the partition counts by kind and key. */
export type ReportUnsupported = (what: Unsupported) => void;

/** Bytes on a block device. Offsets and lengths are in bytes, multiples of 512. Implementations are synchronous. */
export interface BlockStore {
  readonly bytes: number;
  readonly readOnly: boolean;
  read(offset: number, target: Uint8Array): void;
  write(offset: number, source: Uint8Array): void;
  flush(): void;
}
