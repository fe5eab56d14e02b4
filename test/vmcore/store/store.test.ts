import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arraySource } from '../../../src/base/bytes.ts';
import {
  ChunkedVmcoreStore,
  migrate,
  migrationsFolder,
  openChunkDatabase,
  openLocalVmcoreStore,
  openVmcoreStore,
  SqliteManifestStore,
  SqlitePageStore,
} from '../../../src/vmcore/store/index.ts';
import type { SqlitePageStoreOptions } from '../../../src/vmcore/store/sqlite-page-store.ts';
import { flipBit } from '../../support/flip.ts';
import { asyncCodeOf } from '../../synth/mutate.ts';
import { manifestStoreContract } from './manifest-store-contract.ts';
import { MemoryManifestStore, MemoryPageStore } from './memory-stores.ts';
import { chunk, noise, type OpenedPages, pageStoreContract } from './page-store-contract.ts';
import { vmcoreStoreContract } from './vmcore-store-contract.ts';

let dir = '';
let next = 0;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kdumpd-store-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const path = (): string => join(dir, `${next++}.db`);

/** Changes a database file behind the back of the store that has it open. */
function alter(file: string, sql: string, ...values: unknown[]): void {
  const db = new BetterSqlite3(file);
  const { changes } = db.prepare(sql).run(...values);
  db.close();
  expect(changes).toBe(1);
}

function openedPages(file: string, options?: SqlitePageStoreOptions): OpenedPages {
  return {
    store: new SqlitePageStore(openChunkDatabase(file), options),
    tamper: (id, change) => {
      const middle =
        "CAST(substr(data, 1, length(data) / 2) || x'55' || substr(data, length(data) / 2 + 2) AS BLOB)";
      alter(
        file,
        change === 'lose'
          ? 'DELETE FROM chunk WHERE id = ?'
          : `UPDATE chunk SET data = ${middle} WHERE id = ?`,
        Number(id),
      );
    },
  };
}

pageStoreContract('SQLite, zstd', async () => openedPages(path()));
pageStoreContract('SQLite, not compressed', async () => openedPages(path(), { compressionLevel: 0 }));
pageStoreContract('in memory, remote', async () => {
  const store = new MemoryPageStore();
  return { store, tamper: (id, change) => store.tamper(id, change) };
});
const hashOfNumber = (n: number): Uint8Array => createHash('sha256').update(`${n}`).digest();
manifestStoreContract('SQLite', async () => {
  const file = path();
  const db = openChunkDatabase(file);
  return {
    store: new SqliteManifestStore(db),
    chunk: (n) => ({ id: String(n), hash: hashOfNumber(n) }),
    tamper: (id) => alter(file, 'UPDATE manifest SET bytes = bytes + 1 WHERE id = ?', Number(id)),
    close: async () => void db.close(),
  };
});
manifestStoreContract('in memory, remote', async () => {
  const store = new MemoryManifestStore();
  return {
    store,
    chunk: (n) => ({ id: `chunk ${n}`, hash: hashOfNumber(n) }),
    tamper: (id) => store.tamper(id),
    close: async () => undefined,
  };
});
vmcoreStoreContract('in memory, remote', async () => {
  const pages = new MemoryPageStore();
  return {
    store: new ChunkedVmcoreStore(pages, new MemoryManifestStore()),
    tamper: (hash) => pages.tamper(`chunks/${Buffer.from(hash).toString('base64url')}`, 'flip'),
  };
});
const tamperIn = (file: string) => (hash: Uint8Array) =>
  alter(file, 'UPDATE chunk SET data = zeroblob(length(data)) WHERE hash = ?', hash);
vmcoreStoreContract('this thread', async () => {
  const file = path();
  return { store: openLocalVmcoreStore(file), tamper: tamperIn(file) };
});
vmcoreStoreContract('worker thread', async () => {
  const file = path();
  return { store: await openVmcoreStore({ path: file }), tamper: tamperIn(file) };
});

