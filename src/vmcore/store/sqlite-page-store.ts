/**
 * Stores chunks in SQLite, each once. Content is compressed by zstd where that saves an eighth; a chunk of zeros takes
 * no room. Source of the layout: migrations/chunks.
 * All calls block; run it in a worker thread (worker.ts).
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database, Statement } from 'better-sqlite3';
import { isAllZero } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import { zstdCompress, zstdDecompress } from '../../base/zstd.ts';
import type { Chunk, ChunkId, HoldId, PageStore, SweepId, SweepResult } from './contract.ts';
import { CHUNK_BYTES } from './contract.ts';
import { storeError } from './errors.ts';
import { rowOf } from './row-id.ts';

const CODEC_RAW = 0;
const CODEC_ZSTD = 1;
const CODEC_ZERO = 2;
/** Rows that a sweep deletes in one transaction. */
const SWEEP_ROWS = 4096;

export type SqlitePageStoreOptions = {
  /** zstd level, or 0 to store content uncompressed. Default 1. */
  readonly compressionLevel?: number;
};

export class SqlitePageStore implements PageStore {
  readonly #db: Database;
  readonly #find: Statement<[Uint8Array], { id: number }>;
  readonly #insert: Statement<[Uint8Array, number, number, Uint8Array]>;
  readonly #exists: Statement<[number], { id: number }>;
  readonly #hold: Statement<[number, number]>;
  readonly #read: Statement<[number], { size: number; codec: number; data: Buffer }>;
  readonly #level: number;

  #lastHold = 0;
  #lastSweep = 0;
  #sweep: SweepId | undefined;

  /** @param db from openDatabase(…, 'chunks'); closed with this store. */
  constructor(db: Database, options: SqlitePageStoreOptions = {}) {
    this.#db = db;
    this.#find = db.prepare('SELECT id FROM chunk WHERE hash = ?');
    this.#insert = db.prepare('INSERT INTO chunk (hash, size, codec, data) VALUES (?, ?, ?, ?)');
    // Holds end with the process: they are in a temporary database.
    db.exec(`
      CREATE TEMP TABLE held (chunk INTEGER, hold INTEGER, PRIMARY KEY (chunk, hold)) WITHOUT ROWID;
      CREATE INDEX temp.held_by_hold ON held (hold);
      CREATE TEMP TABLE marked (chunk INTEGER PRIMARY KEY);
    `);
    this.#exists = db.prepare('SELECT id FROM chunk WHERE id = ?');
    this.#hold = db.prepare('INSERT OR IGNORE INTO held (hold, chunk) VALUES (?, ?)');
    this.#read = db.prepare('SELECT size, codec, data FROM chunk WHERE id = ?');
    this.#level = options.compressionLevel ?? 1;
  }

  async hold(): Promise<HoldId> {
    return String(++this.#lastHold);
  }

  async release(hold: HoldId): Promise<void> {
    this.#db.transaction(() => {
      // Chunks that were in use during a sweep may be named by a manifest that the sweep has not seen.
      if (this.#sweep !== undefined)
        this.#db
          .prepare('INSERT OR IGNORE INTO marked SELECT chunk FROM held WHERE hold = ?')
          .run(rowOf(hold));
      this.#db.prepare('DELETE FROM held WHERE hold = ?').run(rowOf(hold));
    })();
  }

