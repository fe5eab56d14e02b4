/**
 * Writing ELF64, either byte order: executables and core files, with notes and symbols.
 * Source: as parse.ts. Layout: header, program headers (PT_NOTE first), notes, segments at offsets congruent to their
 * addresses modulo p_align, then symbol and name tables, then section headers.
 * Left out: more than 65,534 program headers (PN_XNUM is read, not written), sections of code.
 */

import type { Endian } from '../bytes.ts';
import { alignUp, concatBytes, latin1Bytes } from '../bytes.ts';
import { assert } from '../errors.ts';
import { buildStruct } from '../fields.ts';
import * as C from './constants.ts';
import { ELF_HEADER, PROGRAM_HEADER, SECTION_HEADER, SYMBOL } from './layout.ts';
import { buildNotes } from './notes.ts';
import type { ElfHeader, ElfNote, ElfSymbol, ProgramHeader } from './types.ts';

/** A segment to write. `memsz` defaults to the length of `data`, `paddr` to `vaddr`, `align` to 0x10000. */
export type SegmentSpec = {
  readonly type: number;
  readonly flags: number;
  readonly vaddr: bigint;
  readonly paddr?: bigint;
  readonly data: Uint8Array;
  readonly memsz?: number;
  readonly align?: bigint;
};

/** A file to write. */
export type ElfSpec = {
  readonly endian: Endian;
  readonly type: number;
  readonly machine?: number;
  readonly entry?: bigint;
  readonly flags?: number;
  /** Become one PT_NOTE, the first program header. */
  readonly notes?: readonly ElfNote[];
  readonly segments: readonly SegmentSpec[];
  /** Become .symtab, .strtab and .shstrtab. */
  readonly symbols?: readonly ElfSymbol[];
};

/** One file header. `phnum` and `shnum` are below their escape values. */
export function buildElfHeader(header: ElfHeader, phnum: number, shnum: number): Uint8Array {
  assert(phnum < C.PN_XNUM && shnum < 0xff00, 'buildElfHeader: counts fit their fields');
  const ident = new Uint8Array(16);
  ident.set(C.ELF_MAGIC);
  ident[4] = C.ELFCLASS64;
  ident[5] = header.endian === 'little' ? C.ELFDATA2LSB : C.ELFDATA2MSB;
  ident[6] = C.EV_CURRENT;
  ident[7] = header.osAbi;
  ident[8] = header.abiVersion;
  return buildStruct(
    ELF_HEADER,
    {
      e_ident: ident,
      e_type: header.type,
      e_machine: header.machine,
      e_version: C.EV_CURRENT,
      e_entry: header.entry,
      e_phoff: BigInt(header.phoff),
      e_shoff: BigInt(header.shoff),
      e_flags: header.flags,
      e_ehsize: ELF_HEADER.size,
      e_phentsize: PROGRAM_HEADER.size,
      e_phnum: phnum,
      e_shentsize: shnum === 0 ? 0 : SECTION_HEADER.size,
      e_shnum: shnum,
      e_shstrndx: header.shstrndx,
    },
    header.endian,
  );
}

/** One program header: 56 bytes. */
export function buildProgramHeader(program: ProgramHeader, endian: Endian): Uint8Array {
  return buildStruct(
    PROGRAM_HEADER,
    {
      p_type: program.type,
      p_flags: program.flags,
      p_offset: BigInt(program.offset),
      p_vaddr: program.vaddr,
      p_paddr: program.paddr,
      p_filesz: BigInt(program.filesz),
      p_memsz: BigInt(program.memsz),
      p_align: program.align,
    },
    endian,
  );
}

