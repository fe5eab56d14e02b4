/** Stores manifests in SQLite, in the same file as the chunks. Source of the layout: migrations/chunks. */

import type { Database } from 'better-sqlite3';
import type { ChunkId, ChunkSpan, Manifest, ManifestId, ManifestStore } from './contract.ts';
import { storeError } from './errors.ts';
import { rowOf } from './row-id.ts';

/** Ids in a row of manifest_part: 8 KiB. */
const PART_IDS = 1024;

type Row = { id: number; bytes: number; sha256: Buffer; chunk_bytes: number };

export class SqliteManifestStore implements ManifestStore {
  readonly #db: Database;

  /** @param db from openDatabase(…, 'chunks'); closed by its page store. */
  constructor(db: Database) {
    this.#db = db;
  }

  async create(manifest: Omit<Manifest, 'id'>, chunks: readonly ChunkId[]): Promise<ManifestId> {
    return this.#db.transaction(() => {
      const { lastInsertRowid } = this.#db
        .prepare('INSERT INTO manifest (bytes, sha256, chunk_bytes) VALUES (?, ?, ?)')
        .run(manifest.bytes, Buffer.from(manifest.sha256, 'hex'), manifest.chunkBytes);
      const insert = this.#db.prepare('INSERT INTO manifest_part VALUES (?, ?, ?)');
      for (let at = 0; at < chunks.length; at += PART_IDS)
        insert.run(lastInsertRowid, at / PART_IDS, pack(chunks.slice(at, at + PART_IDS)));
      return String(lastInsertRowid);
    })();
  }

  async get(id: ManifestId): Promise<Manifest | null> {
    const row = this.#db.prepare<[number], Row>('SELECT * FROM manifest WHERE id = ?').get(rowOf(id));
    return row === undefined ? null : manifestOf(row);
  }

  async list(): Promise<readonly Manifest[]> {
    return this.#db.prepare<[], Row>('SELECT * FROM manifest ORDER BY id').all().map(manifestOf);
  }

  async chunks(id: ManifestId, span?: ChunkSpan): Promise<readonly ChunkId[]> {
    const manifest = await this.get(id);
    if (manifest === null) throw storeError('store/unknown-manifest', `no stored vmcore has the id ${id}`);
    const count = Math.ceil(manifest.bytes / manifest.chunkBytes);
    const end = Math.min(span?.end ?? count, count);
    const first = Math.min(span?.first ?? 0, end);
    const firstPart = Math.floor(first / PART_IDS);
    const endPart = Math.ceil(end / PART_IDS);
    const parts = this.#db
      .prepare<[number, number, number], { part: number; chunks: Buffer }>(
        'SELECT part, chunks FROM manifest_part WHERE manifest_id = ? AND part >= ? AND part < ? ORDER BY part',
      )
      .all(rowOf(id), firstPart, span === undefined ? Number.MAX_SAFE_INTEGER : endPart);
    const ids = parts.flatMap(({ chunks }) => unpack(chunks));
    const expected = Math.min(count, endPart * PART_IDS) - firstPart * PART_IDS;
    if (ids.length !== expected || parts.some(({ part }, i) => part !== firstPart + i)) {
      throw storeError('store/corrupt-manifest', `manifest ${id} does not name all its chunks`, {
        expected: `${expected}`,
        actual: `${ids.length}`,
      });
    }
    return ids.slice(first - firstPart * PART_IDS, end - firstPart * PART_IDS);
  }

  async delete(id: ManifestId): Promise<boolean> {
    return this.#db.prepare('DELETE FROM manifest WHERE id = ?').run(rowOf(id)).changes > 0;
  }
}

function manifestOf(row: Row): Manifest {
  return {
    id: String(row.id),
    bytes: row.bytes,
    sha256: row.sha256.toString('hex'),
    chunkBytes: row.chunk_bytes,
  };
}

function pack(ids: readonly ChunkId[]): Buffer {
  const bytes = Buffer.alloc(ids.length * 8);
  ids.forEach((id, i) => {
    bytes.writeBigUInt64LE(BigInt(id), i * 8);
  });
  return bytes;
}

function unpack(bytes: Buffer): ChunkId[] {
  return Array.from({ length: bytes.length / 8 }, (_, i) => String(bytes.readBigUInt64LE(i * 8)));
}
