/**
 * Reading ELF64, either byte order, strictly: header, program headers, section headers.
 * Source: System V ABI, Generic ABI 4.1, chapters 4 and 5; PN_XNUM and extended section counts from its 2013 update.
 * Left out: 32-bit files, relocations, dynamic linking, compressed sections, versions of symbols.
 */

import type { ByteSource } from '../bytes.ts';
import { latin1 } from '../bytes.ts';
import type { StructOf } from '../fields.ts';
import { parseStruct } from '../fields.ts';
import * as C from './constants.ts';
import { elfError } from './errors.ts';
import { fileOffset, readHeader, readTable } from './header.ts';
import { PROGRAM_HEADER, SECTION_HEADER } from './layout.ts';
import type { ElfFile, ElfHeader, ProgramHeader, SectionHeader } from './types.ts';

/** The largest segment or section that is read in one piece. */
const MAX_PART = 2 ** 30;
/** Bytes of a name of a symbol or section. */
const LONGEST_NAME = 4096;

export type ParseElfOptions = {
  /** Accept segments and sections whose bytes lie past the end: a core file that was cut short. Default false. */
  readonly allowMissingData?: boolean;
  /** Leave section headers alone: a dump needs none, and QEMU 7.2 writes them in the host's byte order. Default false. */
  readonly ignoreSections?: boolean;
};

/**
 * Parses the headers of `source`. Data of segments and sections is not read: see {@link readSegment}.
 * @throws FormatError `elf/…` for anything that is not a whole and sane ELF64 file.
 */
export function parseElf(source: ByteSource, options: ParseElfOptions = {}): ElfFile {
  const { raw, endian, phoff, shoff, phnum, shnum, shstrndx } = readHeader(source);
  const programs = readTable(source, phoff, phnum, PROGRAM_HEADER.size, 'program headers').map((bytes, i) =>
    programHeader(parseStruct(PROGRAM_HEADER, bytes, endian), phoff + i * PROGRAM_HEADER.size),
  );
  const sectionCount = options.ignoreSections === true ? 0 : shnum;
  const rawSections = readTable(source, shoff, sectionCount, SECTION_HEADER.size, 'section headers').map(
    (bytes) => parseStruct(SECTION_HEADER, bytes, endian),
  );
  const header: ElfHeader = {
    endian,
    osAbi: raw.e_ident[7] ?? 0,
    abiVersion: raw.e_ident[8] ?? 0,
    type: raw.e_type,
    machine: raw.e_machine,
    entry: raw.e_entry,
    flags: raw.e_flags,
    phoff,
    shoff,
    shstrndx,
  };
  checkPrograms(header, programs, source.size, options.allowMissingData === true);
  const sections = nameSections(source, rawSections, shoff, shstrndx, options.allowMissingData === true);
  return { source, header, programs, sections };
}

/** The bytes of a segment that are in the file: `filesz` bytes. @throws FormatError where they are cut short. */
export function readSegment(elf: ElfFile, program: ProgramHeader): Uint8Array {
  if (program.offset + program.filesz > elf.source.size)
    throw outside('elf/segment-outside-file', 'segment', program.offset, program.filesz, elf.source.size);
  return readPart(elf.source, program.offset, program.filesz, 'segment');
}

/** The bytes of a section; none for SHT_NOBITS. @throws FormatError where they are cut short. */
export function readSection(elf: ElfFile, section: SectionHeader): Uint8Array {
  if (section.type === C.SHT_NOBITS) return new Uint8Array(0);
  if (section.offset + section.size > elf.source.size) {
    throw outside(
      'elf/section-outside-file',
      `section ${section.name}`,
      section.offset,
      section.size,
      elf.source.size,
    );
  }
  return readPart(elf.source, section.offset, section.size, `section ${section.name}`);
}

/** Refuses segments and sections that are too large for one array; read such a one from the source in parts. */
function readPart(source: ByteSource, offset: number, length: number, what: string): Uint8Array {
  if (length > MAX_PART)
    throw elfError('elf/absurd-size', `the ${what} is too large to be read at once`, {
      offset,
      expected: `at most ${MAX_PART} bytes`,
      actual: `${length}`,
    });
  return source.read(offset, length);
}

/** The text at `offset` of a string table, up to its zero byte. @throws FormatError `elf/bad-string`. */
export function stringAt(table: Uint8Array, offset: number): string {
  // Names may lie on each other: without a limit a small file has names of any size together.
  const end = table.subarray(offset, offset + LONGEST_NAME + 1).indexOf(0);
  if (end < 0)
    throw elfError('elf/bad-string', 'a name lies outside its string table', {
      offset,
      expected: `below ${table.length}, and at most ${LONGEST_NAME} bytes`,
    });
  return latin1(table.subarray(offset, offset + end));
}

