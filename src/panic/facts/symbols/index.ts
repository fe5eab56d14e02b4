/** Finds names for code in a partition's memory. */

export { AddressNames } from './address-names.ts';
export { ifThere } from './if-there.ts';
export type { KernelSymbols, ReadMemory } from './kernel-symbols.ts';
export { functionEntry, PAGE_OFFSET, readKernelSymbols, realOf } from './kernel-symbols.ts';
export { readSymbolsApart } from './symbols-apart.ts';
