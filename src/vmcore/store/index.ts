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
  VmcoreDraft,
  VmcoreStore,
} from './contract.ts';
export { CHUNK_BYTES } from './contract.ts';
export { openDatabase } from './database.ts';

export { databaseError, guarded, isDamage, storeError } from './errors.ts';
export { openChunkDatabase, openLocalVmcoreStore } from './local.ts';
export type { MigrationSteps } from './migrate.ts';
export { migrate, migrationsFolder } from './migrate.ts';
export { orDamaged, reindex, repairChunks } from './repair-chunks.ts';
export { repairRows } from './repair-rows.ts';
export type { SqlRow, SqlValue } from './seal.ts';
export { isSealed, sealOf } from './seal.ts';
export type { RecordDamage } from './sealed-table.ts';
export { recordId, SealedTable } from './sealed-table.ts';
export { SqliteManifestStore } from './sqlite-manifest-store.ts';

export { SqlitePageStore } from './sqlite-page-store.ts';

export type { VerifyOptions } from './verify-chunks.ts';
export { verifyChunks } from './verify-chunks.ts';
export { checkStructure, openReadOnly } from './verify-structure.ts';
export { openVmcoreStore } from './worker-client.ts';
