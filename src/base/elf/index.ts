/** ELF64: parsing and building, for every folder. */

export type { ElfSpec, SegmentSpec } from './build.ts';
export { buildElf, buildElfHeader, buildProgramHeader } from './build.ts';
export * from './constants.ts';

export { ELF_HEADER, NOTE_HEADER, PROGRAM_HEADER, SECTION_HEADER, SYMBOL } from './layout.ts';
export { buildNotes, elfNotes, parseNotes } from './notes.ts';

export { parseElf, readSection, readSegment } from './parse.ts';
export { elfSymbols, findSymbols } from './symbols.ts';
export type { ElfFile, ElfNote, ElfSymbol, ProgramHeader } from './types.ts';
