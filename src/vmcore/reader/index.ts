/** Opens, reads and checks dumps of any format. */

export { evaluateAsync } from './async-source.ts';
export { checkDump, detectFormat, openDump } from './check.ts';

export { openFileSource } from './file-source.ts';

export { plainPieces, unflatten } from './flattened.ts';
export type { PagedSource } from './paged-source.ts';
export { pagedSource } from './paged-source.ts';
export type { Dump, DumpCheck, MemoryKind } from './types.ts';
