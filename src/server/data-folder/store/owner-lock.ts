/**
 * Locks a data folder for one process. Node has no flock, so the lock is one of SQLite's: an open exclusive transaction on an
 * empty database. It is a POSIX record lock of this process, which the kernel releases when the process ends, however it
 * ends; threads share it and a forked process does not inherit it. Nothing is ever written to the file.
 *
 * A POSIX lock is lost when its process closes any descriptor of the file: nothing but SQLite may open it. Over NFS it holds
 * where the server's lock manager works; a mount with `nolock` locks each client for itself.
 */

import { closeSync, existsSync, openSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import BetterSqlite3 from 'better-sqlite3';

/** A lock that is held. The object must stay reachable: a database that is collected is closed. */
export interface OwnerLock {
  release(): void;
}

/** @returns undefined where another process, or another opening in this one, holds it. @throws SQLite's error */
export function lockOwner(path: string): OwnerLock | undefined {
  // For its owner alone. A file that is not there is not locked, so that closing it here loses no lock.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  const db = new BetterSqlite3(path, { timeout: 0 });
  try {
    // Without a journal on disk a full disk cannot refuse the lock.
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  HELD.add(db);
  return {
    release: () => {
      HELD.delete(db);
      db.close();
    },
  };
}

/** Keeps the databases of held locks from being collected. */
const HELD = new Set<Database>();

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}
