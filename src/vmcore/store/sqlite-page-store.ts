/**
 * Chunks in SQLite, each stored once. Content is compressed by zstd where that saves an eighth; a chunk of zeros takes
 * no room. Source of the layout: migrations/chunks.
 * All calls block: meant to run in a worker thread (worker.ts).
 */

import type { Database, Statement } from 'better-sqlite3';
import { Compressor } from 'zstd-napi';
import zstd from 'zstd-napi/binding.js';
import { isAllZero } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import type { Chunk, ChunkId, PageStore, SweepResult } from './contract.ts';
import { CHUNK_BYTES } from './contract.ts';
import { storeError } from './errors.ts';

const CODEC_RAW = 0;
const CODEC_ZSTD = 1;
const CODEC_ZERO = 2;
/** Rows that a sweep looks at, and deletes, in one transaction. */
const SWEEP_ROWS = 4096;

export type SqlitePageStoreOptions = {
  /** zstd level, or 0 to store content as it is. Default 1. */
  readonly compressionLevel?: number;
};

export class SqlitePageStore implements PageStore {
  readonly #db: Database;
  readonly #find: Statement<[Uint8Array], { id: number }>;
  readonly #insert: Statement<[Uint8Array, number, number, Uint8Array]>;
  readonly #read: Statement<[number], { size: number; codec: number; data: Buffer }>;
  readonly #compressor: Compressor | undefined;
  readonly #decompressor = new zstd.DCtx();

  /** @param db from openDatabase(…, 'chunks'); closed with this store. */
  constructor(db: Database, options: SqlitePageStoreOptions = {}) {
    this.#db = db;
    this.#find = db.prepare('SELECT id FROM chunk WHERE hash = ?');
    this.#insert = db.prepare('INSERT INTO chunk (hash, size, codec, data) VALUES (?, ?, ?, ?)');
    this.#read = db.prepare('SELECT size, codec, data FROM chunk WHERE id = ?');
    const level = options.compressionLevel ?? 1;
    if (level !== 0) {
      this.#compressor = new Compressor();
      this.#compressor.setParameters({ compressionLevel: level });
    }
  }

  async hasMany(hashes: readonly Uint8Array[]): Promise<readonly (ChunkId | null)[]> {
    return this.#db.transaction(() => hashes.map((hash) => this.#find.get(hash)?.id ?? null))();
  }

  async putMany(chunks: readonly Chunk[]): Promise<readonly ChunkId[]> {
    return this.#db.transaction(() =>
      chunks.map((chunk) => this.#find.get(chunk.hash)?.id ?? this.#put(chunk)),
    )();
  }

  async getMany(ids: readonly ChunkId[]): Promise<readonly Uint8Array[]> {
    return this.#db.transaction(() => ids.map((id) => this.#get(id)))();
  }

  async sweep(live: ReadonlySet<ChunkId>): Promise<SweepResult> {
    const page = this.#db.prepare<[number], { id: number; size: number }>(
      `SELECT id, size FROM chunk WHERE id > ? ORDER BY id LIMIT ${SWEEP_ROWS}`,
    );
    const remove = this.#db.prepare<[number]>('DELETE FROM chunk WHERE id = ?');
    let [chunks, bytes, last] = [0, 0, 0];
    for (let rows = page.all(last); rows.length > 0; rows = page.all(last)) {
      const dead = rows.filter((row) => !live.has(row.id));
      this.#db.transaction(() => {
        for (const row of dead) remove.run(row.id);
      })();
      chunks += dead.length;
      for (const row of dead) bytes += row.size;
      last = rows.at(-1)?.id ?? last;
    }
    if (chunks > 0) {
      this.#db.exec('PRAGMA incremental_vacuum');
      this.#db.pragma('wal_checkpoint(PASSIVE)');
    }
    return { chunks, bytes };
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #put(chunk: Chunk): ChunkId {
    const { bytes, hash } = chunk;
    assert(
      bytes.length > 0 && bytes.length <= CHUNK_BYTES && hash.length === 32,
      'putMany: chunks of 1 to 64 KiB with a SHA-256',
    );
    const row = this.#encode(bytes);
    return Number(this.#insert.run(hash, bytes.length, row.codec, row.data).lastInsertRowid);
  }

  #encode(bytes: Uint8Array): { codec: number; data: Uint8Array } {
    if (isAllZero(bytes)) return { codec: CODEC_ZERO, data: new Uint8Array(0) };
    const small = this.#compressor?.compress(bytes);
    if (small !== undefined && small.length <= bytes.length - (bytes.length >>> 3))
      return { codec: CODEC_ZSTD, data: small };
    return { codec: CODEC_RAW, data: bytes };
  }

  #get(id: ChunkId): Uint8Array {
    const row = this.#read.get(id);
    if (row === undefined) throw storeError('store/missing-chunk', `chunk ${id} is not in the store`);
    if (row.codec === CODEC_ZERO) return new Uint8Array(row.size);
    if (row.codec === CODEC_RAW && row.data.length === row.size) return row.data;
    const bytes = new Uint8Array(row.size);
    let size = -1;
    try {
      if (row.codec === CODEC_ZSTD) size = this.#decompressor.decompress(bytes, row.data);
    } catch (cause) {
      throw storeError('store/corrupt-chunk', `chunk ${id} cannot be decompressed`, { cause });
    }
    if (size !== row.size)
      throw storeError('store/corrupt-chunk', `chunk ${id} has another size than its row says`, {
        expected: `${row.size}`,
        actual: `${size}`,
      });
    return bytes;
  }
}
