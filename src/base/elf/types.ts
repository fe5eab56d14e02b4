/** An ELF64 file as the parser gives it. Field meanings are those of the gABI; names drop the `p_`, `sh_`, `st_`. */

import type { ByteSource, Endian } from '../bytes.ts';

export type ElfHeader = {
  readonly endian: Endian;
  /** EI_OSABI and EI_ABIVERSION. */
  readonly osAbi: number;
  readonly abiVersion: number;
  /** One of the ET_ constants. */
  readonly type: number;
  readonly machine: number;
  readonly entry: bigint;
  readonly flags: number;
  /** File offset of the program headers, in bytes. */
  readonly phoff: number;
  /** File offset of the section headers, in bytes; 0 when there are none. */
  readonly shoff: number;
  /** Index of the section that holds section names; 0 when there is none. */
  readonly shstrndx: number;
};

export type ProgramHeader = {
  readonly type: number;
  readonly flags: number;
  /** File offset and sizes, in bytes. */
  readonly offset: number;
  readonly vaddr: bigint;
  readonly paddr: bigint;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: bigint;
};

export type SectionHeader = {
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly addr: bigint;
  /** File offset and size, in bytes. */
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly addralign: bigint;
  readonly entsize: number;
};

/** One note. `name` is without its terminating zero. */
export type ElfNote = { readonly name: string; readonly type: number; readonly desc: Uint8Array };

export type ElfSymbol = {
  readonly name: string;
  readonly value: bigint;
  readonly size: bigint;
  /** STB_ and STT_ halves of st_info. */
  readonly bind: number;
  readonly type: number;
  readonly other: number;
  readonly shndx: number;
};

export type ElfFile = {
  readonly source: ByteSource;
  readonly header: ElfHeader;
  readonly programs: readonly ProgramHeader[];
  readonly sections: readonly SectionHeader[];
};
