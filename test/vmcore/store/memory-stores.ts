/**
 * Pages and manifests as a remote store might keep them: every call takes its time, ids are text without a number in it,
 * calls overlap. It shows that the contract suites can be passed by something else than SQLite.
 */

import { createHash } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { FormatError, StoredDataError } from '../../../src/base/errors.ts';
import type {
  Chunk,
  ChunkFigures,
  ChunkId,
  ChunkRef,
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
  readonly #bad = new Set<ChunkId>();
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
    const found = hashes
      .map((hash) => nameOf(hash))
      .map((id) => (this.#chunks.has(id) && !this.#bad.has(id) ? id : null));
    for (const id of found) if (id !== null) this.#holds.get(hold)?.add(id);
    await latency();
    return found;
  }

  async putMany(hold: HoldId, chunks: readonly Chunk[]): Promise<readonly ChunkId[]> {
    await latency();
    for (const { hash, bytes } of chunks) {
      // A copy: what is stored does not change with the caller's array.
      const name = nameOf(hash);
      const there = this.#bad.delete(name) ? undefined : this.#chunks.get(name);
      this.#chunks.set(name, there ?? new Uint8Array(bytes));
      this.#holds.get(hold)?.add(nameOf(hash));
    }
    await latency();
    return chunks.map(({ hash }) => nameOf(hash));
  }

  async keepMany(hold: HoldId, chunks: readonly ChunkRef[]): Promise<void> {
    await latency();
    const gone = chunks.filter(({ id }) => !this.#chunks.has(id));
    for (const { id } of gone) this.#bad.add(id);
    if (gone.length > 0) throw new StoredDataError('store/missing-chunk', `no object ${gone[0]?.id}`);
    for (const { id } of chunks) this.#holds.get(hold)?.add(id);
  }

  async getMany(chunks: readonly ChunkRef[]): Promise<readonly Uint8Array[]> {
    await latency();
    const contents = chunks.map(({ id, hash }) => {
      const bytes = this.#chunks.get(id);
      return bytes !== undefined && nameOf(hash) === nameOf(sha256(bytes)) ? bytes : undefined;
    });
    const bad = chunks.filter((_, i) => contents[i] === undefined);
    for (const { id } of bad) this.#bad.add(id);
    const [first] = bad;
    if (first === undefined) return contents as readonly Uint8Array[];
    const what = this.#chunks.has(first.id) ? 'corrupt' : 'missing';
    throw new StoredDataError(`store/${what}-chunk`, `object ${first.id}`);
  }

  async quarantine(chunks: readonly ChunkRef[]): Promise<void> {
    await latency();
    for (const { id } of chunks) {
      const bytes = this.#chunks.get(id);
      if (bytes === undefined || id !== nameOf(sha256(bytes))) this.#bad.add(id);
    }
  }

  async quarantined(): Promise<readonly ChunkRef[]> {
    await latency();
    return [...this.#bad].map((id) => ({ id, hash: Buffer.from(id.replace('chunks/', ''), 'base64url') }));
  }

  async figures(): Promise<ChunkFigures> {
    await latency();
    const contents = [...this.#chunks.values()];
    return { chunks: contents.length, bytes: contents.reduce((sum, { length }) => sum + length, 0) };
  }

  /** Changes what is stored, for tests; without bytes it is lost. */
  tamper(id: ChunkId, change: 'flip' | 'lose'): void {
    const bytes = this.#chunks.get(id);
    if (bytes === undefined) throw new Error(`no object ${id}`);
    if (change === 'lose') this.#chunks.delete(id);
    else this.#chunks.set(id, flipped(bytes));
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
    for (const [id] of dead) {
      this.#chunks.delete(id);
      this.#bad.delete(id);
    }
    this.#sweep = undefined;
    await latency();
    return { chunks: dead.length, bytes: dead.reduce((sum, [, bytes]) => sum + bytes.length, 0) };
  }

  async close(): Promise<void> {
    this.#chunks.clear();
  }

  #current(sweep: SweepId): { readonly marked: Set<ChunkId> } {
    if (this.#sweep?.id !== sweep) throw new FormatError('store/stale-sweep', `not the sweep ${sweep}`);
    return this.#sweep;
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** A copy with one bit changed. */
function flipped(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[copy.length >>> 1] = (copy[copy.length >>> 1] ?? 0) ^ 1;
  return copy;
}

/** Objects are named by their content. */
function nameOf(hash: Uint8Array): ChunkId {
  return `chunks/${Buffer.from(hash).toString('base64url')}`;
}

export class MemoryManifestStore implements ManifestStore {
  readonly #manifests = new Map<
    ManifestId,
    { readonly manifest: Manifest; readonly chunks: readonly ChunkRef[] }
  >();
  readonly #damaged = new Set<ManifestId>();
  #count = 0;

  async create(manifest: Omit<Manifest, 'id'>, chunks: readonly ChunkRef[]): Promise<ManifestId> {
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
    this.#check(id);
    return this.#manifests.get(id)?.manifest ?? null;
  }

  async list(): Promise<readonly Manifest[]> {
    await latency();
    return [...this.#manifests.values()]
      .map(({ manifest }) => manifest)
      .filter(({ id }) => !this.#damaged.has(id));
  }

  async damaged(): Promise<readonly ManifestId[]> {
    await latency();
    return [...this.#damaged];
  }

  async chunks(id: ManifestId, span?: ChunkSpan): Promise<readonly ChunkRef[]> {
    await latency();
    this.#check(id);
    const found = this.#manifests.get(id);
    if (found === undefined) throw new FormatError('store/unknown-manifest', `no manifest ${id}`);
    return found.chunks.slice(span?.first, span?.end);
  }

  async delete(id: ManifestId): Promise<boolean> {
    await latency();
    this.#damaged.delete(id);
    return this.#manifests.delete(id);
  }

  /** From now on what is stored of it counts as changed, for tests. */
  tamper(id: ManifestId): void {
    this.#damaged.add(id);
  }

  #check(id: ManifestId): void {
    if (this.#damaged.has(id)) throw new StoredDataError('store/corrupt-manifest', `manifest ${id}`);
  }
}
