/**
 * Stores chunks in SQLite, each once. Content is compressed by zstd where that saves an eighth; a chunk of zeros takes
 * no room. Whatever is read is compared with its hash. Source of the layout: migrations/chunks.
 * All calls block; run it in a worker thread (worker.ts).
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database, Statement } from 'better-sqlite3';
import { assert, StoredDataError } from '../../base/errors.ts';
import { type ChunkRow, decodeChunk, encodeChunk, hashOf } from './chunk-row.ts';
import type {
  Chunk,
  ChunkFigures,
  ChunkId,
  ChunkRef,
  HoldId,
  PageStore,
  SweepId,
  SweepResult,
} from './contract.ts';
import { CHUNK_BYTES } from './contract.ts';
import { databaseError, guarded, storeError } from './errors.ts';
import { rowOf } from './row-id.ts';

/** Pages of 16 KiB that are given back in one transaction: 16 MiB. */
const VACUUM_PAGES = 1024;
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
  readonly #replace: Statement<[number, Uint8Array, number, number, Uint8Array]>;
  readonly #hashAt: Statement<[number], { hash: unknown }>;
  readonly #hold: Statement<[number, number]>;
  readonly #read: Statement<[number], ChunkRow>;
  readonly #level: number;
  /** In quarantine: what each row must hold. */
  readonly #bad = new Map<number, Uint8Array>();

  #lastHold = 0;
  #lastSweep = 0;
  #sweep: SweepId | undefined;

  /** @param db from openChunkDatabase; closed with this store. */
  constructor(db: Database, options: SqlitePageStoreOptions = {}) {
    this.#db = db;
    this.#find = db.prepare('SELECT id FROM chunk WHERE hash = ?');
    this.#insert = db.prepare('INSERT INTO chunk (hash, size, codec, data) VALUES (?, ?, ?, ?)');
    this.#replace = db.prepare(`INSERT INTO chunk (id, hash, size, codec, data) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, size = excluded.size, codec = excluded.codec, data = excluded.data`);
    // Holds end with the process: they are in a temporary database.
    db.exec(`
      CREATE TEMP TABLE held (chunk INTEGER, hold INTEGER, PRIMARY KEY (chunk, hold)) WITHOUT ROWID;
      CREATE INDEX temp.held_by_hold ON held (hold);
      CREATE TEMP TABLE marked (chunk INTEGER PRIMARY KEY);
    `);
    this.#hashAt = db.prepare('SELECT hash FROM chunk WHERE id = ?');
    this.#hold = db.prepare('INSERT OR IGNORE INTO held (hold, chunk) VALUES (?, ?)');
    this.#read = db.prepare('SELECT size, codec, data FROM chunk WHERE id = ?');
    this.#level = options.compressionLevel ?? 1;
    for (const { chunk, hash } of quarantineRows(db)) this.#bad.set(chunk, hash);
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
    return this.#inTransaction(() =>
      hashes.map((hash) => {
        const row = this.#lookUp(hash);
        return row === undefined || this.#bad.has(row) ? null : this.#keep(hold, row);
      }),
    );
  }

  async putMany(hold: HoldId, chunks: readonly Chunk[]): Promise<readonly ChunkId[]> {
    const healed: number[] = [];
    const ids = this.#inTransaction(() =>
      chunks.map((chunk) => {
        const row = this.#lookUp(chunk.hash);
        if (row !== undefined && !this.#bad.has(row)) return this.#keep(hold, row);
        const damaged = row ?? this.#quarantinedAs(chunk.hash);
        if (damaged === undefined) return this.#keep(hold, this.#put(chunk));
        this.#heal(damaged, chunk);
        healed.push(damaged);
        return this.#keep(hold, damaged);
      }),
    );
    for (const row of healed) this.#bad.delete(row);
    return ids;
  }

  async keepMany(hold: HoldId, chunks: readonly ChunkRef[]): Promise<void> {
    const gone: ChunkRef[] = [];
    this.#inTransaction(() => {
      for (const chunk of chunks) if (this.#hashAt.get(rowOf(chunk.id)) === undefined) gone.push(chunk);
      if (gone.length === 0) for (const { id } of chunks) this.#keep(hold, rowOf(id));
    });
    const [first] = gone;
    if (first === undefined) return;
    await this.quarantine(gone);
    throw missing(first.id);
  }

  async getMany(chunks: readonly ChunkRef[]): Promise<readonly Uint8Array[]> {
    const contents = this.#inTransaction(() => chunks.map((chunk) => this.#contentOf(chunk)));
    const bad = chunks.filter((_, i) => contents[i] instanceof Error);
    const error = contents.find((each) => each instanceof Error);
    if (error === undefined) return contents as readonly Uint8Array[];
    try {
      await this.quarantine(bad);
    } catch (cause) {
      throw storeError('store/corrupt-chunk', `${error.message}, and cannot be put in quarantine`, { cause });
    }
    throw error;
  }

  async quarantine(chunks: readonly ChunkRef[]): Promise<void> {
    const add = this.#db.prepare('INSERT OR REPLACE INTO quarantine VALUES (?, ?)');
    const healed: number[] = [];
    this.#inTransaction(() => {
      for (const { id, hash } of chunks) {
        const row = rowOf(id);
        // An id that no row can have.
        if (row === 0) continue;
        const inMemory = this.#contentOf({ id, hash });
        // This connection may still have the page in memory, as it was before the disk changed it.
        this.#db.pragma('shrink_memory');
        // A row that is whole and holds something else: its reference is wrong, not the row.
        if (this.#isWhole(row)) continue;
        if (inMemory instanceof Error) {
          this.#bad.set(row, new Uint8Array(hash));
          add.run(row, hash);
        } else {
          this.#heal(row, { bytes: inMemory, hash });
          healed.push(row);
        }
      }
    });
    for (const row of healed) this.#bad.delete(row);
  }

  async quarantined(): Promise<readonly ChunkRef[]> {
    return [...this.#bad].map(([row, hash]) => ({ id: String(row), hash }));
  }

  async figures(): Promise<ChunkFigures> {
    const row = guarded('chunks.db', () =>
      this.#db
        .prepare<[], ChunkFigures>('SELECT count(*) AS chunks, coalesce(sum(size), 0) AS bytes FROM chunk')
        .get(),
    );
    return row ?? { chunks: 0, bytes: 0 };
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
    const forget = this.#db.prepare<[number]>('DELETE FROM quarantine WHERE chunk = ?');
    let [chunks, bytes, last] = [0, 0, 0];
    for (let isDone = false; !isDone; ) {
      this.#requireSweep(sweep);
      this.#db.transaction(() => {
        const dead = page.all(last);
        for (const row of dead) {
          remove.run(row.id);
          if (this.#bad.delete(row.id)) forget.run(row.id);
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
    if (chunks > 0) await this.#giveRoomBack();
    return { chunks, bytes };
  }

  /** Makes the file smaller in steps, so that the log of each is small: a sweep also runs where the disk is nearly full. */
  async #giveRoomBack(): Promise<void> {
    const count = (): unknown => this.#db.pragma('freelist_count', { simple: true });
    for (let before: unknown; before !== count(); ) {
      before = count();
      this.#db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
      this.#db.pragma('wal_checkpoint(TRUNCATE)');
      await nextTurn();
    }
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

  #inTransaction<T>(work: () => T): T {
    return guarded('chunks.db', () => this.#db.transaction(work)());
  }

  /**
   * The row with this hash. The index alone is not believed: one that names a row of another hash is made again.
   * @throws StoredDataError `store/damaged-database` where that does not help
   */
  #lookUp(hash: Uint8Array): number | undefined {
    for (let isFresh = false; ; isFresh = true) {
      const row = this.#find.get(hash)?.id;
      if (row === undefined || this.#bad.has(row)) return row;
      const there = this.#hashAt.get(row)?.hash;
      if (there instanceof Uint8Array && Buffer.compare(there, hash) === 0) return row;
      if (isFresh) throw storeError('store/damaged-database', 'the index of chunks.db names other chunks');
      this.#db.exec('REINDEX chunk');
    }
  }

  #quarantinedAs(hash: Uint8Array): number | undefined {
    for (const [row, wanted] of this.#bad) if (Buffer.compare(wanted, hash) === 0) return row;
    return undefined;
  }

  #put({ bytes, hash }: Chunk): number {
    assert(
      bytes.length > 0 && bytes.length <= CHUNK_BYTES && hash.length === 32,
      'putMany: chunks of 1 to 64 KiB with a SHA-256',
    );
    const row = encodeChunk(bytes, this.#level);
    return Number(this.#insert.run(hash, bytes.length, row.codec, row.data).lastInsertRowid);
  }

  /** Gives a damaged row its content back. Every manifest that names it is whole again. */
  #heal(row: number, { bytes, hash }: Chunk): void {
    const { codec, data } = encodeChunk(bytes, this.#level);
    const replace = (): void => void this.#replace.run(row, hash, bytes.length, codec, data);
    try {
      replace();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_UNIQUE'))
        throw error;
      // The row is gone and the index still names it.
      this.#db.exec('REINDEX chunk');
      replace();
    }
    this.#db.prepare('DELETE FROM quarantine WHERE chunk = ?').run(row);
  }

  /** The content of a chunk, or why it cannot be had. */
  #contentOf({ id, hash }: ChunkRef): Uint8Array | Error {
    try {
      const row = this.#read.get(rowOf(id));
      if (row === undefined) return missing(id);
      const bytes = decodeChunk(row);
      if (bytes !== undefined && Buffer.compare(hashOf(bytes), hash) === 0) return bytes;
      return corrupt(id);
    } catch (error) {
      return corrupt(id, damageOf(error));
    }
  }

  /** Whether a row holds what its own hash says. */
  #isWhole(row: number): boolean {
    const hash = this.#hashOfRow(row);
    return hash !== undefined && !(this.#contentOf({ id: String(row), hash }) instanceof Error);
  }

  #hashOfRow(row: number): Uint8Array | undefined {
    try {
      const hash = this.#hashAt.get(row)?.hash;
      return hash instanceof Uint8Array ? hash : undefined;
    } catch (error) {
      damageOf(error);
      return undefined;
    }
  }
}

function quarantineRows(db: Database): readonly { readonly chunk: number; readonly hash: Buffer }[] {
  return guarded('chunks.db', () =>
    db.prepare<[], { chunk: number; hash: Buffer }>('SELECT chunk, hash FROM quarantine').all(),
  );
}

/** An error by which SQLite says that the pages of a row are damaged. Any other is thrown. */
function damageOf(error: unknown): unknown {
  const damage = databaseError(error, 'chunks.db');
  if (!(damage instanceof StoredDataError)) throw error;
  return damage;
}

function missing(id: ChunkId): Error {
  return storeError('store/missing-chunk', `chunk ${id} is not in the store`);
}

function corrupt(id: ChunkId, cause?: unknown): Error {
  return storeError(
    'store/corrupt-chunk',
    `chunk ${id} does not match its hash`,
    cause === undefined ? {} : { cause },
  );
}
