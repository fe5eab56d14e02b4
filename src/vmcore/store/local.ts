/** Opens the embedded store in this thread: for the worker, for short commands and for tests. */

import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import { DISK_ERRORS, DiskError } from '../../base/disk-error.ts';
import { freeRoom, sizeText } from '../../base/free-room.ts';
import { CHUNK_MIGRATION_STEPS } from './chunk-migrations.ts';
import { ChunkedVmcoreStore } from './chunked-vmcore-store.ts';
import type { VmcoreStore } from './contract.ts';
import { openDatabase } from './database.ts';
import { SqliteManifestStore } from './sqlite-manifest-store.ts';
import type { SqlitePageStoreOptions } from './sqlite-page-store.ts';
import { SqlitePageStore } from './sqlite-page-store.ts';

export type LocalStoreOptions = SqlitePageStoreOptions & {
  /** With less room than this on its disk nothing new is stored. Default 0. */
  readonly keepFreeBytes?: number;
};

/** Opens or creates the chunk database `path`. It has one owner at a time. @throws FormatError `store/migration-…`. */
export function openLocalVmcoreStore(path: string, options: LocalStoreOptions = {}): VmcoreStore {
  const { keepFreeBytes = 0, ...pages } = options;
  const db = openChunkDatabase(path);
  return new ChunkedVmcoreStore(new SqlitePageStore(db, pages), new SqliteManifestStore(db), () =>
    requireRoom(dirname(path), keepFreeBytes),
  );
}

/** @throws DiskError `disk-full` */
function requireRoom(folder: string, bytes: number): void {
  if (bytes > 0 && freeRoom(folder) < bytes)
    throw new DiskError(
      'disk-full',
      `${DISK_ERRORS['disk-full']} but for the ${sizeText(bytes)} that stay free`,
    );
}

/** Opens or creates a chunk database and migrates it. */
export function openChunkDatabase(path: string): Database {
  return openDatabase(path, 'chunks', CHUNK_MIGRATION_STEPS);
}
