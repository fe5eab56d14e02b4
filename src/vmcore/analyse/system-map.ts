/** Parses System.map and /proc/kallsyms: lines of ADDRESS TYPE NAME. Symbols of modules, followed by [MODULE], are left out. */

import { analyseError } from './errors.ts';
import { type KernelSymbol, SymbolTable } from './symbol-table.ts';

const LINE = /^([0-9a-f]{8,16}) ([A-Za-z?]) (\S+)(\s+\[[^\]]+\])?$/;

/** @throws FormatError `analyse/bad-system-map`, naming the first line that is none. */
export function parseSystemMap(text: string): SymbolTable {
  const symbols: KernelSymbol[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const match = LINE.exec(line);
    if (match === null) {
      throw analyseError('analyse/bad-system-map', `line ${i + 1} is no symbol`, {
        expected: 'ADDRESS TYPE NAME',
        actual: JSON.stringify(line.slice(0, 80)),
      });
    }
    const [, address, , name, module] = match;
    if (module === undefined) symbols.push({ name: name as string, address: BigInt(`0x${address}`) });
  }
  return new SymbolTable(symbols);
}