/** The whole file. */
export function buildElf(spec: ElfSpec): Uint8Array {
  const { endian } = spec;
  const notes = spec.notes === undefined ? undefined : buildNotes(spec.notes, endian);
  const phnum = spec.segments.length + (notes === undefined ? 0 : 1);
  let at = ELF_HEADER.size + phnum * PROGRAM_HEADER.size;
  const pieces: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  const programs: ProgramHeader[] = [];
  if (notes !== undefined) {
    programs.push({
      type: C.PT_NOTE,
      flags: 0,
      offset: at,
      vaddr: 0n,
      paddr: 0n,
      filesz: notes.length,
      memsz: notes.length,
      align: 0n,
    });
    pieces.push({ at, bytes: notes });
    at += notes.length;
  }
  for (const segment of spec.segments) {
    const align = segment.align ?? 0x10000n;
    if (align > 1n) at += Number(BigInt.asUintN(64, segment.vaddr - BigInt(at)) % align);
    const paddr = segment.paddr ?? segment.vaddr;
    const memsz = segment.memsz ?? segment.data.length;
    programs.push({
      type: segment.type,
      flags: segment.flags,
      offset: at,
      vaddr: segment.vaddr,
      paddr,
      filesz: segment.data.length,
      memsz,
      align,
    });
    pieces.push({ at, bytes: segment.data });
    at += segment.data.length;
  }
  const tables = spec.symbols === undefined ? undefined : symbolTables(spec.symbols, alignUp(at, 8), endian);
  if (tables !== undefined) pieces.push(tables.piece);
  const header: ElfHeader = {
    endian,
    osAbi: 0,
    abiVersion: 0,
    type: spec.type,
    machine: spec.machine ?? C.EM_PPC64,
    entry: spec.entry ?? 0n,
    flags: spec.flags ?? 0,
    phoff: phnum === 0 ? 0 : ELF_HEADER.size,
    shoff: tables?.shoff ?? 0,
    shstrndx: tables === undefined ? 0 : 3,
  };
  pieces.push({
    at: 0,
    bytes: concatBytes([
      buildElfHeader(header, phnum, tables === undefined ? 0 : 4),
      ...programs.map((p) => buildProgramHeader(p, endian)),
    ]),
  });
  const size = pieces.reduce((end, piece) => Math.max(end, piece.at + piece.bytes.length), 0);
  const out = new Uint8Array(size);
  for (const piece of pieces) out.set(piece.bytes, piece.at);
  return out;
}

type RawSection = {
  readonly name: number;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: bigint;
  readonly entsize: number;
};

function symbolTables(
  symbols: readonly ElfSymbol[],
  at: number,
  endian: Endian,
): { piece: { at: number; bytes: Uint8Array }; shoff: number } {
  // gABI: local symbols come before all others, and sh_info counts them (the empty symbol 0 included).
  const ordered = [...symbols].sort(
    (a, b) => Number(a.bind !== C.STB_LOCAL) - Number(b.bind !== C.STB_LOCAL),
  );
  const locals = ordered.filter((symbol) => symbol.bind === C.STB_LOCAL).length;
  const names: Uint8Array[] = [new Uint8Array(1)];
  const entries: Uint8Array[] = [new Uint8Array(SYMBOL.size)];
  let nameAt = 1;
  for (const symbol of ordered) {
    const st_info = (symbol.bind << 4) | symbol.type;
    entries.push(
      buildStruct(
        SYMBOL,
        {
          st_name: nameAt,
          st_info,
          st_other: symbol.other,
          st_shndx: symbol.shndx,
          st_value: symbol.value,
          st_size: symbol.size,
        },
        endian,
      ),
    );
    names.push(latin1Bytes(`${symbol.name}\0`));
    nameAt += symbol.name.length + 1;
  }
  const symtab = concatBytes(entries);
  const strtab = concatBytes(names);
  const shstrtab = latin1Bytes('\0.symtab\0.strtab\0.shstrtab\0');
  const strAt = at + symtab.length;
  const shstrAt = strAt + strtab.length;
  const shoff = alignUp(shstrAt + shstrtab.length, 8);
  const sections: RawSection[] = [
    { name: 0, type: C.SHT_NULL, offset: 0, size: 0, link: 0, info: 0, align: 0n, entsize: 0 },
    {
      name: 1,
      type: C.SHT_SYMTAB,
      offset: at,
      size: symtab.length,
      link: 2,
      info: locals + 1,
      align: 8n,
      entsize: SYMBOL.size,
    },
    {
      name: 9,
      type: C.SHT_STRTAB,
      offset: strAt,
      size: strtab.length,
      link: 0,
      info: 0,
      align: 1n,
      entsize: 0,
    },
    {
      name: 17,
      type: C.SHT_STRTAB,
      offset: shstrAt,
      size: shstrtab.length,
      link: 0,
      info: 0,
      align: 1n,
      entsize: 0,
    },
  ];
  const padding = new Uint8Array(shoff - shstrAt - shstrtab.length);
  return {
    piece: {
      at,
      bytes: concatBytes([
        symtab,
        strtab,
        shstrtab,
        padding,
        ...sections.map((section) => sectionHeader(section, endian)),
      ]),
    },
    shoff,
  };
}

function sectionHeader(section: RawSection, endian: Endian): Uint8Array {
  return buildStruct(
    SECTION_HEADER,
    {
      sh_name: section.name,
      sh_type: section.type,
      sh_flags: 0n,
      sh_addr: 0n,
      sh_offset: BigInt(section.offset),
      sh_size: BigInt(section.size),
      sh_link: section.link,
      sh_info: section.info,
      sh_addralign: section.align,
      sh_entsize: BigInt(section.entsize),
    },
    endian,
  );
}
