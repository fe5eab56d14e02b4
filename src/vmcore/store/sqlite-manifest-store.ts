/** Stores manifests in SQLite, in the same file as the chunks. Source of the layout: migrations/chunks. */

import type { Database } from 'better-sqlite3';
import type { ChunkRef, ChunkSpan, Manifest, ManifestId, ManifestStore } from './contract.ts';
import { CHUNK_BYTES } from './contract.ts';
import { guarded, storeError } from './errors.ts';
import { rowOf } from './row-id.ts';
import { isSealed, type SqlRow, type SqlValue, sealOf } from './seal.ts';

/** Chunks in a row of manifest_part: 8 KiB of ids and 32 KiB of hashes. */
const PART_CHUNKS = 1024;
const ID_BYTES = 8;
const HASH_BYTES = 32;

export type ManifestRow = {
  readonly id: SqlValue;
  readonly bytes: SqlValue;
  readonly sha256: SqlValue;
  readonly chunk_bytes: SqlValue;
};
export type PartRow = {
  readonly manifest_id: SqlValue;
  readonly part: SqlValue;
  readonly chunks: SqlValue;
  readonly hashes: SqlValue;
};

export class SqliteManifestStore implements ManifestStore {
  readonly #db: Database;

  /** @param db from openChunkDatabase; closed by its page store. */
  constructor(db: Database) {
    this.#db = db;
  }

  async create(manifest: Omit<Manifest, 'id'>, chunks: readonly ChunkRef[]): Promise<ManifestId> {
    return this.#guarded(() =>
      this.#db.transaction(() => {
        const row = {
          bytes: manifest.bytes,
          sha256: Buffer.from(manifest.sha256, 'hex'),
          chunk_bytes: manifest.chunkBytes,
        };
        const id = Number(
          this.#db
            .prepare('INSERT INTO manifest (bytes, sha256, chunk_bytes) VALUES (?, ?, ?)')
            .run(row.bytes, row.sha256, row.chunk_bytes).lastInsertRowid,
        );
        this.#db.prepare('UPDATE manifest SET digest = ? WHERE id = ?').run(sealManifest({ id, ...row }), id);
        const insert = this.#db.prepare(
          'INSERT INTO manifest_part (manifest_id, part, chunks, hashes, digest) VALUES (?, ?, ?, ?, ?)',
        );
        for (let at = 0; at < chunks.length; at += PART_CHUNKS) {
          const part = {
            manifest_id: id,
            part: at / PART_CHUNKS,
            ...packRefs(chunks.slice(at, at + PART_CHUNKS)),
          };
          insert.run(part.manifest_id, part.part, part.chunks, part.hashes, sealPart(part));
        }
        return String(id);
      })(),
    );
  }

  async get(id: ManifestId): Promise<Manifest | null> {
    const row = this.#guarded(() =>
      this.#db.prepare<[number], SqlRow>('SELECT * FROM manifest WHERE id = ?').get(rowOf(id)),
    );
    if (row === undefined) return null;
    const manifest = manifestOf(row);
    if (manifest === undefined || manifest.id !== id)
      throw storeError('store/corrupt-manifest', `the manifest of vmcore ${id} is not what was written`);
    return manifest;
  }

  async list(): Promise<readonly Manifest[]> {
    return this.#all().flatMap(({ manifest }) => manifest ?? []);
  }

  async damaged(): Promise<readonly ManifestId[]> {
    return this.#all().flatMap(({ id, manifest }) => (manifest === undefined ? [id] : []));
  }

  async chunks(id: ManifestId, span?: ChunkSpan): Promise<readonly ChunkRef[]> {
    const manifest = await this.get(id);
    if (manifest === null) throw storeError('store/unknown-manifest', `no stored vmcore has the id ${id}`);
    const count = Math.ceil(manifest.bytes / manifest.chunkBytes);
    const end = Math.min(span?.end ?? count, count);
    const first = Math.min(span?.first ?? 0, end);
    const firstPart = Math.floor(first / PART_CHUNKS);
    const endPart = Math.ceil(end / PART_CHUNKS);
    const parts = this.#guarded(() =>
      this.#db
        .prepare<[number, number, number], SqlRow>(
          'SELECT * FROM manifest_part WHERE manifest_id = ? AND part >= ? AND part < ? ORDER BY part',
        )
        .all(rowOf(id), firstPart, span === undefined ? Number.MAX_SAFE_INTEGER : endPart),
    );
    const refs = parts.flatMap((row, i) => {
      const isThis = row.manifest_id === rowOf(id) && row.part === firstPart + i;
      const found = isThis ? refsOf(row) : undefined;
      if (found === undefined)
        throw storeError(
          'store/corrupt-manifest',
          `part ${firstPart + i} of vmcore ${id} is not what was written`,
        );
      return found;
    });
    const expected = Math.min(count, endPart * PART_CHUNKS) - firstPart * PART_CHUNKS;
    if (refs.length !== expected) {
      throw storeError('store/corrupt-manifest', `manifest ${id} does not name all its chunks`, {
        expected: `${expected}`,
        actual: `${refs.length}`,
      });
    }
    return refs.slice(first - firstPart * PART_CHUNKS, end - firstPart * PART_CHUNKS);
  }

  async delete(id: ManifestId): Promise<boolean> {
    return this.#guarded(
      () => this.#db.prepare('DELETE FROM manifest WHERE id = ?').run(rowOf(id)).changes > 0,
    );
  }

  #all(): { readonly id: ManifestId; readonly manifest: Manifest | undefined }[] {
    return this.#guarded(() => this.#db.prepare<[], SqlRow>('SELECT * FROM manifest ORDER BY id').all()).map(
      (row) => ({ id: String(row.id), manifest: manifestOf(row) }),
    );
  }

  #guarded<T>(work: () => T): T {
    return guarded('chunks.db', work);
  }
}

