/**
 * Checks a chunk database whole: its structure, every manifest, that the content of every vmcore has the SHA-256 that was written,
 * and every chunk that no vmcore names. It reads through a connection of its own and changes nothing, so a store may be
 * in use meanwhile; what comes or goes while it reads is no damage.
 */

import { createHash } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import type { Database, Statement } from 'better-sqlite3';
import { StoredDataError } from '../../base/errors.ts';
import { type ChunkRow, decodeChunk, hashOf } from './chunk-row.ts';
import type { ChunkRef, Manifest, ManifestId } from './contract.ts';
import { databaseError, isDamage } from './errors.ts';
import { rowOf } from './row-id.ts';
import type { SqlRow } from './seal.ts';
import { manifestOf, refsOf } from './sqlite-manifest-store.ts';
import { checkStructure, openReadOnly } from './verify-structure.ts';

/** Chunks that are read before other work of the thread has its turn: 1 MiB. */
const PIECE_CHUNKS = 16;

export type ChunkDamage = {
  /**
   * `vmcore`: its parts are as written, and its whole is not. `chunk`: content that vmcores have is lost. `misnamed`: a chunk is
   * whole, the hash in its row is not. `unnamed`: a damaged chunk that no vmcore has.
   */
  readonly kind:
    | 'database'
    | 'schema'
    | 'manifest'
    | 'vmcore'
    | 'chunk'
    | 'misnamed'
    | 'unnamed'
    | 'quarantine';
  /** Of the manifest or the chunk. */
  readonly id?: string;
  readonly problem: string;
  /** The vmcores that cannot be read whole because of it. */
  readonly vmcores: readonly ManifestId[];
};

export type ChunksReport = {
  readonly chunks: number;
  readonly bytes: number;
  /** Those whose manifest is as it was written, whole or not. */
  readonly vmcores: readonly Manifest[];
  readonly damage: readonly ChunkDamage[];
  /** Chunks that a vmcore names and whose content is lost. */
  readonly lost: readonly ChunkRef[];
  /** Damaged chunks that no vmcore names: the next one with the same content would. */
  readonly unnamed: readonly ChunkRef[];
};

export type VerifyOptions = {
  readonly signal?: AbortSignal;
  /** So many bytes of content are read in a second at the most; absent: no limit. */
  readonly bytesPerSecond?: number;
  readonly onProgress?: (phase: string) => void;
};

/** @throws the reason of the signal when it is aborted */
export async function verifyChunks(path: string, options: VerifyOptions = {}): Promise<ChunksReport> {
  let db: Database | undefined;
  try {
    db = openReadOnly(path, 'chunks.db');
    return await new ChunkVerifier(db, options).run();
  } catch (error) {
    return { ...NOTHING, damage: [unusable(error)] };
  } finally {
    db?.close();
  }
}

const NOTHING = { chunks: 0, bytes: 0, vmcores: [], damage: [], lost: [], unnamed: [] };

/** @throws the error where it is not that of a damaged database */
function unusable(error: unknown): ChunkDamage {
  const known = databaseError(error, 'chunks.db');
  if (known instanceof StoredDataError) return { kind: 'database', problem: known.message, vmcores: [] };
  if (!(error instanceof Error) || !isDamage(error)) throw error;
  return { kind: 'schema', problem: error.message, vmcores: [] };
}

type Row = ChunkRow & { readonly hash: unknown };

class ChunkVerifier {
  readonly #db: Database;
  readonly #read: Statement<[number], Row>;
  readonly #options: VerifyOptions;
  readonly #damage: ChunkDamage[] = [];
  /** Chunks that were looked at because manifests name them. */
  readonly #checked = new Set<number>();
  /** Of those the ones that are not what their manifest says. */
  readonly #bad = new Map<
    number,
    { readonly ref: ChunkRef; readonly problem: string; readonly vmcores: Set<ManifestId> }
  >();
  /** Row numbers whose own hash is wrong while their content is right. */
  readonly #misnamed = new Set<number>();
  readonly #unnamed: ChunkRef[] = [];
  readonly #begun = performance.now();
  #readBytes = 0;
  #unpaced = 0;

  constructor(db: Database, options: VerifyOptions) {
    this.#db = db;
    this.#options = options;
    this.#read = db.prepare('SELECT hash, size, codec, data FROM chunk WHERE id = ?');
  }

