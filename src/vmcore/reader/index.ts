/** Opening, reading and judging dumps of any format. */

export { evaluateAsync } from './async-source.ts';
export { checkDump, detectFormat, openDump, vmcoreinfoOf } from './check.ts';
export { decompressPage } from './decompress.ts';
export type { FileSource } from './file-source.ts';
export { openFileSource } from './file-source.ts';
export type { Unflattened } from './flattened.ts';
export { plainPieces, unflatten } from './flattened.ts';
export type { PagedSource } from './paged-source.ts';
export { pagedSource } from './paged-source.ts';
export type { Dump, DumpCheck, DumpFormat, MemoryExtent, MemoryKind, MemoryRange, Problem } from './types.ts';
