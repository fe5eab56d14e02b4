/**
 * Checks what SQLite itself keeps of a database file: its schema against the migrations, its pages, indexes and row numbers. Tables
 * and their contents are checked by their owners.
 */

import { existsSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import BetterSqlite3 from 'better-sqlite3';
import { databaseError, isDamage, storeError } from './errors.ts';
import { migrate, migrationsFolder } from './migrate.ts';

/** Lines of PRAGMA integrity_check that are reported. */
const MOST_LINES = 100;

/** What is wrong with the structure of a database. `schema`: with what tables and indexes it has. */
export type StructureDamage = { readonly kind: 'database' | 'schema'; readonly problem: string };

type SchemaRow = { readonly type: string; readonly name: string; readonly sql: string | null };

/** Opens a file to be checked and nothing else. @throws StoredDataError where it is no database */
export function openReadOnly(path: string, what: string): Database {
  if (!existsSync(path)) throw storeError('store/not-a-database', `${what} is not there`);
  try {
    const db = new BetterSqlite3(path, { readonly: true, fileMustExist: true, timeout: 5000 });
    db.pragma('schema_version');
    return db;
  } catch (error) {
    throw databaseError(error, what);
  }
}

export function checkStructure(db: Database, kind: 'meta' | 'chunks'): readonly StructureDamage[] {
  const damage: StructureDamage[] = [];
  const check = (of: StructureDamage['kind'], problems: () => readonly string[]): void => {
    try {
      for (const problem of problems()) damage.push({ kind: of, problem });
    } catch (error) {
      if (!isDamage(error)) throw error;
      damage.push({ kind: of, problem: error instanceof Error ? error.message : String(error) });
    }
  };
  check('schema', () => schemaProblems(db, kind));
  check('schema', () => sequenceProblems(db));
  check('database', () =>
    db
      .prepare<[], string>(`PRAGMA integrity_check(${MOST_LINES})`)
      .pluck()
      .all()
      .filter((line) => line !== 'ok'),
  );
  check('database', () =>
    db
      .prepare<[], { table: string; parent: string }>('PRAGMA foreign_key_check')
      .all()
      .map(({ table, parent }) => `a row of ${table} belongs to a row of ${parent} that is not there`),
  );
  return damage;
}

/** How the schema, and the migrations that it says were applied, differ from what the migrations make. */
function schemaProblems(db: Database, kind: 'meta' | 'chunks'): readonly string[] {
  const fresh = new BetterSqlite3(':memory:');
  try {
    migrate(fresh, migrationsFolder(kind));
    const [here, there] = [describe(db), describe(fresh)];
    return [...new Set([...here.keys(), ...there.keys()])].flatMap((name) =>
      here.get(name) === there.get(name) ? [] : [`${name} is not as the migrations make it`],
    );
  } finally {
    fresh.close();
  }
}

function describe(db: Database): ReadonlyMap<string, string> {
  const schema = db.prepare<[], SchemaRow>('SELECT type, name, sql FROM sqlite_schema').all();
  const applied = db
    .prepare<[], { number: number; name: string; sha256: string }>('SELECT * FROM migration')
    .all();
  return new Map([
    ...schema.map(({ type, name, sql }): [string, string] => [`${type} ${name}`, sql ?? '']),
    ...applied.map((row): [string, string] => [`migration ${row.number}`, `${row.name} ${row.sha256}`]),
  ]);
}

/** AUTOINCREMENT gives no number again as long as the greatest one is remembered. */
function sequenceProblems(db: Database): readonly string[] {
  const rows = db.prepare<[], { name: string; seq: unknown }>('SELECT name, seq FROM sqlite_sequence').all();
  return rows.flatMap(({ name, seq }) => {
    const known = db.prepare<[string], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?",
    );
    if (known.get(name) === undefined)
      return [`sqlite_sequence names ${JSON.stringify(name)}, which is no table`];
    const greatest =
      db.prepare<[], number>(`SELECT coalesce(max(rowid), 0) FROM "${name}"`).pluck().get() ?? 0;
    return typeof seq === 'number' && seq >= greatest ? [] : [`the row numbers of ${name} go back`];
  });
}