describe('SqlitePageStore', () => {
  it('openChunkDatabase: a new file → large pages, incremental vacuum, write-ahead log', () => {
    const db = openChunkDatabase(path());
    expect(db.pragma('page_size', { simple: true })).toBe(16384);
    expect(db.pragma('auto_vacuum', { simple: true })).toBe(2);
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    // FULL: a commit is on the disk when it returns.
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    db.close();
  });

  it('sweep: everything dead → the file becomes small again', async () => {
    const file = path();
    const store = new SqlitePageStore(openChunkDatabase(file));
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
    ['which this connection has in memory → written again, whole', true, 'whole'],
    ['which it has not → in quarantine', false, 'damaged'],
  ] as const)('quarantine: a chunk that changed on the disk, %s', async (_, isInMemory, becomes) => {
    const file = path();
    const content = chunk(noise(5000, 1));
    const before = new SqlitePageStore(openChunkDatabase(file), { compressionLevel: 0 });
    const [id = ''] = await before.putMany(await before.hold(), [content]);
    await before.close();
    const store = new SqlitePageStore(openChunkDatabase(file), { compressionLevel: 0 });
    const ref = { id, hash: content.hash };
    const isOnDisk = (): boolean => readFileSync(file).includes(content.bytes.subarray(0, 64));
    if (isInMemory) await store.getMany([ref]);
    flipBit({ file, offset: readFileSync(file).indexOf(content.bytes.subarray(0, 64)), bit: 3 });
    expect(isOnDisk()).toBe(false);
    await store.quarantine([ref]);
    expect((await store.quarantined()).length).toBe(becomes === 'whole' ? 0 : 1);
    await store.close();
    expect(isOnDisk()).toBe(becomes === 'whole');
  });

  it.each([
    ['a damaged compressed chunk', 'UPDATE chunk SET data = zeroblob(length(data))'],
    ['a chunk of another size', 'UPDATE chunk SET size = size - 1'],
    ['raw data under a codec of compressed data', 'UPDATE chunk SET data = zeroblob(65536)'],
  ])('getMany: %s → store/corrupt-chunk', async (_, sql) => {
    const file = path();
    const store = new SqlitePageStore(openChunkDatabase(file));
    const content = chunk(new Uint8Array(65_536).map((__, i) => i & 15));
    const [id = ''] = await store.putMany(await store.hold(), [content]);
    const db = new BetterSqlite3(file);
    db.exec(sql);
    db.close();
    expect(await asyncCodeOf(() => store.getMany([{ id, hash: content.hash }]))).toBe('store/corrupt-chunk');
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

  it('openLocalVmcoreStore: a database of the version before, with vmcores → they are whole, and checked from now on', async () => {
    const file = path();
    const bytes = noise(200_000, 6);
    const { manifestId, sha256 } = await makeEarlier(file, bytes);
    const store = openLocalVmcoreStore(file);
    expect(await store.describe(manifestId)).toMatchObject({ bytes: bytes.length, sha256 });
    await store.verify(manifestId);
    expect((await store.writeVmcore(arraySource(bytes))).newBytes).toBe(0);
    alter(file, 'UPDATE chunk SET data = zeroblob(length(data)) WHERE id = 2');
    expect(await asyncCodeOf(() => store.verify(manifestId))).toBe('store/corrupt-chunk');
    await store.close();
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

/** Makes a chunk database as the version before had it, which knew two migrations, with one vmcore. */
async function makeEarlier(
  file: string,
  bytes: Uint8Array,
): Promise<{ readonly manifestId: string; readonly sha256: string }> {
  const folder = mkdtempSync(join(dir, 'migrations-'));
  for (const name of readdirSync(migrationsFolder('chunks')).filter((each) => each < '003'))
    copyFileSync(join(migrationsFolder('chunks'), name), join(folder, name));
  const db = new BetterSqlite3(file);
  migrate(db, folder);
  const count = Math.ceil(bytes.length / 65_536);
  const ids = Buffer.alloc(count * 8);
  for (let i = 0; i < count; i++) {
    const { hash, bytes: data } = chunk(bytes.slice(i * 65_536, (i + 1) * 65_536));
    db.prepare('INSERT INTO chunk VALUES (?, ?, ?, 0, ?)').run(i + 1, hash, data.length, data);
    ids.writeBigUInt64LE(BigInt(i + 1), i * 8);
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  db.prepare('INSERT INTO manifest VALUES (7, ?, ?, 65536)').run(bytes.length, Buffer.from(sha256, 'hex'));
  db.prepare('INSERT INTO manifest_part VALUES (7, 0, ?)').run(ids);
  db.close();
  return { manifestId: '7', sha256 };
}
