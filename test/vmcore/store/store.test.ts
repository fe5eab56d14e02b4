import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arraySource } from '../../../src/base/bytes.ts';
import {
  ChunkedVmcoreStore,
  openDatabase,
  openLocalVmcoreStore,
  openVmcoreStore,
  SqliteManifestStore,
  SqlitePageStore,
} from '../../../src/vmcore/store/index.ts';
import { asyncCodeOf } from '../../synth/mutate.ts';
import { manifestStoreContract } from './manifest-store-contract.ts';
import { MemoryManifestStore, MemoryPageStore } from './memory-stores.ts';
import { chunk, noise, pageStoreContract } from './page-store-contract.ts';
import { vmcoreStoreContract } from './vmcore-store-contract.ts';

let dir = '';
let next = 0;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kdumpd-store-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const path = (): string => join(dir, `${next++}.db`);

pageStoreContract('SQLite, zstd', async () => new SqlitePageStore(openDatabase(path(), 'chunks')));
pageStoreContract(
  'SQLite, not compressed',
  async () => new SqlitePageStore(openDatabase(':memory:', 'chunks'), { compressionLevel: 0 }),
);
pageStoreContract('in memory, remote', async () => new MemoryPageStore());
manifestStoreContract('SQLite', async () => {
  const db = openDatabase(':memory:', 'chunks');
  return { store: new SqliteManifestStore(db), chunkId: String, close: async () => void db.close() };
});
manifestStoreContract('in memory, remote', async () => ({
  store: new MemoryManifestStore(),
  chunkId: (n) => `chunk ${n}`,
  close: async () => undefined,
}));
vmcoreStoreContract(
  'in memory, remote',
  async () => new ChunkedVmcoreStore(new MemoryPageStore(), new MemoryManifestStore()),
);
vmcoreStoreContract('this thread', async () => openLocalVmcoreStore(path()));
vmcoreStoreContract('worker thread', () => openVmcoreStore({ path: path() }));

describe('SqlitePageStore', () => {
  it('openDatabase: a new file → large pages, incremental vacuum, write-ahead log', () => {
    const db = openDatabase(path(), 'chunks');
    expect(db.pragma('page_size', { simple: true })).toBe(16384);
    expect(db.pragma('auto_vacuum', { simple: true })).toBe(2);
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    // FULL: a commit is on the disk when it returns.
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    db.close();
  });

  it('sweep: everything dead → the file becomes small again', async () => {
    const file = path();
    const store = new SqlitePageStore(openDatabase(file, 'chunks'));
    const hold = await store.hold();
    await store.putMany(
      hold,
      Array.from({ length: 100 }, (_, i) => chunk(noise(65_536, i + 1))),
    );
    await store.release(hold);
    await store.endSweep(await store.beginSweep());
    await store.close();
    expect(statSync(file).size).toBeLessThan(500_000);
  });

  it.each([
    ['a damaged compressed chunk', 'UPDATE chunk SET data = zeroblob(length(data))'],
    ['a chunk of another size', 'UPDATE chunk SET size = size - 1'],
    ['raw data under a codec of compressed data', 'UPDATE chunk SET data = zeroblob(65536)'],
  ])('getMany: %s → store/corrupt-chunk', async (_, sql) => {
    const file = path();
    const store = new SqlitePageStore(openDatabase(file, 'chunks'));
    const ids = await store.putMany(await store.hold(), [
      chunk(new Uint8Array(65_536).map((__, i) => i & 15)),
    ]);
    const db = new BetterSqlite3(file);
    db.exec(sql);
    db.close();
    expect(await asyncCodeOf(() => store.getMany(ids))).toBe('store/corrupt-chunk');
    await store.close();
  });
});

describe('VmcoreStore', () => {
  it('openVmcoreStore: closed and opened again → vmcores are there', async () => {
    const file = path();
    const first = await openVmcoreStore({ path: file });
    const { manifestId, sha256 } = await first.writeVmcore(arraySource(noise(200_000, 5)));
    await first.close();
    const second = await openVmcoreStore({ path: file });
    expect((await second.describe(manifestId)).sha256).toBe(sha256);
    await second.verify(manifestId);
    await second.close();
  });

  it('verify: stored bytes that changed → store/corrupt-chunk', async () => {
    const file = path();
    const store = openLocalVmcoreStore(file, { compressionLevel: 0 });
    const { manifestId } = await store.writeVmcore(arraySource(noise(200_000, 5)));
    const db = new BetterSqlite3(file);
    db.exec('UPDATE chunk SET data = zeroblob(length(data)) WHERE id = 2');
    db.close();
    expect(await asyncCodeOf(() => store.verify(manifestId))).toBe('store/corrupt-chunk');
    await store.close();
  });

  it('readVmcore: a manifest with a part missing → store/corrupt-manifest', async () => {
    const file = path();
    const store = openLocalVmcoreStore(file);
    const { manifestId } = await store.writeVmcore(arraySource(noise(200_000, 5)));
    const db = new BetterSqlite3(file);
    db.exec('DELETE FROM manifest_part');
    db.close();
    expect(await asyncCodeOf(() => store.verify(manifestId))).toBe('store/corrupt-manifest');
    await store.close();
  });

  it('openVmcoreStore: a file that is no database → an error, not a worker that hangs', async () => {
    await expect(openVmcoreStore({ path: dir })).rejects.toMatchObject({ code: 'store/not-a-database' });
  });

  it('any method after close → an error that says so', async () => {
    const store = await openVmcoreStore({ path: ':memory:' });
    await store.close();
    await store.close();
    await expect(store.list()).rejects.toThrow('the store is closed');
  });
});
