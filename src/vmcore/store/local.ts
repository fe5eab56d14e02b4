/** Opens the embedded store in this thread: for the worker, for short commands and for tests. */

import type { Database } from 'better-sqlite3';
import { CHUNK_MIGRATION_STEPS } from './chunk-migrations.ts';
import { ChunkedVmcoreStore } from './chunked-vmcore-store.ts';
import type { VmcoreStore } from './contract.ts';
import { openDatabase } from './database.ts';
import { SqliteManifestStore } from './sqlite-manifest-store.ts';
import type { SqlitePageStoreOptions } from './sqlite-page-store.ts';
import { SqlitePageStore } from './sqlite-page-store.ts';

/** Opens or creates the chunk database `path`. It has one owner at a time. @throws FormatError `store/migration-…`. */
export function openLocalVmcoreStore(path: string, options: SqlitePageStoreOptions = {}): VmcoreStore {
  const db = openChunkDatabase(path);
  return new ChunkedVmcoreStore(new SqlitePageStore(db, options), new SqliteManifestStore(db));
}

/** Opens or creates a chunk database and migrates it. */
export function openChunkDatabase(path: string): Database {
  return openDatabase(path, 'chunks', CHUNK_MIGRATION_STEPS);
}
