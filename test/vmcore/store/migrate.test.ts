import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate, migrationsFolder } from '../../../src/vmcore/store/index.ts';
import { codeOf } from '../../synth/mutate.ts';

describe('migrate', () => {
  let dir = '';
  let db: BetterSqlite3.Database;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'kdumpd-migrate-'));
    db = new BetterSqlite3(':memory:');
  });
  afterEach(() => {
    db.close();
    rmSync(dir, { recursive: true });
  });
  const put = (name: string, sql: string): void => writeFileSync(join(dir, name), sql);
  const tables = (): unknown[] =>
    db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migration' ORDER BY name")
      .pluck()
      .all();

  it('migrate: files one after another → applied once each, in order', () => {
    put('001_create_a.sql', 'CREATE TABLE a (x); INSERT INTO a VALUES (1);');
    migrate(db, dir);
    put('002_create_b.sql', 'CREATE TABLE b AS SELECT x FROM a;');
    migrate(db, dir);
    migrate(db, dir);
    expect(tables()).toEqual(['a', 'b']);
    expect(db.prepare('SELECT count(*) FROM a').pluck().get()).toBe(1);
  });

  it('migrate: a file changed after it was applied → store/migration-drift', () => {
    put('001_create_a.sql', 'CREATE TABLE a (x);');
    migrate(db, dir);
    put('001_create_a.sql', 'CREATE TABLE a (x, y);');
    expect(codeOf(() => migrate(db, dir))).toBe('store/migration-drift');
  });

  it('migrate: a file that fails half way → nothing of it, and the earlier ones stay', () => {
    put('001_create_a.sql', 'CREATE TABLE a (x);');
    put('002_create_b.sql', 'CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);');
    expect(() => migrate(db, dir)).toThrow('nowhere');
    expect(tables()).toEqual(['a']);
    put('002_create_b.sql', 'CREATE TABLE b (x);');
    migrate(db, dir);
    expect(tables()).toEqual(['a', 'b']);
  });

  it.each(['002_create_a.sql', 'create_a.sql', '001_a.sql', '1_create_a.sql'])(
    'migrate: first file named %s → store/migration-order',
    (name) => {
      put(name, 'SELECT 1;');
      expect(codeOf(() => migrate(db, dir))).toBe('store/migration-order');
    },
  );

  it('migrate: a database ahead of the files → store/migration-order', () => {
    put('001_create_a.sql', 'CREATE TABLE a (x);');
    migrate(db, dir);
    rmSync(join(dir, '001_create_a.sql'));
    expect(codeOf(() => migrate(db, dir))).toBe('store/migration-order');
  });

  it.each(['meta', 'chunks'] as const)(
    'migrate: our own folder %s → applies to an empty database, twice',
    (name) => {
      migrate(db, migrationsFolder(name));
      migrate(db, migrationsFolder(name));
      expect(tables().length).toBeGreaterThan(1);
    },
  );
});
