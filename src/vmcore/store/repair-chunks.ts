/**
 * Repairs a chunk database as far as what is stored proves what was written: indexes are made again, rows and chunks that changed
 * by one bit get it back, chunks that no vmcore names and that are damaged are removed. What stays lost goes into quarantine,
 * until the same content is stored again.
 */

import type { Database } from 'better-sqlite3';
import { type ChunkRow, decodeChunk, encodeChunk, hashOf } from './chunk-row.ts';
import { isDamage } from './errors.ts';
import { openChunkDatabase } from './local.ts';
import { correctChunk } from './one-bit.ts';
import { repairRows } from './repair-rows.ts';
import { rowOf } from './row-id.ts';
import { type ChunksReport, type VerifyOptions, verifyChunks } from './verify-chunks.ts';

/** Lost chunks in which the one bit is looked for: one takes up to a minute. */
const MOST_SEARCHED = 8;
const LEVEL = 1;

/** @returns what was done, a sentence each */
export async function repairChunks(path: string, options: VerifyOptions = {}): Promise<readonly string[]> {
  const db = openChunkDatabase(path);
  const done: string[] = [];
  try {
    const step = (what: (count: number) => string, work: () => number): void => {
      options.signal?.throwIfAborted();
      const count = orDamaged(work);
      if (count > 0) done.push(what(count));
    };
    options.onProgress?.('indexes of chunks.db');
    step(
      () => 'the indexes of chunks.db were made again',
      () => reindex(db),
    );
    options.onProgress?.('manifests');
    for (const table of ['manifest', 'manifest_part'])
      step(
        (count) => `${count} rows of ${table} got a bit back`,
        () => repairRows(db, table),
      );
    const report = await verifyChunks(path, options);
    options.onProgress?.('chunks');
    step(
      (count) => `${count} chunks got a bit back`,
      () => restoreChunks(db, report),
    );
    step(
      (count) => `${count} chunks got the hash of their content back`,
      () => renameChunks(db, report),
    );
    step(
      (count) => `${count} damaged chunks that no vmcore has were removed`,
      () => removeUnnamed(db, report),
    );
    step(
      (count) => `${count} wrong entries were taken out of quarantine`,
      () => clearQuarantine(db, report),
    );
    step(
      (count) => `${count} lost chunks are in quarantine until the same content is stored again`,
      () => quarantineLost(db, report),
    );
    return done;
  } finally {
    db.close();
  }
}

/** What a step of a repair cannot do because the pages it needs are damaged stays to be reported. @returns 0 then */
export function orDamaged(work: () => number): number {
  try {
    return work();
  } catch (error) {
    const isUnique = error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_UNIQUE';
    if (!isUnique && !isDamage(error)) throw error;
    return 0;
  }
}

/** @returns 1 where that was needed */
export function reindex(db: Database): number {
  const isWhole = (): boolean => db.pragma('integrity_check(1)', { simple: true }) === 'ok';
  if (isWhole()) return 0;
  db.exec('REINDEX');
  return isWhole() ? 1 : 0;
}

function restoreChunks(db: Database, { lost }: ChunksReport): number {
  const read = db.prepare<[number], ChunkRow>('SELECT size, codec, data FROM chunk WHERE id = ?');
  const write = db.prepare('UPDATE chunk SET hash = ?, size = ?, codec = ?, data = ? WHERE id = ?');
  let restored = 0;
  for (const { id, hash } of lost.slice(0, MOST_SEARCHED)) {
    const row = read.get(rowOf(id));
    const bytes = row === undefined ? undefined : correctChunk(row, hash);
    if (bytes === undefined) continue;
    const { codec, data } = encodeChunk(bytes, LEVEL);
    db.transaction(() => {
      write.run(hash, bytes.length, codec, data, rowOf(id));
      db.prepare('DELETE FROM quarantine WHERE chunk = ?').run(rowOf(id));
    })();
    restored += 1;
  }
  return restored;
}

/** Chunks whose content is whole and whose own hash is not. */
function renameChunks(db: Database, { damage }: ChunksReport): number {
  let renamed = 0;
  for (const { id = '' } of damage.filter(({ kind }) => kind === 'misnamed')) {
    const row = db
      .prepare<[number], ChunkRow>('SELECT size, codec, data FROM chunk WHERE id = ?')
      .get(rowOf(id));
    const bytes = row === undefined ? undefined : decodeChunk(row);
    if (bytes === undefined) continue;
    db.prepare('UPDATE chunk SET hash = ? WHERE id = ?').run(hashOf(bytes), rowOf(id));
    renamed += 1;
  }
  return renamed;
}

function removeUnnamed(db: Database, { damage }: ChunksReport): number {
  let removed = 0;
  for (const { id = '' } of damage.filter(({ kind }) => kind === 'unnamed')) {
    db.transaction(() => {
      const row = db
        .prepare<[number], ChunkRow & { readonly hash: unknown }>(
          'SELECT hash, size, codec, data FROM chunk WHERE id = ?',
        )
        .get(rowOf(id));
      const bytes = row === undefined ? undefined : decodeChunk(row);
      // A write may have given it its content back meanwhile.
      const isWhole =
        bytes !== undefined &&
        row?.hash instanceof Uint8Array &&
        Buffer.compare(hashOf(bytes), row.hash) === 0;
      if (row === undefined || isWhole) return;
      db.prepare('DELETE FROM chunk WHERE id = ?').run(rowOf(id));
      db.prepare('DELETE FROM quarantine WHERE chunk = ?').run(rowOf(id));
      removed += 1;
    })();
  }
  return removed;
}

function clearQuarantine(db: Database, { damage }: ChunksReport): number {
  return damage
    .filter(({ kind }) => kind === 'quarantine')
    .reduce(
      (sum, { id = '' }) => sum + db.prepare('DELETE FROM quarantine WHERE chunk = ?').run(rowOf(id)).changes,
      0,
    );
}

function quarantineLost(db: Database, { lost }: ChunksReport): number {
  const read = db.prepare<[number], ChunkRow>('SELECT size, codec, data FROM chunk WHERE id = ?');
  const known = db.prepare('SELECT 1 FROM quarantine WHERE chunk = ? AND hash = ?');
  const add = db.prepare('INSERT OR REPLACE INTO quarantine VALUES (?, ?)');
  return lost.reduce((sum, { id, hash }) => {
    const row = read.get(rowOf(id));
    const bytes = row === undefined ? undefined : decodeChunk(row);
    const isRestored = bytes !== undefined && Buffer.compare(hashOf(bytes), hash) === 0;
    if (isRestored || known.get(rowOf(id), hash) !== undefined) return sum;
    return sum + add.run(rowOf(id), hash).changes;
  }, 0);
}