  async hasMany(hold: HoldId, hashes: readonly Uint8Array[]): Promise<readonly (ChunkId | null)[]> {
    return this.#db.transaction(() =>
      hashes.map((hash) => {
        const id = this.#find.get(hash)?.id;
        return id === undefined ? null : this.#keep(hold, id);
      }),
    )();
  }

  async putMany(hold: HoldId, chunks: readonly Chunk[]): Promise<readonly ChunkId[]> {
    return this.#db.transaction(() =>
      chunks.map((chunk) => this.#keep(hold, this.#find.get(chunk.hash)?.id ?? this.#put(chunk))),
    )();
  }

  async keepMany(hold: HoldId, ids: readonly ChunkId[]): Promise<void> {
    this.#db.transaction(() => {
      for (const id of ids) {
        if (this.#exists.get(rowOf(id)) === undefined) throw missing(id);
        this.#keep(hold, rowOf(id));
      }
    })();
  }

  async getMany(ids: readonly ChunkId[]): Promise<readonly Uint8Array[]> {
    return this.#db.transaction(() => ids.map((id) => this.#get(id)))();
  }

  async beginSweep(): Promise<SweepId> {
    this.#db.exec('DELETE FROM marked');
    this.#sweep = String(++this.#lastSweep);
    return this.#sweep;
  }

  async mark(sweep: SweepId, ids: readonly ChunkId[]): Promise<void> {
    this.#requireSweep(sweep);
    const insert = this.#db.prepare<[number]>('INSERT OR IGNORE INTO marked VALUES (?)');
    this.#db.transaction(() => {
      for (const id of ids) insert.run(rowOf(id));
    })();
  }

  async endSweep(sweep: SweepId): Promise<SweepResult> {
    const page = this.#db.prepare<[number], { id: number; size: number }>(
      `SELECT id, size FROM chunk WHERE id > ? AND id NOT IN (SELECT chunk FROM marked)
         AND NOT EXISTS (SELECT 1 FROM held WHERE held.chunk = id) ORDER BY id LIMIT ${SWEEP_ROWS}`,
    );
    const remove = this.#db.prepare<[number]>('DELETE FROM chunk WHERE id = ?');
    let [chunks, bytes, last] = [0, 0, 0];
    for (let isDone = false; !isDone; ) {
      this.#requireSweep(sweep);
      this.#db.transaction(() => {
        const dead = page.all(last);
        for (const row of dead) {
          remove.run(row.id);
          bytes += row.size;
        }
        chunks += dead.length;
        last = dead.at(-1)?.id ?? last;
        isDone = dead.length < SWEEP_ROWS;
      })();
      // Other tasks of this thread run between the transactions; the chunks that they use are held or marked.
      await nextTurn();
    }
    this.#sweep = undefined;
    this.#db.exec('DELETE FROM marked');
    if (chunks > 0) {
      this.#db.exec('PRAGMA incremental_vacuum');
      this.#db.pragma('wal_checkpoint(PASSIVE)');
    }
    return { chunks, bytes };
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #requireSweep(sweep: SweepId): void {
    if (sweep !== this.#sweep)
      throw storeError('store/stale-sweep', 'another sweep was begun, or this one has ended');
  }

  #keep(hold: HoldId, row: number): ChunkId {
    this.#hold.run(rowOf(hold), row);
    return String(row);
  }

  #put(chunk: Chunk): number {
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
    const small = this.#level === 0 ? undefined : zstdCompress(bytes, this.#level);
    if (small !== undefined && small.length <= bytes.length - (bytes.length >>> 3))
      return { codec: CODEC_ZSTD, data: small };
    return { codec: CODEC_RAW, data: bytes };
  }

  #get(id: ChunkId): Uint8Array {
    const row = this.#read.get(rowOf(id));
    if (row === undefined) throw missing(id);
    if (row.codec === CODEC_ZERO) return new Uint8Array(row.size);
    if (row.codec === CODEC_RAW && row.data.length === row.size) return row.data;
    let bytes: Uint8Array = row.data;
    try {
      if (row.codec === CODEC_ZSTD) bytes = zstdDecompress(row.data, row.size);
    } catch (cause) {
      throw storeError('store/corrupt-chunk', `chunk ${id} cannot be decompressed`, { cause });
    }
    if (row.codec !== CODEC_ZSTD || bytes.length !== row.size)
      throw storeError('store/corrupt-chunk', `chunk ${id} has another size than its row says`, {
        expected: `${row.size}`,
        actual: `${bytes.length}`,
      });
    return bytes;
  }
}

function missing(id: ChunkId): Error {
  return storeError('store/missing-chunk', `chunk ${id} is not in the store`);
}
