/** What a kernel's memory and files tell of it: symbols. */

export { symbolsOfElf } from './elf-symbols.ts';
export type { AnalyseErrorCode } from './errors.ts';
export { ANALYSE_ERRORS } from './errors.ts';
export type { Kallsyms } from './kallsyms.ts';
export { findKallsyms, parseKallsyms } from './kallsyms.ts';
export type { KernelSymbol, SymbolPlace } from './symbol-table.ts';
export { SymbolTable } from './symbol-table.ts';
export { parseSystemMap } from './system-map.ts';
