/** Defines the interface of a dump's reader, the same for every format. */

import type { ByteSource, Endian } from '../../base/bytes.ts';
import type { ElfNote } from '../../base/elf/index.ts';
import type { Prstatus, Vmcoreinfo } from '../format/index.ts';

export type DumpFormat = 'elf' | 'kdump-compressed' | 'flattened';

/**
 * What a dump knows of physical memory at an address: `data`, its bytes; `excluded`, left out by a filter; `lost`,
 * not written when the device was full; `missing`, beyond the end of a dump that was cut; `absent`, no memory.
 */
export type MemoryKind = 'data' | 'excluded' | 'lost' | 'missing' | 'absent';

/** A stretch from the address asked for: `length` bytes, at least 1, of one kind. */
export type MemoryExtent = { readonly kind: MemoryKind; readonly length: bigint };

/** A range of the machine's memory, in bytes. `dumped` of them are in the dump, unless it was cut. */
export type MemoryRange = { readonly paddr: bigint; readonly size: bigint; readonly dumped: bigint };

/** Something wrong. `code` is one of the folder's catalogue or of base/elf's. */
export type Problem = { readonly code: string; readonly message: string };

/** A dump opened. All methods throw only FormatError. */
export interface Dump {
  readonly format: DumpFormat;
  /** Byte order of the crashed kernel's data. */
  readonly endian: Endian;
  /** The plain dump: the source itself, or what a flattened one unfolds to. */
  readonly plain: ByteSource;
  /** Bytes from the start of the source that belong to the dump: may be more than the source has. */
  extent(): number;
  notes(): readonly ElfNote[];
  /** In order of the machine's memory. */
  ranges(): readonly MemoryRange[];
  /** What the dump knows of the memory from `paddr` on. */
  locate(paddr: bigint): MemoryExtent;
  /** The level at which makedumpfile filtered it (-d), as its header says; absent: the format does not say. */
  readonly level?: number;
  /** Of a dump of single blocks: where the block with `paddr` is stored. Blocks may share a place: makedumpfile stores one of zeros. */
  storedAt?(paddr: bigint): { readonly offset: number; readonly block: number } | undefined;
  /** Of an uncompressed dump: where the bytes from `paddr` on lie in {@link plain}, as far as {@link locate} says. */
  offsetOf?(paddr: bigint): number;
  /** `length` bytes of physical memory. @throws FormatError `vmcore/memory-…` where they are not all in the dump. */
  readPhysical(paddr: bigint, length: number): Uint8Array;
  /** Whatever is wrong with its parts, beside what {@link DumpCheck} adds. */
  problems(): readonly Problem[];
}

/** The judgement of a dump. */
export type DumpCheck = {
  readonly format: DumpFormat | 'unknown';
  readonly endian?: Endian;
  /** Everything that the headers promise is there. */
  readonly complete: boolean;
  /** Bytes that belong to the dump; 0 where that cannot be known. */
  readonly extent: number;
  readonly problems: readonly Problem[];
  /** In the order of the notes: CPUs that saved their registers. */
  readonly cpus: readonly Prstatus[];
  readonly vmcoreinfo: Vmcoreinfo;
  readonly ranges: readonly MemoryRange[];
};
