/** Opens a SQLite file with the settings of all stores, and says in words why one cannot be used. */

import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Database } from 'better-sqlite3';
import BetterSqlite3 from 'better-sqlite3';
import { DISK_ERRORS, DiskError, diskErrorOf } from '../../base/disk-error.ts';
import { FormatError, StoredDataError } from '../../base/errors.ts';
import { storeError } from './errors.ts';
import { type MigrationSteps, migrate, migrationsFolder } from './migrate.ts';

type Kind = 'meta' | 'chunks';

/** What a database says it is: "kdme" and "kdch". Earlier releases wrote 0. */
const APPLICATION_IDS: Readonly<Record<Kind, number>> = { meta: 0x6b646d65, chunks: 0x6b646368 };

/**
 * Opens or creates `path` (`:memory:` for none) and migrates it. Large pages suit chunks; write-ahead logging lets
 * readers continue while a dump is written. With synchronous FULL every commit is on the disk when it returns: what a client
 * was answered outlives a power cut, and a capture never names a vmcore that the chunk database has lost (docs/adr/014-durability.md).
 * @throws FormatError `store/…` for a file that is damaged or another program's; DiskError
 */
export function openDatabase(path: string, migrations: Kind, steps: MigrationSteps = {}): Database {
  try {
    checkFile(path);
    return openChecked(path, migrations, steps);
  } catch (error) {
    throw inWords(error, basename(path));
  }
}

function openChecked(path: string, kind: Kind, steps: MigrationSteps): Database {
  const db = new BetterSqlite3(path);
  try {
    requireOwn(db, kind);
    // Both must come before the first table; on an existing file they change nothing.
    db.pragma('page_size = 16384');
    db.pragma('auto_vacuum = INCREMENTAL');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('busy_timeout = 5000');
    migrate(db, migrationsFolder(kind), steps);
    requireTables(db, kind);
    if (applicationId(db) === 0) db.pragma(`application_id = ${APPLICATION_IDS[kind]}`);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** SQLite does not say why it cannot open a file; the system does. */
function checkFile(path: string): void {
  if (path === ':memory:') return;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    // For its owner alone; SQLite gives its -wal and -shm files the same permissions.
    closeSync(openSync(path, 'a', 0o600));
    return;
  }
  if (!found.isFile()) throw storeError('store/not-a-database', 'it is not a file');
  accessSync(path, constants.R_OK | constants.W_OK);
}

function requireOwn(db: Database, kind: Kind): void {
  const id = applicationId(db);
  if (id === APPLICATION_IDS[kind]) return;
  const names = db.prepare<[], string>('SELECT name FROM sqlite_schema').pluck().all();
  if (id !== 0 || (names.length > 0 && !names.includes('migration')))
    throw storeError('store/foreign-database', 'it is a database of another kind or program: move it away', {
      expected: `application id ${APPLICATION_IDS[kind]}`,
      actual: `${id}`,
    });
}

function applicationId(db: Database): unknown {
  return db.pragma('application_id', { simple: true });
}

/** Every table with every column that the migrations make must be there. */
function requireTables(db: Database, kind: Kind): void {
  const fresh = new BetterSqlite3(':memory:');
  try {
    migrate(fresh, migrationsFolder(kind));
    const there = new Set(columnsOf(db));
    const lost = columnsOf(fresh).find((column) => !there.has(column));
    if (lost !== undefined)
      throw storeError('store/damaged-database', `it lacks ${lost}: restore it from a backup`, {
        expected: lost,
      });
  } finally {
    fresh.close();
  }
}

function columnsOf(db: Database): string[] {
  return db
    .prepare<[], string>(
      "SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
    )
    .pluck()
    .all();
}

/** The error with the file's name; SQLite's own as one of ours. */
function inWords(error: unknown, file: string): unknown {
  if (error instanceof StoredDataError)
    return new StoredDataError(error.code, `${file}: ${error.message}`, { ...error.detail, what: file });
  if (error instanceof FormatError)
    return new FormatError(error.code, `${file}: ${error.message}`, { ...error.detail, what: file });
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'SQLITE_NOTADB')
    return storeError(
      'store/not-a-database',
      `${file}: it is not a SQLite database: move it away, or restore it from a backup`,
      {
        what: file,
        cause: error,
      },
    );
  if (code.startsWith('SQLITE_CORRUPT'))
    return storeError(
      'store/damaged-database',
      `${file}: it is damaged: restore it from a backup; \`kdumpd store verify\` says what is affected`,
      {
        what: file,
        cause: error,
      },
    );
  const disk = diskErrorOf(error);
  return disk === undefined
    ? error
    : new DiskError(disk.code, `${file}: ${DISK_ERRORS[disk.code]} (${code})`, error);
}
