/** Reads the symbols of a vmlinux: functions and objects that it defines. Section and file symbols are left out. */

import type { ByteSource } from '../../base/bytes.ts';
import { elfSymbols, parseElf } from '../../base/elf/index.ts';
import { analyseError } from './errors.ts';
import { SymbolTable } from './symbol-table.ts';

/** STT_NOTYPE, STT_OBJECT, STT_FUNC: what assembly and C define. Source: gABI 4, Symbol Table. */
const KINDS: ReadonlySet<number> = new Set([0, 1, 2]);

/** @throws FormatError `elf/…` for a damaged file, `analyse/no-symbols` for a stripped one. */
export function symbolsOfElf(source: ByteSource): SymbolTable {
  const symbols = elfSymbols(parseElf(source))
    .filter(({ shndx, type }) => shndx !== 0 && KINDS.has(type))
    .map(({ name, value }) => ({ name, address: value }));
  if (symbols.length === 0) throw analyseError('analyse/no-symbols', 'the file has no symbol table');
  return new SymbolTable(symbols);
}
