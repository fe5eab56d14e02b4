/** Lists this folder's {@link FormatError} codes: what can be wrong with an ELF file. */

import type { FormatErrorDetail } from '../errors.ts';
import { FormatError } from '../errors.ts';

export const ELF_ERRORS = {
  'elf/truncated': 'the file ends inside a structure that its headers promise',
  'elf/not-elf': 'the file does not start with the ELF magic number',
  'elf/not-64-bit': 'the file is ELF but not of class ELFCLASS64',
  'elf/bad-byte-order': 'EI_DATA names neither byte order',
  'elf/bad-version': 'EI_VERSION or e_version is not 1',
  'elf/bad-header-size': 'e_ehsize, e_phentsize or e_shentsize is not the size of the ELF64 structure',
  'elf/bad-count': 'the header gives no valid number of program or section headers',
  'elf/absurd-size': 'an offset or a size, or their sum, goes past what a file can have',
  'elf/segment-outside-file': 'a program header points outside the file',
  'elf/section-outside-file': 'a section header points outside the file',
  'elf/filesz-exceeds-memsz': 'a PT_LOAD has more bytes in the file than in memory',
  'elf/bad-alignment': 'p_align is neither 0 nor a power of two',
  'elf/segments-overlap': 'two PT_LOAD of a program cover the same virtual addresses',
  'elf/bad-note': 'a note runs past the end of its segment',
  'elf/bad-symbol-table':
    'a symbol table has the wrong entry size, names no string table, or is absurdly long',
  'elf/bad-string': 'a name lies outside its string table, has no end, or is absurdly long',
} as const;

export type ElfErrorCode = keyof typeof ELF_ERRORS;

/** A {@link FormatError} of this folder; the caller throws it. */
export function elfError(code: ElfErrorCode, message: string, detail: FormatErrorDetail = {}): FormatError {
  return new FormatError(code, message, detail);
}
