/**
 * Pages and manifests as a remote store might keep them: every call takes its time, ids are text without a number in it,
 * calls overlap. It shows that the contract suites can be passed by something else than SQLite.
 */

import { createHash } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { FormatError } from '../../../src/base/errors.ts';
import type {
  Chunk,
  ChunkId,
  ChunkSpan,
  HoldId,
  Manifest,
  ManifestId,
  ManifestStore,
  PageStore,
  SweepId,
  SweepResult,
} from '../../../src/vmcore/store/index.ts';

/** The way there or back. */
async function latency(): Promise<void> {
  await after(Math.random() < 0.2 ? 1 : 0);
}

export class MemoryPageStore implements PageStore {
  readonly #chunks = new Map<ChunkId, Uint8Array>();
  readonly #holds = new Map<HoldId, Set<ChunkId>>();
  #sweep: { readonly id: SweepId; readonly marked: Set<ChunkId> } | undefined;
  #count = 0;

  async hold(): Promise<HoldId> {
    await latency();
    const hold = `hold-${++this.#count}`;
    this.#holds.set(hold, new Set());
    return hold;
  }

  async release(hold: HoldId): Promise<void> {
    await latency();
    for (const id of this.#holds.get(hold) ?? []) this.#sweep?.marked.add(id);
    this.#holds.delete(hold);
  }

  async hasMany(hold: HoldId, hashes: readonly Uint8Array[]): Promise<readonly (ChunkId | null)[]> {
    await latency();
    const found = hashes.map((hash) => nameOf(hash)).map((id) => (this.#chunks.has(id) ? id : null));
    for (const id of found) if (id !== null) this.#holds.get(hold)?.add(id);
    await latency();
    return found;
  }

  async putMany(hold: HoldId, chunks: readonly Chunk[]): Promise<readonly ChunkId[]> {
    await latency();
    for (const { hash, bytes } of chunks) {
      // A copy: what is stored does not change with the caller's array.
      this.#chunks.set(nameOf(hash), this.#chunks.get(nameOf(hash)) ?? new Uint8Array(bytes));
      this.#holds.get(hold)?.add(nameOf(hash));
    }
    await latency();
    return chunks.map(({ hash }) => nameOf(hash));
  }

  async keepMany(hold: HoldId, ids: readonly ChunkId[]): Promise<void> {
    await latency();
    for (const id of ids) this.#content(id);
    for (const id of ids) this.#holds.get(hold)?.add(id);
  }

  async getMany(ids: readonly ChunkId[]): Promise<readonly Uint8Array[]> {
    await latency();
    return ids.map((id) => this.#content(id));
  }

  async beginSweep(): Promise<SweepId> {
    await latency();
    this.#sweep = { id: `sweep-${++this.#count}`, marked: new Set() };
    return this.#sweep.id;
  }

  async mark(sweep: SweepId, ids: readonly ChunkId[]): Promise<void> {
    await latency();
    const { marked } = this.#current(sweep);
    for (const id of ids) marked.add(id);
  }

  async endSweep(sweep: SweepId): Promise<SweepResult> {
    await latency();
    const { marked } = this.#current(sweep);
    const held = new Set([...this.#holds.values()].flatMap((ids) => [...ids]));
    const dead = [...this.#chunks].filter(([id]) => !marked.has(id) && !held.has(id));
    for (const [id] of dead) this.#chunks.delete(id);
    this.#sweep = undefined;
    await latency();
    return { chunks: dead.length, bytes: dead.reduce((sum, [, bytes]) => sum + bytes.length, 0) };
  }

  async close(): Promise<void> {
    this.#chunks.clear();
  }

  #content(id: ChunkId): Uint8Array {
    const bytes = this.#chunks.get(id);
    if (bytes === undefined) throw new FormatError('store/missing-chunk', `no object ${id}`);
    return bytes;
  }

  #current(sweep: SweepId): { readonly marked: Set<ChunkId> } {
    if (this.#sweep?.id !== sweep) throw new FormatError('store/stale-sweep', `not the sweep ${sweep}`);
    return this.#sweep;
  }
}

/** Objects are named by their content. */
function nameOf(hash: Uint8Array): ChunkId {
  return `chunks/${Buffer.from(hash).toString('base64url')}`;
}

export class MemoryManifestStore implements ManifestStore {
  readonly #manifests = new Map<
    ManifestId,
    { readonly manifest: Manifest; readonly chunks: readonly ChunkId[] }
  >();
  #count = 0;

  async create(manifest: Omit<Manifest, 'id'>, chunks: readonly ChunkId[]): Promise<ManifestId> {
    await latency();
    const id = `manifest-${createHash('sha256')
      .update(`${++this.#count}`)
      .digest('hex')
      .slice(0, 12)}`;
    this.#manifests.set(id, { manifest: { ...manifest, id }, chunks: [...chunks] });
    await latency();
    return id;
  }

  async get(id: ManifestId): Promise<Manifest | null> {
    await latency();
    return this.#manifests.get(id)?.manifest ?? null;
  }

  async list(): Promise<readonly Manifest[]> {
    await latency();
    return [...this.#manifests.values()].map(({ manifest }) => manifest);
  }

  async chunks(id: ManifestId, span?: ChunkSpan): Promise<readonly ChunkId[]> {
    await latency();
    const found = this.#manifests.get(id);
    if (found === undefined) throw new FormatError('store/unknown-manifest', `no manifest ${id}`);
    return found.chunks.slice(span?.first, span?.end);
  }

  async delete(id: ManifestId): Promise<boolean> {
    await latency();
    return this.#manifests.delete(id);
  }
}
