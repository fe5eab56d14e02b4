/**
 * Stores vmcores over any PageStore and ManifestStore. A vmcore is cut into chunks of 64 KiB (the size and, in /proc/vmcore,
 * the alignment of a 64 KiB page of guest memory), hashed, stored where a chunk is new, read back and compared. A stored chunk
 * that is found damaged then gets its content from the vmcore that is being written.
 */

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteSource } from '../../base/bytes.ts';
import { concatBytes } from '../../base/bytes.ts';
import { defined } from '../../base/defined.ts';
import { type DiskError, diskErrorOf } from '../../base/disk-error.ts';
import { assert, StoredDataError } from '../../base/errors.ts';
import type { DumpCheck } from '../reader/index.ts';
import { checkDump, evaluateAsync } from '../reader/index.ts';
import { hashOf } from './chunk-row.ts';
import { chunksOf, piecesOf } from './chunker.ts';
import type {
  ByteSpan,
  Chunk,
  ChunkId,
  ChunkRef,
  ChunkSpan,
  HoldId,
  Manifest,
  ManifestId,
  ManifestStore,
  PageStore,
  StoredVmcore,
  StoreFigures,
  SweepId,
  SweepResult,
  VmcoreDamage,
  VmcoreDraft,
  VmcoreStore,
  WriteOptions,
} from './contract.ts';
import { CHUNK_BYTES } from './contract.ts';
import { storeError } from './errors.ts';
import { Mutex } from './mutex.ts';
import { ChunkedDraft, type PutBatch } from './vmcore-draft.ts';

/** Chunks stored in one transaction: 8 MiB. */
const BATCH_CHUNKS = 128;
/** Chunks given to a reader in one piece: 1 MiB. */
const READ_CHUNKS = 16;
/** Chunks that are marked in one call: 256 MiB of vmcore. */
const MARK_CHUNKS = 4096;

/** A batch in the store, and what was read back. */
type StoredBatch = PutBatch & { readonly contents: readonly Uint8Array[] };

export class ChunkedVmcoreStore implements VmcoreStore {
  readonly #pages: PageStore;
  readonly #manifests: ManifestStore;
  readonly #requireRoom: () => void;
  /** One sweep at a time. */
  readonly #sweeps = new Mutex();

  /** @param requireRoom called before new chunks are stored. It throws DiskError where there is no room for them. */
  constructor(pages: PageStore, manifests: ManifestStore, requireRoom: () => void = () => undefined) {
    this.#pages = pages;
    this.#manifests = manifests;
    this.#requireRoom = requireRoom;
  }

  async writeVmcore(
    source: AsyncIterable<Uint8Array> | ByteSource,
    length?: number,
    { keepPart = false }: WriteOptions = {},
  ): Promise<StoredVmcore> {
    // Held until the manifest names the chunks: a sweep meanwhile leaves them alone.
    const hold = await this.#pages.hold();
    try {
      const refs: ChunkRef[] = [];
      const whole = createHash('sha256');
      let [bytes, newBytes] = [0, 0];
      let batch: Chunk[] = [];
      const flush = async (): Promise<void> => {
        const stored = await this.#store(hold, batch);
        for (const content of stored.contents) {
          whole.update(content);
          bytes += content.length;
        }
        for (const size of stored.fresh.values()) newBytes += size;
        refs.push(...stored.refs);
        batch = [];
        // A local store answers at once: other tasks of this thread run between the batches.
        await nextTurn();
      };
      let cut: DiskError | undefined;
      try {
        for await (const piece of chunksOf(piecesOf(source, length), CHUNK_BYTES)) {
          batch.push({ hash: hashOf(piece), bytes: piece });
          if (batch.length === BATCH_CHUNKS) await flush();
        }
        await flush();
      } catch (error) {
        cut = diskErrorOf(error);
        if (cut === undefined || !keepPart || refs.length === 0) throw cut ?? error;
      }
      const sha256 = whole.digest('hex');
      if (cut === undefined && length !== undefined && bytes !== length)
        throw storeError('store/corrupt-manifest', 'other bytes were stored than were given', {
          expected: `${length}`,
          actual: `${bytes}`,
        });
      const manifestId = await this.#manifests.create({ bytes, sha256, chunkBytes: CHUNK_BYTES }, refs);
      return { manifestId, sha256, bytes, newBytes, ...defined({ cut }) };
    } finally {
      await this.#pages.release(hold);
    }
  }

