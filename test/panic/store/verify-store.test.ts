import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkInThread, repairStore, verifyStore } from '../../../src/panic/store/index.ts';
import { openLocalVmcoreStore } from '../../../src/vmcore/store/index.ts';
import { asyncCodeOf } from '../../synth/mutate.ts';
import { pathsIn, readAll, readStores, type StoredPaths, writeStores } from './stored-world.ts';

let dir = '';
let count = 0;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kdumpd-verify-'));
  await writeStores(pathsIn(dir));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A copy of the folder with SQL run on one of its databases. */
function altered(database: 'chunks' | 'metadata', sql: string): StoredPaths {
  const folder = join(dir, `${++count}`);
  for (const file of Object.values(pathsIn(dir))) cpSync(file, join(folder, basename(file)));
  const db = new BetterSqlite3(pathsIn(folder)[database]);
  db.pragma('ignore_check_constraints = ON');
  db.exec(sql);
  db.close();
  return pathsIn(folder);
}

const brief = async (paths: StoredPaths): Promise<unknown> =>
  (await verifyStore(paths)).report.damage.map(({ database, kind, id, captures }) => [
    database,
    kind,
    id,
    captures,
  ]);

describe('verifyStore', () => {
  it('whole databases → no damage, and what was checked', async () => {
    const { report, lost } = await verifyStore(altered('chunks', 'SELECT 1'));
    expect(report).toMatchObject({ vmcores: 3, records: 170, damage: [], durationMs: expect.any(Number) });
    expect(report.chunks).toBeGreaterThan(5);
    expect(lost).toEqual([]);
  });

  it('a vmcore with a damaged chunk is deleted while it is read → the chunk is found by itself: the next vmcore might have it', async () => {
    const last = '(SELECT max(id) FROM chunk)';
    const paths = altered('chunks', `UPDATE chunk SET data = zeroblob(length(data)) WHERE id = ${last}`);
    let isReading = false;
    const { report } = await verifyStore(paths, {
      onProgress: (phase) => {
        isReading = phase === 'vmcore 3 of 3';
      },
      signal: Object.assign(new AbortController().signal, {
        throwIfAborted: () => {
          if (!isReading) return;
          const db = new BetterSqlite3(paths.chunks);
          db.exec('DELETE FROM manifest_part WHERE manifest_id = 3; DELETE FROM manifest WHERE id = 3');
          db.close();
        },
      }),
    });
    expect(report.damage.filter(({ database }) => database === 'chunks.db')).toMatchObject([
      { kind: 'unnamed' },
    ]);
  });

  it.each([
    [
      'content of a chunk that all vmcores share',
      'chunks',
      'UPDATE chunk SET data = zeroblob(length(data)) WHERE id = 1',
      ['chunks.db', 'chunk', '1', ['c1', 'c2', 'c3']],
    ],
    [
      'a chunk that is gone',
      'chunks',
      'DELETE FROM chunk WHERE id = (SELECT max(id) FROM chunk)',
      ['chunks.db', 'chunk', expect.any(String), ['c3']],
    ],
    [
      'the hash of a chunk',
      'chunks',
      'UPDATE chunk SET hash = zeroblob(32) WHERE id = 1',
      ['chunks.db', 'misnamed', '1', []],
    ],
    [
      'a chunk that no vmcore has',
      'chunks',
      "INSERT INTO chunk (hash, size, codec, data) VALUES (zeroblob(32), 1, 0, x'05')",
      ['chunks.db', 'unnamed', expect.any(String), []],
    ],
    [
      'the size of a vmcore',
      'chunks',
      'UPDATE manifest SET bytes = bytes - 1 WHERE id = 2',
      ['chunks.db', 'manifest', '2', ['c2']],
    ],
    [
      'a part of a manifest',
      'chunks',
      'UPDATE manifest_part SET chunks = hashes WHERE manifest_id = 3',
      ['chunks.db', 'manifest', '3', ['c3']],
    ],
    [
      'a whole chunk in quarantine',
      'chunks',
      'INSERT INTO quarantine SELECT id, hash FROM chunk WHERE id = 2',
      ['chunks.db', 'quarantine', '2', []],
    ],
    [
      'a row of a capture',
      'metadata',
      "UPDATE capture SET outcome = 'failed' WHERE id = 'c2'",
      ['metadata.db', 'record', 'capture c2', ['c2']],
    ],
    [
      'a trace',
      'metadata',
      "UPDATE trace SET gzip = x'00' WHERE capture_id = 'c1'",
      ['metadata.db', 'record', 'trace c1', ['c1']],
    ],
    [
      'an operation',
      'metadata',
      "UPDATE operation SET attempt = 1 WHERE id = 'o1'",
      ['metadata.db', 'record', 'operation o1', []],
    ],
    [
      'a vmcore without its capture’s name for it',
      'chunks',
      'DELETE FROM manifest WHERE id = 1',
      ['metadata.db', 'capture', 'c1', ['c1']],
    ],
  ] as const)('%s changed → that and what it affects, and no more', async (_, database, sql, expected) => {
    const paths = altered(database, `PRAGMA foreign_keys = ON; ${sql}`);
    const found = (await brief(paths)) as unknown[][];
    expect(found.filter(([, kind]) => kind !== 'unnamed' || expected[1] === 'unnamed')).toEqual([expected]);
    const { report } = await verifyStore(paths);
    for (const { advice } of report.damage) expect(advice).toMatch(/repair|delete|restore/);
  });

  it('a damaged chunk that no vmcore has → lost as well: the same content must not be found there', async () => {
    const sql = "INSERT INTO chunk (hash, size, codec, data) VALUES (zeroblob(32), 1, 0, x'05')";
    const { lost } = await verifyStore(altered('chunks', sql));
    expect(lost).toEqual([{ id: expect.any(String), hash: Buffer.alloc(32) }]);
  });

  it('a file that is no database, or is not there → that, and the other one is checked', async () => {
    const paths = altered('chunks', 'SELECT 1');
    rmSync(paths.metadata);
    const { report } = await verifyStore(paths);
    expect(report.damage.map(({ database, kind }) => [database, kind])).toEqual([
      ['metadata.db', 'database'],
    ]);
    expect(report.vmcores).toBe(3);
  });

  it('checkInThread: → as in this one; aborted → the reason of the signal', async () => {
    const paths = altered('chunks', 'UPDATE chunk SET data = zeroblob(length(data)) WHERE id = 1');
    const phases: string[] = [];
    const never = new AbortController().signal;
    const { report, lost } = await checkInThread(
      { kind: 'verify', paths },
      (phase) => phases.push(phase),
      never,
    );
    expect(report.damage).toHaveLength(1);
    expect(lost.map(({ id }) => id)).toEqual(['1']);
    expect(phases).toContain('vmcore 3 of 3');
    const abort = new AbortController();
    const slow = checkInThread(
      { kind: 'verify', paths, bytesPerSecond: 1000 },
      () => abort.abort(new Error('enough')),
      abort.signal,
    );
    await expect(slow).rejects.toThrow('enough');
  });
});

