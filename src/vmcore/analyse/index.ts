/** Reads a kernel's symbols from its memory and from its files. */

export { symbolsOfElf } from './elf-symbols.ts';

export { findKallsyms, parseKallsyms } from './kallsyms.ts';

export type { PageTableFormat } from './page-table.ts';
export { KernelPageTable } from './page-table.ts';

export type { PackedSymbols } from './symbol-table.ts';
export { SymbolTable } from './symbol-table.ts';
export { parseSystemMap } from './system-map.ts';