export function sealManifest({ id, bytes, sha256, chunk_bytes }: ManifestRow): Buffer {
  return sealOf('manifest', { id, bytes, sha256, chunk_bytes });
}

export function sealPart({ manifest_id, part, chunks, hashes }: PartRow): Buffer {
  return sealOf('manifest_part', { manifest_id, part, chunks, hashes });
}

/** The manifest of a row; undefined where the row is not what was written. */
export function manifestOf(row: SqlRow): Manifest | undefined {
  const { id, bytes, sha256, chunk_bytes: chunkBytes } = row;
  if (!isSealed('manifest', row)) return undefined;
  if (typeof bytes !== 'number' || typeof chunkBytes !== 'number' || !(sha256 instanceof Uint8Array))
    return undefined;
  if (chunkBytes < 1 || chunkBytes > CHUNK_BYTES) return undefined;
  return { id: String(id), bytes, sha256: Buffer.from(sha256).toString('hex'), chunkBytes };
}

/** The chunks of a row of manifest_part; undefined where the row is not what was written. */
export function refsOf(row: SqlRow): readonly ChunkRef[] | undefined {
  return isSealed('manifest_part', row) ? unpackRefs(row) : undefined;
}

/** The chunks of a row, whatever its digest says; undefined where it has no such shape. */
export function unpackRefs({ chunks, hashes }: SqlRow): readonly ChunkRef[] | undefined {
  if (!(chunks instanceof Uint8Array) || !(hashes instanceof Uint8Array)) return undefined;
  const count = chunks.length / ID_BYTES;
  if (!Number.isInteger(count) || hashes.length !== count * HASH_BYTES) return undefined;
  const ids = Buffer.from(chunks.buffer, chunks.byteOffset, chunks.byteLength);
  return Array.from({ length: count }, (_, i) => ({
    id: String(ids.readBigUInt64LE(i * ID_BYTES)),
    hash: hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  }));
}

export function packRefs(refs: readonly ChunkRef[]): { readonly chunks: Buffer; readonly hashes: Buffer } {
  const chunks = Buffer.alloc(refs.length * ID_BYTES);
  refs.forEach(({ id }, i) => {
    chunks.writeBigUInt64LE(BigInt(id), i * ID_BYTES);
  });
  return { chunks, hashes: Buffer.concat(refs.map(({ hash }) => hash)) };
}