describe('repairStore', () => {
  it.each([
    ['the hash of a chunk', 'chunks', 'UPDATE chunk SET hash = zeroblob(32) WHERE id = 1'],
    [
      'the codec of a chunk',
      'chunks',
      'UPDATE chunk SET codec = 0 WHERE id = (SELECT min(id) FROM chunk WHERE codec = 2)',
    ],
    ['a bit of the size of a vmcore', 'chunks', 'UPDATE manifest SET bytes = bytes + 1048576 WHERE id = 2'],
    ['a bit of a number', 'metadata', "UPDATE operation SET attempt = 16 WHERE id = 'o1'"],
    [
      'a bit of a text',
      'metadata',
      "UPDATE capture SET record = replace(record, 'built-in', 'bu)lt-in') WHERE id = 'c2'",
    ],
    [
      'a damaged chunk that no vmcore has',
      'chunks',
      "INSERT INTO chunk (hash, size, codec, data) VALUES (zeroblob(32), 1, 0, x'05')",
    ],
    [
      'a whole chunk in quarantine',
      'chunks',
      'INSERT INTO quarantine SELECT id, hash FROM chunk WHERE id = 2',
    ],
  ] as const)('%s changed → as it was written', async (_, database, sql) => {
    const truth = await readStores(altered('chunks', 'SELECT 1'));
    const paths = altered(database, sql);
    expect((await verifyStore(paths)).report.damage).not.toEqual([]);
    const { report } = await repairStore(paths);
    expect(report.damage).toEqual([]);
    expect(report.repaired).toHaveLength(1);
    expect(await readStores(paths)).toEqual(truth);
  });

  it('content that nothing proves → stays lost, in quarantine; a vmcore without it is read', async () => {
    const paths = altered(
      'chunks',
      'UPDATE chunk SET data = zeroblob(length(data)) WHERE id = (SELECT max(id) FROM chunk)',
    );
    const { report } = await repairStore(paths);
    expect(report.damage.map(({ kind, captures }) => [kind, captures])).toEqual([['chunk', ['c3']]]);
    const vmcores = openLocalVmcoreStore(paths.chunks);
    expect(await vmcores.damage()).toMatchObject([{ manifestId: '3', chunks: 1 }]);
    expect(await asyncCodeOf(() => readAll(vmcores, '3'))).toBe('store/corrupt-chunk');
    expect((await readAll(vmcores, '2')).length).toBeGreaterThan(500_000);
    await vmcores.close();
  });
});
