import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, describe, expect, it } from 'vitest';
import { openMetadataStore } from '../../../src/panic/store/index.ts';
import { migrate, migrationsFolder } from '../../../src/vmcore/store/index.ts';
import { TIME } from '../operations/queue-contract.ts';
import { openMemoryMetadata } from './memory-metadata-store.ts';
import { metadataStoreContract } from './metadata-store-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'kdumpd-meta-contract-'));
let files = 0;
afterAll(() => rmSync(folder, { recursive: true }));

/** Changes a row behind the back of the store that has the file open. */
function alter(file: string, sql: string, ...values: unknown[]): void {
  const db = new BetterSqlite3(file);
  expect(db.prepare(sql).run(...values).changes).toBe(1);
  db.close();
}

metadataStoreContract('SQLite', async (now) => {
  const file = join(folder, `${++files}.db`);
  return {
    store: openMetadataStore(file, { now }),
    tamper: (table, id) =>
      table === 'trace'
        ? alter(file, 'UPDATE trace SET gzip = zeroblob(length(gzip)) WHERE capture_id = ?', id)
        : alter(file, `UPDATE ${table} SET record = replace(record, 'debian', 'debiam') WHERE id = ?`, id),
  };
});
metadataStoreContract('in memory, remote', async (now) => openMemoryMetadata(now));

describe('openMetadataStore', () => {
  it('openMetadataStore: closed and opened again → everything is there', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'kdumpd-meta-'));
    try {
      const first = openMetadataStore(join(dir, 'meta.db'));
      await first.partitions.create({ id: 'p1', name: 'node-1', request: { image: 'debian' } });
      await first.close();
      const second = openMetadataStore(join(dir, 'meta.db'));
      expect(await second.partitions.list()).toHaveLength(1);
      await second.close();
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  /** Operations of that version were stored without their requests. */
  const ANY_REQUEST = { kind: 'start', partitionId: 'p1' } as const;

  it('openMetadataStore: a database of the version before, with data → all of it is there', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'kdumpd-meta-'));
    try {
      const file = join(dir, 'meta.db');
      makeEarlier(file, dir);
      const store = openMetadataStore(file);
      expect(await store.partitions.list()).toEqual([
        { id: 'p1', name: 'one', request: { image: 'built-in' } },
      ]);
      expect(await store.captures.get('c1')).toMatchObject({ id: 'c1' });
      expect(await store.captures.manifestId('c1')).toBe('7');
      expect(await store.captures.manifestId('c2')).toBeNull();
      expect(await store.captures.manifestIds()).toEqual(new Set(['7']));
      expect(await store.captures.trace('c1')).toBe('{"version":1}');
      expect(Buffer.from((await store.captures.console('c1')) ?? []).toString()).toBe('panic');
      expect(await store.operations.find('panic p1 k', ANY_REQUEST)).toMatchObject({
        id: 'o1',
        state: 'succeeded',
      });
      expect(await store.operations.trace('o1')).toBe('{"version":1}');
      const worker = await store.operations.enlist('local');
      const error = { code: 'interrupted', message: 'restarted' };
      expect(await store.operations.failOrphans(worker, error)).toMatchObject([
        { id: 'o2', state: 'failed', phase: 'dumping', error },
        { id: 'o3', state: 'failed' },
      ]);
      expect(await store.firings.failOrphans(worker, 'restarted')).toBe(1);
      expect(await store.firings.last('retention', 9)).toMatchObject([
        { state: 'failed', error: 'restarted' },
        { state: 'succeeded' },
      ]);
      expect((await store.operations.list({ limit: 9 })).items.map(({ id }) => id)).toEqual([
        'o3',
        'o2',
        'o1',
      ]);
      await store.close();
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

/** Makes a database as the version before had it, which knew four migrations, with something in every table. */
function makeEarlier(file: string, dir: string): void {
  const folder = join(dir, 'migrations');
  mkdirSync(folder);
  for (const name of readdirSync(migrationsFolder('meta')).filter((each) => each < '005'))
    copyFileSync(join(migrationsFolder('meta'), name), join(folder, name));
  const db = new BetterSqlite3(file);
  migrate(db, folder);
  const json = (value: object): string => JSON.stringify(value);
  const operation = (id: string, state: string, phase: string): string =>
    json({ id, kind: 'panic', state, phase, partitionId: 'p1', createdAt: TIME, updatedAt: TIME });
  const add = (sql: string, ...values: unknown[]): void => void db.prepare(sql).run(...values);
  add(
    'INSERT INTO partition VALUES (1, ?, ?, ?, ?)',
    'p1',
    'one',
    'built-in',
    json({ id: 'p1', name: 'one', request: { image: 'built-in' } }),
  );
  const insert = 'INSERT INTO operation VALUES (?, ?, ?, ?, ?, ?)';
  add(insert, 1, 'o1', 'succeeded', 'p1', 'panic p1 k', operation('o1', 'succeeded', 'stored'));
  add(insert, 2, 'o2', 'running', 'p1', null, operation('o2', 'running', 'dumping'));
  add(insert, 3, 'o3', 'queued', 'p1', null, operation('o3', 'queued', 'queued'));
  add('INSERT INTO operation_trace VALUES (1, ?, ?)', 'o1', gzipSync('{"version":1}'));
  add("INSERT INTO capture VALUES (1, 'c1', 'p1', 'captured', 'abc', 7, ?)", json({ id: 'c1' }));
  add("INSERT INTO capture VALUES (2, 'c2', 'p1', 'failed', NULL, NULL, ?)", json({ id: 'c2' }));
  add("INSERT INTO trace VALUES ('c1', ?)", gzipSync('{"version":1}'));
  add("INSERT INTO console VALUES ('c1', ?)", gzipSync('panic'));
  add("INSERT INTO schedule_firing VALUES ('retention', ?, 'succeeded', ?, NULL)", TIME, TIME);
  add("INSERT INTO schedule_firing VALUES ('retention', '2024-01-01T00:10:00.000Z', 'running', NULL, NULL)");
  db.close();
}