function programHeader(raw: StructOf<typeof PROGRAM_HEADER>, at: number): ProgramHeader {
  const offset = fileOffset(raw.p_offset, 'p_offset', at + 8);
  const filesz = fileOffset(raw.p_filesz, 'p_filesz', at + 32);
  const memsz = fileOffset(raw.p_memsz, 'p_memsz', at + 40);
  fileOffset(raw.p_offset + raw.p_filesz, 'p_offset + p_filesz', at + 8);
  return {
    type: raw.p_type,
    flags: raw.p_flags,
    offset,
    vaddr: raw.p_vaddr,
    paddr: raw.p_paddr,
    filesz,
    memsz,
    align: raw.p_align,
  };
}

function checkPrograms(
  header: ElfHeader,
  programs: readonly ProgramHeader[],
  size: number,
  allowMissing: boolean,
): void {
  const loads: ProgramHeader[] = [];
  programs.forEach((program, i) => {
    if (program.type === C.PT_NULL) return;
    const at = header.phoff + i * PROGRAM_HEADER.size;
    if (program.offset + program.filesz > size && !allowMissing)
      throw outside('elf/segment-outside-file', `segment ${i}`, program.offset, program.filesz, size);
    if ((program.align & (program.align - 1n)) !== 0n) {
      throw elfError('elf/bad-alignment', `segment ${i}: p_align is not a power of two`, {
        offset: at + 48,
        actual: `${program.align}`,
      });
    }
    if (program.type !== C.PT_LOAD) return;
    if (program.filesz > program.memsz) {
      throw elfError('elf/filesz-exceeds-memsz', `segment ${i}: p_filesz above p_memsz`, {
        offset: at + 32,
        expected: `at most ${program.memsz}`,
        actual: `${program.filesz}`,
      });
    }
    if (header.type === C.ET_CORE) return; // A core may give -1 where it knows no virtual address.
    if (program.vaddr + BigInt(program.memsz) > 1n << 64n)
      throw elfError('elf/absurd-size', `segment ${i}: p_vaddr + p_memsz passes 2^64`, { offset: at + 16 });
    // In a core, the kernel's own map and its direct map may show one page twice: only programs are checked.
    if (program.memsz > 0) loads.push(program);
  });
  loads.sort((a, b) => (a.vaddr < b.vaddr ? -1 : a.vaddr > b.vaddr ? 1 : 0));
  for (let i = 1; i < loads.length; i++) {
    const [a, b] = [loads[i - 1], loads[i]];
    if (a !== undefined && b !== undefined && a.vaddr + BigInt(a.memsz) > b.vaddr) {
      throw elfError('elf/segments-overlap', 'two PT_LOAD cover the same addresses', {
        offset: header.phoff,
      });
    }
  }
}

function nameSections(
  source: ByteSource,
  raw: readonly StructOf<typeof SECTION_HEADER>[],
  shoff: number,
  shstrndx: number,
  allowMissing: boolean,
): SectionHeader[] {
  const bounds = raw.map((section, i) => {
    const at = shoff + i * SECTION_HEADER.size;
    // Section 0 holds extended counts, and NOBITS takes no room in the file.
    const inFile = i !== 0 && section.sh_type !== C.SHT_NOBITS && section.sh_type !== C.SHT_NULL;
    const offset = inFile ? fileOffset(section.sh_offset, 'sh_offset', at + 24) : 0;
    const size = fileOffset(section.sh_size, 'sh_size', at + 32);
    if (inFile && offset + size > source.size && !allowMissing)
      throw outside('elf/section-outside-file', `section ${i}`, offset, size, source.size);
    return { offset, size, entsize: fileOffset(section.sh_entsize, 'sh_entsize', at + 56) };
  });
  const names = bounds[shstrndx];
  if (raw.length > 0 && names === undefined)
    throw elfError('elf/bad-count', 'e_shstrndx is not a section', { offset: 62, actual: `${shstrndx}` });
  if (names !== undefined && names.offset + names.size > source.size)
    throw outside('elf/section-outside-file', 'section names', names.offset, names.size, source.size);
  const table =
    names === undefined || shstrndx === 0
      ? undefined
      : readPart(source, names.offset, names.size, 'section names');
  return raw.map((section, i) => ({
    name: table === undefined || i === 0 ? '' : stringAt(table, section.sh_name),
    type: section.sh_type,
    flags: section.sh_flags,
    addr: section.sh_addr,
    offset: bounds[i]?.offset ?? 0,
    size: bounds[i]?.size ?? 0,
    link: section.sh_link,
    info: section.sh_info,
    addralign: section.sh_addralign,
    entsize: bounds[i]?.entsize ?? 0,
  }));
}

function outside(
  code: 'elf/segment-outside-file' | 'elf/section-outside-file',
  what: string,
  offset: number,
  length: number,
  size: number,
): Error {
  return elfError(code, `${what} lies outside the file`, {
    offset,
    expected: `${length} bytes`,
    actual: `file of ${size} bytes`,
  });
}
