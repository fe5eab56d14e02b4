/**
 * The file header of ELF64 and the counts that it moves to section 0 when they are too large for it.
 * Source: as parse.ts.
 */

import type { ByteSource, Endian } from '../bytes.ts';
import { getU16, MAX_OFFSET } from '../bytes.ts';
import type { StructOf } from '../fields.ts';
import { parseStruct } from '../fields.ts';
import * as C from './constants.ts';
import { elfError } from './errors.ts';
import { ELF_HEADER, PROGRAM_HEADER, SECTION_HEADER } from './layout.ts';

/** More headers than any kernel, program or dump has. They are refused, so that a file cannot cost memory for millions of them. */
const MAX_HEADERS = 1 << 20;

export type RawHeader = {
  readonly raw: StructOf<typeof ELF_HEADER>;
  readonly endian: Endian;
  readonly phoff: number;
  readonly shoff: number;
  /** The real numbers of headers, and the index of the section that holds names. */
  readonly phnum: number;
  readonly shnum: number;
  readonly shstrndx: number;
};

/** Reads the header and the real counts. @throws FormatError `elf/…`. */
export function readHeader(source: ByteSource): RawHeader {
  const { raw, endian } = readIdent(source);
  const shoff = fileOffset(raw.e_shoff, 'e_shoff', 40);
  const phoff = fileOffset(raw.e_phoff, 'e_phoff', 32);
  const first = shoff === 0 ? undefined : readFirstSection(source, raw, shoff, endian);
  const phnum = raw.e_phnum === C.PN_XNUM ? extendedCount(first?.sh_info, 'e_phnum') : raw.e_phnum;
  const shnum = shoff === 0 ? 0 : raw.e_shnum === 0 ? extendedSectionCount(first) : raw.e_shnum;
  const shstrndx =
    raw.e_shstrndx === C.SHN_XINDEX ? extendedCount(first?.sh_link, 'e_shstrndx') : raw.e_shstrndx;
  if (phnum > 0 && raw.e_phentsize !== PROGRAM_HEADER.size)
    throw badSize('e_phentsize', 54, raw.e_phentsize, PROGRAM_HEADER.size);
  return { raw, endian, phoff, shoff, phnum, shnum, shstrndx };
}

/** `count` structures of `size` bytes each at `offset`. @throws FormatError `elf/truncated`, `elf/bad-count`. */
export function readTable(
  source: ByteSource,
  offset: number,
  count: number,
  size: number,
  what: string,
): Uint8Array[] {
  if (count > MAX_HEADERS)
    throw elfError('elf/bad-count', `absurdly many ${what}`, {
      expected: `at most ${MAX_HEADERS}`,
      actual: `${count}`,
    });
  const length = count * size;
  if (offset + length > source.size) {
    throw elfError('elf/truncated', `the ${what} lie outside the file`, {
      offset,
      expected: `${length} bytes`,
      actual: `${Math.max(0, source.size - offset)}`,
    });
  }
  const bytes = source.read(count === 0 ? 0 : offset, length);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** A file offset or size as a number. @throws FormatError `elf/absurd-size`. */
export function fileOffset(value: bigint, field: string, offset: number): number {
  if (value > MAX_OFFSET)
    throw elfError('elf/absurd-size', `${field} is larger than any file`, { offset, actual: `${value}` });
  return Number(value);
}

function readIdent(source: ByteSource): { raw: StructOf<typeof ELF_HEADER>; endian: Endian } {
  if (source.size < ELF_HEADER.size) {
    const start = source.read(0, Math.min(4, source.size));
    if (!C.ELF_MAGIC.slice(0, start.length).every((byte, i) => start[i] === byte)) throw notElf(start);
    throw elfError('elf/truncated', 'the file is shorter than an ELF header', {
      offset: 0,
      expected: `${ELF_HEADER.size} bytes`,
      actual: `${source.size}`,
    });
  }
  const bytes = source.read(0, ELF_HEADER.size);
  if (!C.ELF_MAGIC.every((byte, i) => bytes[i] === byte)) throw notElf(bytes.subarray(0, 4));
  if (bytes[4] !== C.ELFCLASS64)
    throw elfError('elf/not-64-bit', 'not a 64-bit ELF file', {
      offset: 4,
      expected: '2',
      actual: `${bytes[4]}`,
    });
  const data = bytes[5];
  if (data !== C.ELFDATA2LSB && data !== C.ELFDATA2MSB) {
    throw elfError('elf/bad-byte-order', 'EI_DATA is neither little- nor big-endian', {
      offset: 5,
      expected: '1 or 2',
      actual: `${data}`,
    });
  }
  const endian: Endian = data === C.ELFDATA2LSB ? 'little' : 'big';
  const raw = parseStruct(ELF_HEADER, bytes, endian);
  if (bytes[6] !== C.EV_CURRENT || raw.e_version !== C.EV_CURRENT) {
    throw elfError('elf/bad-version', 'unknown ELF version', {
      offset: 6,
      expected: '1',
      actual: `${bytes[6]}, ${raw.e_version}`,
    });
  }
  // QEMU 7.2's dump-guest-memory writes the size of a pointer here, into cores that are good otherwise.
  const isQemuCore = raw.e_type === C.ET_CORE && raw.e_ehsize === 8;
  if (raw.e_ehsize !== ELF_HEADER.size && !isQemuCore)
    throw badSize('e_ehsize', 52, raw.e_ehsize, ELF_HEADER.size);
  return { raw, endian };
}

function readFirstSection(
  source: ByteSource,
  raw: StructOf<typeof ELF_HEADER>,
  shoff: number,
  endian: Endian,
): StructOf<typeof SECTION_HEADER> {
  if (raw.e_shentsize !== SECTION_HEADER.size)
    throw badSize('e_shentsize', 58, raw.e_shentsize, SECTION_HEADER.size);
  const [bytes] = readTable(source, shoff, 1, SECTION_HEADER.size, 'section headers');
  if (bytes === undefined) throw elfError('elf/bad-count', 'no section 0');
  return parseStruct(SECTION_HEADER, bytes, endian);
}

/** A count that the header moves to section 0. `value` is undefined when there is no section 0. */
function extendedCount(value: number | undefined, field: string): number {
  if (value === undefined) throw elfError('elf/bad-count', `${field} refers to section 0, and there is none`);
  return value;
}

function extendedSectionCount(first: StructOf<typeof SECTION_HEADER> | undefined): number {
  const count = first?.sh_size ?? 0n;
  if (count === 0n || count > 0xffff_ffffn) {
    throw elfError('elf/bad-count', 'e_shoff is set and there is no number of sections', {
      offset: 60,
      actual: `${count}`,
    });
  }
  return Number(count);
}

function badSize(field: string, offset: number, actual: number, expected: number): Error {
  return elfError('elf/bad-header-size', `${field} is not the size of its ELF64 structure`, {
    offset,
    expected: `${expected}`,
    actual: `${actual}`,
  });
}

function notElf(start: Uint8Array): Error {
  const actual =
    start.length === 4
      ? `0x${getU16(start, 0, 'big').toString(16).padStart(4, '0')}${getU16(start, 2, 'big').toString(16).padStart(4, '0')}`
      : `${start.length} bytes`;
  return elfError('elf/not-elf', 'not an ELF file', { offset: 0, expected: '0x7f454c46', actual });
}
