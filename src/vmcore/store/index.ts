/** Stores vmcores: content-addressed chunks, and a manifest of chunks for each vmcore. */

export { ChunkedVmcoreStore } from './chunked-vmcore-store.ts';
export type {
  ByteSpan,
  Chunk,
  ChunkFigures,
  ChunkId,
  ChunkRef,
  ChunkSpan,
  HoldId,
  Manifest,
  ManifestId,
  ManifestStore,
  PageStore,
  StoredVmcore,
  SweepId,
  SweepResult,
  VmcoreStore,
} from './contract.ts';
export { CHUNK_BYTES } from './contract.ts';
export { openDatabase } from './database.ts';

export { databaseError } from './errors.ts';
export { openChunkDatabase, openLocalVmcoreStore } from './local.ts';
export { migrate, migrationsFolder } from './migrate.ts';
export { SqliteManifestStore } from './sqlite-manifest-store.ts';

export { SqlitePageStore } from './sqlite-page-store.ts';

export { openVmcoreStore } from './worker-client.ts';