  async run(): Promise<ChunksReport> {
    this.#options.onProgress?.('structure of chunks.db');
    for (const found of checkStructure(this.#db, 'chunks')) this.#damage.push({ ...found, vmcores: [] });
    const vmcores: Manifest[] = [];
    let chunks = 0;
    try {
      await this.#checkManifests(vmcores);
      chunks = await this.#checkUnnamed();
      this.#checkQuarantine();
    } catch (error) {
      // The pages of a table are damaged: what lies behind them cannot be reached.
      this.#damage.push(unusable(error));
    }
    for (const [row, { problem, vmcores: ids }] of this.#bad)
      this.#damage.push({ kind: 'chunk', id: String(row), problem, vmcores: [...ids] });
    for (const row of this.#misnamed)
      this.#damage.push({
        kind: 'misnamed',
        id: String(row),
        problem: 'its hash is damaged, its content is whole',
        vmcores: [],
      });
    return {
      chunks,
      bytes: this.#readBytes,
      vmcores,
      damage: this.#damage,
      lost: [...this.#bad.values()].map(({ ref }) => ref),
      unnamed: this.#unnamed,
    };
  }

  async #checkManifests(vmcores: Manifest[]): Promise<void> {
    const rows = this.#db.prepare<[], SqlRow>('SELECT * FROM manifest ORDER BY id').all();
    for (const [i, row] of rows.entries()) {
      this.#options.onProgress?.(`vmcore ${i + 1} of ${rows.length}`);
      const manifest = manifestOf(row);
      if (manifest === undefined) this.#report('manifest', String(row.id), 'its row is not what was written');
      else {
        vmcores.push(manifest);
        await this.#checkVmcore(manifest);
      }
    }
  }

  async #checkVmcore(manifest: Manifest): Promise<void> {
    const refs = this.#refs(manifest);
    if (refs === undefined) return;
    const whole = createHash('sha256');
    let isWhole = true;
    for (const [i, ref] of refs.entries()) {
      const bytes = this.#content(ref);
      if (bytes === undefined) isWhole = false;
      else whole.update(bytes);
      if (i % PIECE_CHUNKS === 0) await this.#pace();
    }
    if (isWhole && whole.digest('hex') === manifest.sha256) {
      for (const { id } of refs) this.#checked.add(rowOf(id));
      return;
    }
    // It was deleted meanwhile. What is left of its chunks is looked at with those in no vmcore: the next vmcore may have them.
    if (!this.#isThere(manifest.id)) return;
    const before = this.#bad.size;
    for (const [i, ref] of refs.entries()) {
      this.#checkNamed(ref, manifest.id);
      this.#checked.add(rowOf(ref.id));
      if (i % PIECE_CHUNKS === 0) await this.#pace();
    }
    const isExplained = this.#bad.size > before || refs.some(({ id }) => this.#bad.has(rowOf(id)));
    if (!isExplained) this.#report('vmcore', manifest.id, 'its chunks are as written, its whole is not');
  }

  #refs({ id, bytes, chunkBytes }: Manifest): readonly ChunkRef[] | undefined {
    const parts = this.#db
      .prepare<[number], SqlRow>('SELECT * FROM manifest_part WHERE manifest_id = ? ORDER BY part')
      .all(rowOf(id));
    const found = parts.map(refsOf);
    const bad = found.indexOf(undefined);
    const refs = found.flatMap((each) => each ?? []);
    if (bad < 0 && refs.length === Math.ceil(bytes / chunkBytes)) return refs;
    if (this.#isThere(id))
      this.#report(
        'manifest',
        id,
        bad < 0 ? 'a part of it is missing' : `part ${bad} of it is not what was written`,
      );
    return undefined;
  }

  #checkNamed(ref: ChunkRef, vmcore: ManifestId): void {
    const row = rowOf(ref.id);
    const known = this.#bad.get(row);
    if (known !== undefined) {
      known.vmcores.add(vmcore);
      return;
    }
    const bytes = this.#content(ref);
    if (bytes !== undefined && Buffer.compare(hashOf(bytes), ref.hash) === 0) return;
    const problem =
      bytes === undefined
        ? 'its content is missing or cannot be decoded'
        : 'its content is not what was written';
    this.#bad.set(row, { ref, problem, vmcores: new Set([vmcore]) });
  }

