/** What a kernel's memory and files tell of it: symbols. */

export { symbolsOfElf } from './elf-symbols.ts';

export { findKallsyms, parseKallsyms } from './kallsyms.ts';

export { SymbolTable } from './symbol-table.ts';
export { parseSystemMap } from './system-map.ts';
