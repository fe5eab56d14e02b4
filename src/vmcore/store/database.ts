/** Opens a SQLite file with the settings of all stores. */

import type { Database } from 'better-sqlite3';
import BetterSqlite3 from 'better-sqlite3';
import { migrate, migrationsFolder } from './migrate.ts';

/**
 * Opens or creates `path` (`:memory:` for none) and migrates it. Large pages suit chunks; write-ahead logging lets
 * readers continue while a dump is written, and with synchronous NORMAL a power cut loses the last transactions but never
 * damages the file.
 */
export function openDatabase(path: string, migrations: 'meta' | 'chunks'): Database {
  const db = new BetterSqlite3(path);
  try {
    // Both must come before the first table; on an existing file they change nothing.
    db.pragma('page_size = 16384');
    db.pragma('auto_vacuum = INCREMENTAL');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma('foreign_keys = ON');
    db.pragma('busy_timeout = 5000');
    migrate(db, migrationsFolder(migrations));
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}
