/**
 * Applies migrations: NNN_verb_noun.sql files, in order, forward only, one transaction for each file. Each applied file is
 * recorded with its SHA-256; a file that changed afterwards is refused, and so is a database that is ahead of the files.
 * A migration may have a step in code, for what SQL cannot compute; it runs after the file, in the same transaction.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Database } from 'better-sqlite3';
import { storeError } from './errors.ts';

/** A folder of migrations/ at the root; this file is three folders below it, in src and in dist. */
export function migrationsFolder(name: 'meta' | 'chunks'): string {
  return fileURLToPath(new URL(`../../../migrations/${name}`, import.meta.url));
}

/** Steps in code, by the name of the file that they complete. */
export type MigrationSteps = Readonly<Record<string, (db: Database) => void>>;

/** Brings `db` up to date. @throws FormatError `store/migration-drift`, `store/migration-order`. */
export function migrate(db: Database, folder: string, steps: MigrationSteps = {}): void {
  db.exec(
    'CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT',
  );
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const applied = db
    .prepare<[], { number: number; name: string; sha256: string }>(
      'SELECT number, name, sha256 FROM migration ORDER BY number',
    )
    .all();
  if (applied.length > files.length)
    throw storeError('store/migration-order', 'it is from a newer version of kdumpd: start that version', {
      expected: `${files.length} migrations`,
      actual: `${applied.length}`,
    });
  files.forEach((name, i) => {
    if (!new RegExp(`^${String(i + 1).padStart(3, '0')}_[a-z]+(_[a-z]+)+\\.sql$`).test(name))
      throw storeError('store/migration-order', `${name} is out of order or not named NNN_verb_noun.sql`);
    const sql = readFileSync(join(folder, name), 'utf8');
    const sha256 = createHash('sha256').update(sql).digest('hex');
    const before = applied[i];
    if (before !== undefined && (before.number !== i + 1 || before.sha256 !== sha256)) {
      throw storeError(
        'store/migration-drift',
        `the migration ${name} is not the one that was applied: start the version of kdumpd that wrote it`,
        {
          expected: before.sha256,
          actual: sha256,
        },
      );
    }
    if (before !== undefined) return;
    db.transaction(() => {
      db.exec(sql);
      steps[name]?.(db);
      db.prepare('INSERT INTO migration VALUES (?, ?, ?)').run(i + 1, name, sha256);
    })();
  });
}
