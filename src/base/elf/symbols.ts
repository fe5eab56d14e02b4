/** Symbols of an ELF file. Source: gABI 4, Symbol Table. Left out: dynamic symbols, versions, SHT_SYMTAB_SHNDX. */

import { getU32 } from '../bytes.ts';
import { parseStruct } from '../fields.ts';
import { SHT_STRTAB, SHT_SYMTAB } from './constants.ts';
import { elfError } from './errors.ts';
import { SYMBOL } from './layout.ts';
import { readSection, stringAt } from './parse.ts';
import type { ElfFile, ElfSymbol } from './types.ts';

/** Symbols of all tables together: several times what a kernel has. */
const MOST_SYMBOLS = 2 ** 21;

/** All named symbols of SHT_SYMTAB sections, in file order; none in a stripped file. @throws FormatError `elf/…`. */
export function elfSymbols(elf: ElfFile): ElfSymbol[] {
  return collect(elf, () => true);
}

/** The first symbol of each wanted name that the file defines. @throws FormatError `elf/…`. */
export function findSymbols(elf: ElfFile, names: Iterable<string>): Map<string, ElfSymbol> {
  const wanted = new Set(names);
  const found = new Map<string, ElfSymbol>();
  for (const symbol of collect(elf, (name) => wanted.has(name))) {
    if (symbol.shndx !== 0 && !found.has(symbol.name)) found.set(symbol.name, symbol);
  }
  return found;
}

function collect(elf: ElfFile, keep: (name: string) => boolean): ElfSymbol[] {
  const out: ElfSymbol[] = [];
  let entries = 0;
  for (const section of elf.sections) {
    if (section.type !== SHT_SYMTAB) continue;
    const strings = elf.sections[section.link];
    if (section.entsize !== SYMBOL.size || section.size % SYMBOL.size !== 0 || strings?.type !== SHT_STRTAB) {
      throw elfError('elf/bad-symbol-table', `${section.name} is not a table of symbols with names`, {
        offset: section.offset,
        expected: `entries of ${SYMBOL.size} bytes and a string table`,
        actual: `${section.size} bytes in entries of ${section.entsize}, sh_link ${section.link}`,
      });
    }
    entries += section.size / SYMBOL.size;
    if (entries > MOST_SYMBOLS) {
      throw elfError('elf/bad-symbol-table', 'absurdly many symbols', {
        offset: section.offset,
        expected: `at most ${MOST_SYMBOLS}`,
        actual: `${entries}`,
      });
    }
    const table = readSection(elf, section);
    const text = readSection(elf, strings);
    for (let at = 0; at < table.length; at += SYMBOL.size) {
      const entry = table.subarray(at, at + SYMBOL.size);
      const nameAt = getU32(entry, 0, elf.header.endian);
      if (nameAt === 0) continue;
      const name = stringAt(text, nameAt);
      if (!keep(name)) continue;
      const raw = parseStruct(SYMBOL, entry, elf.header.endian);
      out.push({
        name,
        value: raw.st_value,
        size: raw.st_size,
        bind: raw.st_info >>> 4,
        type: raw.st_info & 15,
        other: raw.st_other,
        shndx: raw.st_shndx,
      });
    }
  }
  return out;
}