  /** The content that a row holds, right or wrong. */
  #content({ id, hash }: ChunkRef): Uint8Array | undefined {
    const row = this.#row(rowOf(id));
    const bytes = row === undefined ? undefined : decodeChunk(row);
    if (bytes === undefined) return undefined;
    this.#count(bytes);
    const isNamed = row?.hash instanceof Uint8Array && Buffer.compare(row.hash, hash) === 0;
    if (!isNamed && Buffer.compare(hashOf(bytes), hash) === 0) this.#misnamed.add(rowOf(id));
    return bytes;
  }

  #row(id: number): Row | undefined {
    try {
      return this.#read.get(id);
    } catch (error) {
      unusable(databaseError(error, 'chunks.db'));
      return undefined;
    }
  }

  /** Chunks that no vmcore names: of a write that failed, or of a vmcore that was deleted. @returns how many chunks there are */
  async #checkUnnamed(): Promise<number> {
    this.#options.onProgress?.('chunks in no vmcore');
    const next = this.#db.prepare<[number], { id: number }>(
      'SELECT id FROM chunk WHERE id > ? ORDER BY id LIMIT 1000',
    );
    let count = 0;
    for (let last = -1; ; ) {
      const ids = next.all(last).map(({ id }) => id);
      if (ids.length === 0) return count;
      for (const id of ids) {
        count += 1;
        if (!this.#checked.has(id)) await this.#checkAlone(id);
      }
      last = ids.at(-1) ?? last;
      await this.#pace();
    }
  }

  async #checkAlone(id: number): Promise<void> {
    const row = this.#row(id);
    if (row === undefined) return;
    const bytes = decodeChunk(row);
    if (bytes !== undefined) {
      this.#count(bytes);
      if (row.hash instanceof Uint8Array && Buffer.compare(hashOf(bytes), row.hash) === 0) return;
    }
    if (this.#row(id) !== undefined) {
      this.#damage.push({
        kind: 'unnamed',
        id: String(id),
        problem: 'its content is not what was written',
        vmcores: [],
      });
      if (row.hash instanceof Uint8Array) this.#unnamed.push({ id: String(id), hash: row.hash });
    }
    await this.#pace();
  }

  /** A chunk in quarantine that is whole is kept from use for nothing. */
  #checkQuarantine(): void {
    const rows = this.#db
      .prepare<[], { chunk: number; hash: unknown }>('SELECT chunk, hash FROM quarantine')
      .all();
    for (const { chunk, hash } of rows) {
      if (this.#bad.has(chunk)) continue;
      const row = this.#row(chunk);
      const bytes = row === undefined ? undefined : decodeChunk(row);
      const isWhole =
        bytes !== undefined &&
        row?.hash instanceof Uint8Array &&
        Buffer.compare(hashOf(bytes), row.hash) === 0;
      if (isWhole || !(hash instanceof Uint8Array))
        this.#damage.push({
          kind: 'quarantine',
          id: String(chunk),
          problem: 'its entry in quarantine is wrong',
          vmcores: [],
        });
    }
  }

  #report(kind: 'manifest' | 'vmcore', id: ManifestId, problem: string): void {
    this.#damage.push({ kind, id, problem, vmcores: [id] });
  }

  /** Whether a manifest has not been deleted meanwhile. */
  #isThere(id: ManifestId): boolean {
    return this.#db.prepare<[number]>('SELECT 1 FROM manifest WHERE id = ?').get(rowOf(id)) !== undefined;
  }

  #count(bytes: Uint8Array): void {
    this.#readBytes += bytes.length;
    this.#unpaced += bytes.length;
  }

  /** Lets other work of the thread run, and keeps to the rate. @throws the reason of the signal when it is aborted */
  async #pace(): Promise<void> {
    const { signal, bytesPerSecond = Number.POSITIVE_INFINITY } = this.#options;
    signal?.throwIfAborted();
    if (this.#unpaced < PIECE_CHUNKS * 65_536) return;
    this.#unpaced = 0;
    const due = (this.#readBytes / bytesPerSecond) * 1000 - (performance.now() - this.#begun);
    await after(Math.max(0, due), undefined, signal === undefined ? {} : { signal });
  }
}
