/**
 * Stores a vmcore while it is still being written, in chunks as they come, in any order and as often as they change. What is
 * left for its end is little: the last chunks, and the manifest. Chunks that never came are zeros. A chunk that comes again leaves
 * the one before in the store, unreferenced, for the next sweep.
 *
 * The SHA-256 of the whole is made of the chunks in order, each read back from the store and compared with its hash. It stays
 * some chunks behind the last one that came; where an earlier one comes again, it starts again from a state that was kept before.
 */

import { createHash, type Hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../../base/errors.ts';
import { hashOf } from './chunk-row.ts';
import type {
  Chunk,
  ChunkId,
  ChunkRef,
  Manifest,
  ManifestId,
  StoredVmcore,
  VmcoreDraft,
  VmcorePart,
} from './contract.ts';
import { CHUNK_BYTES } from './contract.ts';

/** Where a draft puts its chunks. All of them are held until {@link release}. */
export type DraftStore = {
  /** @returns the chunks as a manifest names them, in order, and which of them are new */
  readonly put: (batch: readonly Chunk[]) => Promise<PutBatch>;
  readonly getMany: (refs: readonly ChunkRef[]) => Promise<readonly Uint8Array[]>;
  readonly create: (manifest: Omit<Manifest, 'id'>, refs: readonly ChunkRef[]) => Promise<ManifestId>;
  readonly release: () => Promise<void>;
};

/** A batch in the store. `fresh`: bytes of content that was not there before, by id. */
export type PutBatch = { readonly refs: readonly ChunkRef[]; readonly fresh: ReadonlyMap<ChunkId, number> };

/** Chunks stored or read in one call: 8 MiB. */
const BATCH = 128;
/** Chunks between two states that are kept of the whole's hash: 32 MiB. A multiple of {@link BATCH}. */
const KEPT_EVERY = 512;
/** How many chunks the whole's hash stays behind: a guest writes nearly in order. 16 MiB. */
const BEHIND = 256;
const ZEROS = new Uint8Array(CHUNK_BYTES);

export class ChunkedDraft implements VmcoreDraft {
  readonly #store: DraftStore;
  /** By index; absent: zeros. */
  readonly #refs: (ChunkRef | undefined)[] = [];
  readonly #fresh = new Map<ChunkId, number>();
  /** The last chunk so far, which is not stored: what of it is the vmcore's is known at the end. */
  #tail: { readonly index: number; readonly bytes: Uint8Array } | undefined;
  readonly #whole = new WholeHash();
  #isOver = false;

  constructor(store: DraftStore) {
    this.#store = store;
  }

  async put(parts: readonly VmcorePart[]): Promise<void> {
    for (const part of parts)
      for (let at = 0; at < part.bytes.length; at += BATCH * CHUNK_BYTES) {
        await this.#putRun(part.offset + at, part.bytes.subarray(at, at + BATCH * CHUNK_BYTES));
        // A local store answers at once: other tasks of this thread run between the batches.
        await nextTurn();
      }
    await this.#advance(this.#refs.length - BEHIND);
  }

  async finish(length: number): Promise<StoredVmcore> {
    assert(!this.#isOver, 'a draft is finished once');
    const count = Math.ceil(length / CHUNK_BYTES);
    this.#whole.backTo(count);
    this.#refs.length = count;
    await this.#setLast(count, length - (count - 1) * CHUNK_BYTES);
    const zeros = await this.#zerosFor(count);
    await this.#advance(count);
    const refs = Array.from({ length: count }, (_, index) => (this.#refs[index] ?? zeros) as ChunkRef);
    const sha256 = this.#whole.digest();
    const manifest = { bytes: length, sha256, chunkBytes: CHUNK_BYTES };
    const manifestId = await this.#store.create(manifest, refs);
    await this.#end();
    const used = new Set(refs.map(({ id }) => id));
    const newBytes = [...this.#fresh].reduce((sum, [id, bytes]) => sum + (used.has(id) ? bytes : 0), 0);
    return { manifestId, sha256, bytes: length, newBytes };
  }

  async abandon(): Promise<void> {
    await this.#end();
  }

  async #end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#store.release();
  }

  /** Chunks side by side, in one batch. What is missing of the last one is zeros. */
  async #putRun(offset: number, bytes: Uint8Array): Promise<void> {
    assert(offset % CHUNK_BYTES === 0, 'parts of a draft begin where chunks begin');
    const first = offset / CHUNK_BYTES;
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) chunks.push(wholeChunk(bytes, at));
    const last = first + chunks.length - 1;
    const tail = this.#tail;
    if (tail === undefined || last >= tail.index) {
      if (tail !== undefined && tail.index < first) await this.#set(tail.index, [tail.bytes]);
      // A copy of its own: it outlives the run.
      this.#tail = { index: last, bytes: new Uint8Array(chunks.pop() ?? ZEROS) };
    }
    await this.#set(first, chunks);
  }

  async #set(first: number, chunks: readonly Uint8Array[]): Promise<void> {
    if (chunks.length === 0) return;
    const { refs, fresh } = await this.#store.put(chunks.map((bytes) => ({ hash: hashOf(bytes), bytes })));
    for (const [id, bytes] of fresh) this.#fresh.set(id, bytes);
    this.#whole.backTo(first);
    refs.forEach((ref, i) => {
      this.#refs[first + i] = ref;
    });
  }

  /** Stores the tail as far as it belongs to `count` chunks. Of the last one only the first `bytes` are the vmcore's. */
  async #setLast(count: number, bytes: number): Promise<void> {
    const tail = this.#tail;
    this.#tail = undefined;
    if (tail !== undefined && tail.index < count - 1) await this.#set(tail.index, [tail.bytes]);
    if (tail?.index === count - 1) await this.#set(tail.index, [tail.bytes.subarray(0, bytes)]);
    else if (count > 0 && bytes < CHUNK_BYTES) {
      // The guest wrote more than the vmcore has, or never came so far.
      const ref = this.#refs[count - 1];
      const [content = ZEROS] = ref === undefined ? [] : await this.#store.getMany([ref]);
      await this.#set(count - 1, [content.subarray(0, bytes)]);
    }
  }

  /** The chunk of zeros, stored and read back once for all chunks that never came; undefined: there are none. */
  async #zerosFor(count: number): Promise<ChunkRef | undefined> {
    let isHole = false;
    for (let index = 0; index < count; index++) isHole ||= this.#refs[index] === undefined;
    if (!isHole) return undefined;
    const { refs, fresh } = await this.#store.put([{ hash: hashOf(ZEROS), bytes: ZEROS }]);
    for (const [id, bytes] of fresh) this.#fresh.set(id, bytes);
    await this.#store.getMany(refs);
    return refs[0];
  }

  /** Takes the chunks before `end` into the whole's hash. */
  async #advance(end: number): Promise<void> {
    for (let first = this.#whole.next; first < end; first = this.#whole.next) {
      const last = Math.min(end, first - (first % BATCH) + BATCH);
      const refs = Array.from({ length: last - first }, (_, i) => this.#refs[first + i]);
      const contents = await this.#store.getMany(refs.filter((ref) => ref !== undefined));
      let next = 0;
      for (const ref of refs) this.#whole.add(ref === undefined ? ZEROS : (contents[next++] as Uint8Array));
      await nextTurn();
    }
  }
}

/** The SHA-256 of chunks in order, which can be taken back to an earlier one. */
class WholeHash {
  #hash: Hash = createHash('sha256');
  #next = 0;
  /** As it was before every {@link KEPT_EVERY}th chunk. */
  readonly #kept: Hash[] = [this.#hash.copy()];

  /** The chunk that comes next. */
  get next(): number {
    return this.#next;
  }

  add(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#next++;
    if (this.#next % KEPT_EVERY === 0) this.#kept[this.#next / KEPT_EVERY] = this.#hash.copy();
  }

  /** Forgets chunk `index` and all behind it; and those before it as far as no state was kept. */
  backTo(index: number): void {
    if (index >= this.#next) return;
    const at = Math.floor(index / KEPT_EVERY);
    this.#hash = (this.#kept[at] as Hash).copy();
    this.#next = at * KEPT_EVERY;
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** The chunk at an offset; what is missing of it is zeros. */
function wholeChunk(bytes: Uint8Array, at: number): Uint8Array {
  const chunk = bytes.subarray(at, at + CHUNK_BYTES);
  if (chunk.length === CHUNK_BYTES) return chunk;
  const whole = new Uint8Array(CHUNK_BYTES);
  whole.set(chunk);
  return whole;
}