  async beginVmcore(): Promise<VmcoreDraft> {
    const hold = await this.#pages.hold();
    return new ChunkedDraft({
      put: (batch) => this.#put(hold, batch),
      getMany: (refs) => this.#pages.getMany(refs),
      create: (manifest, refs) => this.#manifests.create(manifest, refs),
      release: () => this.#pages.release(hold),
    });
  }

  async describe(id: ManifestId): Promise<Manifest> {
    const manifest = await this.#manifests.get(id);
    if (manifest === null) throw storeError('store/unknown-manifest', `no stored vmcore has the id ${id}`);
    return manifest;
  }

  list(): Promise<readonly Manifest[]> {
    return this.#manifests.list();
  }

  async *readVmcore(id: ManifestId, span?: ByteSpan): AsyncGenerator<Uint8Array> {
    const manifest = await this.describe(id);
    const { start, end } = span ?? { start: 0, end: manifest.bytes };
    if (
      !Number.isInteger(start) ||
      !Number.isInteger(end) ||
      start < 0 ||
      start > end ||
      end > manifest.bytes
    ) {
      throw storeError('store/bad-range', 'the range lies outside the vmcore', {
        expected: `0 to ${manifest.bytes}`,
        actual: `${start} to ${end}`,
      });
    }
    const { chunkBytes } = manifest;
    const chunks = { first: Math.floor(start / chunkBytes), end: Math.ceil(end / chunkBytes) };
    const hold = await this.#pages.hold();
    try {
      const refs = await this.#open(hold, id, chunks);
      for (let at = start; at < end; ) {
        const first = Math.floor(at / chunkBytes);
        const last = Math.min(first + READ_CHUNKS, chunks.end);
        const base = first * chunkBytes;
        const piece = concatBytes(
          await this.#pages.getMany(refs.slice(first - chunks.first, last - chunks.first)),
        );
        const stop = Math.min(end, last * chunkBytes);
        if (piece.length < stop - base)
          throw storeError('store/corrupt-manifest', `vmcore ${id} has a chunk that is too short`, {
            offset: base,
          });
        yield piece.subarray(at - base, stop - base);
        at = stop;
      }
    } finally {
      await this.#pages.release(hold);
    }
  }

  async checkVmcore(id: ManifestId): Promise<DumpCheck> {
    const { bytes } = await this.describe(id);
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const parts: Uint8Array[] = [];
      for await (const part of this.readVmcore(id, { start: offset, end: offset + length })) parts.push(part);
      return concatBytes(parts);
    };
    return evaluateAsync(bytes, read, checkDump);
  }

  async verify(id: ManifestId): Promise<void> {
    const manifest = await this.describe(id);
    const hash = createHash('sha256');
    for await (const piece of this.readVmcore(id)) hash.update(piece);
    const actual = hash.digest('hex');
    if (actual !== manifest.sha256)
      throw storeError('store/corrupt-chunk', `vmcore ${id} is not what was stored`, {
        expected: manifest.sha256,
        actual,
      });
  }

  async delete(id: ManifestId): Promise<SweepResult> {
    if (!(await this.#manifests.delete(id)))
      throw storeError('store/unknown-manifest', `no stored vmcore has the id ${id}`);
    return this.#sweep();
  }

  async retain(keep: ReadonlySet<ManifestId>): Promise<SweepResult> {
    const there = new Set<ManifestId>();
    for (const { id } of await this.#manifests.list()) {
      if (keep.has(id)) there.add(id);
      else await this.#manifests.delete(id);
    }
    for (const id of await this.#manifests.damaged()) {
      if (keep.has(id)) there.add(id);
      else await this.#manifests.delete(id);
    }
    const missing = [...keep].filter((id) => !there.has(id));
    if (missing.length > 0)
      return { chunks: 0, bytes: 0, heldBack: `vmcore ${missing.join(', ')} is not in the store` };
    return this.#sweep();
  }

  async damage(): Promise<readonly VmcoreDamage[]> {
    const damaged = (await this.#manifests.damaged()).map(
      (manifestId): VmcoreDamage => ({ manifestId, chunks: 0, reason: 'its manifest is damaged' }),
    );
    const bad = new Set((await this.#pages.quarantined()).map(({ id }) => id));
    for (const manifest of await this.#manifests.list()) {
      const found = await this.#damageOf(manifest, bad);
      if (found !== undefined) damaged.push(found);
    }
    return damaged;
  }

  quarantine(chunks: readonly ChunkRef[]): Promise<void> {
    return this.#pages.quarantine(chunks);
  }

  async figures(): Promise<StoreFigures> {
    const manifests = await this.#manifests.list();
    return {
      ...(await this.#pages.figures()),
      vmcores: manifests.length,
      vmcoreBytes: manifests.reduce((sum, { bytes }) => sum + bytes, 0),
      quarantined: (await this.#pages.quarantined()).length,
    };
  }

  async close(): Promise<void> {
    await this.#pages.close();
  }

  /**
   * Stores a batch and reads it back. What was in the store before and is damaged is then stored once more, from the batch.
   * @throws StoredDataError where that does not help
   */
  async #store(hold: HoldId, batch: readonly Chunk[]): Promise<StoredBatch> {
    const first = await this.#put(hold, batch);
    try {
      return { ...first, contents: await this.#pages.getMany(first.refs) };
    } catch (error) {
      if (!(error instanceof StoredDataError)) throw error;
    }
    // All that is damaged is in quarantine now: content that comes again takes its place.
    const { refs } = await this.#put(hold, batch);
    return { refs, fresh: first.fresh, contents: await this.#pages.getMany(refs) };
  }

  async #put(hold: HoldId, batch: readonly Chunk[]): Promise<PutBatch> {
    const known = await this.#pages.hasMany(
      hold,
      batch.map((chunk) => chunk.hash),
    );
    const fresh = batch.filter((_, i) => known[i] === null);
    if (fresh.length > 0) this.#requireRoom();
    const put = await this.#pages.putMany(hold, fresh);
    assert(put.length === fresh.length, 'putMany gives an id for each chunk');
    let next = 0;
    const refs = batch.map(({ hash }, i) => ({ id: known[i] ?? put[next++] ?? '', hash }));
    return { refs, fresh: new Map(fresh.map((chunk, i) => [put[i] ?? '', chunk.bytes.length])) };
  }

  async #damageOf(
    { id, bytes, chunkBytes }: Manifest,
    bad: ReadonlySet<ChunkId>,
  ): Promise<VmcoreDamage | undefined> {
    if (bad.size === 0) return undefined;
    const count = Math.ceil(bytes / chunkBytes);
    let chunks = 0;
    for (let first = 0; first < count; first += MARK_CHUNKS) {
      try {
        const refs = await this.#manifests.chunks(id, { first, end: first + MARK_CHUNKS });
        for (const ref of refs) if (bad.has(ref.id)) chunks += 1;
      } catch (error) {
        if (!(error instanceof StoredDataError)) throw error;
        return { manifestId: id, chunks, reason: error.message };
      }
      await nextTurn();
    }
    const reason = `${chunks} of its ${count} chunks of ${chunkBytes >>> 10} KiB ${chunks === 1 ? 'is' : 'are'} damaged`;
    return chunks === 0 ? undefined : { manifestId: id, chunks, reason };
  }

  /** The chunks of a span, held. */
  async #open(hold: HoldId, id: ManifestId, span: ChunkSpan): Promise<readonly ChunkRef[]> {
    const refs = await this.#manifests.chunks(id, span);
    try {
      await this.#pages.keepMany(hold, refs);
    } catch (error) {
      // The vmcore may have been deleted and swept since its chunks were read.
      await this.describe(id);
      throw error;
    }
    return refs;
  }

  /** Removes nothing while a manifest is damaged: what it names cannot be distinguished from what is not in use. */
  #sweep(): Promise<SweepResult> {
    return this.#sweeps.run(async () => {
      const [damaged] = await this.#manifests.damaged();
      if (damaged !== undefined) return heldBack(`the manifest of vmcore ${damaged} is damaged`);
      const sweep = await this.#pages.beginSweep();
      try {
        for (const manifest of await this.#manifests.list()) await this.#mark(sweep, manifest);
      } catch (error) {
        if (error instanceof StoredDataError) return heldBack(error.message);
        throw error;
      }
      return this.#pages.endSweep(sweep);
    });
  }

  async #mark(sweep: SweepId, { id, bytes, chunkBytes }: Manifest): Promise<void> {
    const count = Math.ceil(bytes / chunkBytes);
    for (let first = 0; first < count; first += MARK_CHUNKS) {
      try {
        const refs = await this.#manifests.chunks(id, { first, end: first + MARK_CHUNKS });
        await this.#pages.mark(
          sweep,
          refs.map((ref) => ref.id),
        );
      } catch (error) {
        // Deleted meanwhile: its chunks are its readers' alone.
        if ((await this.#manifests.get(id)) === null) return;
        throw error;
      }
    }
  }
}

function heldBack(reason: string): SweepResult {
  return { chunks: 0, bytes: 0, heldBack: reason };
}
