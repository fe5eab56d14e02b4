/**
 * Stores vmcores over any PageStore and ManifestStore. A vmcore is cut into chunks of 64 KiB (the size and, in /proc/vmcore,
 * the alignment of a 64 KiB page of guest memory), hashed, stored where a chunk is new, read back and compared.
 */

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteSource } from '../../base/bytes.ts';
import { concatBytes, isAllZero } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import type { DumpCheck } from '../reader/index.ts';
import { checkDump, evaluateAsync } from '../reader/index.ts';
import { chunksOf, piecesOf } from './chunker.ts';
import type {
  ByteSpan,
  Chunk,
  ChunkId,
  ChunkSpan,
  HoldId,
  Manifest,
  ManifestId,
  ManifestStore,
  PageStore,
  StoredVmcore,
  SweepId,
  SweepResult,
  VmcoreStore,
} from './contract.ts';
import { CHUNK_BYTES } from './contract.ts';
import { storeError } from './errors.ts';
import { Mutex } from './mutex.ts';

/** Chunks stored in one transaction: 8 MiB. */
const BATCH_CHUNKS = 128;
/** Chunks given to a reader in one piece: 1 MiB. */
const READ_CHUNKS = 16;
/** Chunks that are marked in one call: 256 MiB of vmcore. */
const MARK_CHUNKS = 4096;

export class ChunkedVmcoreStore implements VmcoreStore {
  readonly #pages: PageStore;
  readonly #manifests: ManifestStore;
  /** One sweep at a time. */
  readonly #sweeps = new Mutex();

  constructor(pages: PageStore, manifests: ManifestStore) {
    this.#pages = pages;
    this.#manifests = manifests;
  }

  async writeVmcore(source: AsyncIterable<Uint8Array> | ByteSource, length?: number): Promise<StoredVmcore> {
    // Held until the manifest names the chunks: a sweep meanwhile leaves them alone.
    const hold = await this.#pages.hold();
    try {
      const ids: ChunkId[] = [];
      const hashes: Uint8Array[] = [];
      let newBytes = 0;
      let batch: Chunk[] = [];
      const flush = async (): Promise<void> => {
        newBytes += await this.#store(hold, batch, ids);
        for (const chunk of batch) hashes.push(chunk.hash);
        batch = [];
      };
      for await (const bytes of chunksOf(piecesOf(source, length), CHUNK_BYTES)) {
        batch.push({ hash: hashOf(bytes), bytes });
        if (batch.length === BATCH_CHUNKS) await flush();
      }
      await flush();
      const { sha256, bytes } = await this.#compare(ids, hashes);
      if (length !== undefined && bytes !== length)
        throw storeError('store/corrupt-manifest', 'other bytes were stored than were given', {
          expected: `${length}`,
          actual: `${bytes}`,
        });
      const manifestId = await this.#manifests.create({ bytes, sha256, chunkBytes: CHUNK_BYTES }, ids);
      return { manifestId, sha256, bytes, newBytes };
    } finally {
      await this.#pages.release(hold);
    }
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
      const ids = await this.#open(hold, id, chunks);
      for (let at = start; at < end; ) {
        const first = Math.floor(at / chunkBytes);
        const last = Math.min(first + READ_CHUNKS, chunks.end);
        const base = first * chunkBytes;
        const piece = concatBytes(
          await this.#pages.getMany(ids.slice(first - chunks.first, last - chunks.first)),
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
    for (const { id } of await this.#manifests.list()) if (!keep.has(id)) await this.#manifests.delete(id);
    return this.#sweep();
  }

  async close(): Promise<void> {
    await this.#pages.close();
  }

  /** Stores a batch and appends its ids. @returns bytes that were new. */
  async #store(hold: HoldId, batch: readonly Chunk[], ids: ChunkId[]): Promise<number> {
    const known = await this.#pages.hasMany(
      hold,
      batch.map((chunk) => chunk.hash),
    );
    const fresh = batch.filter((_, i) => known[i] === null);
    const put = await this.#pages.putMany(hold, fresh);
    assert(put.length === fresh.length, 'putMany gives an id for each chunk');
    let next = 0;
    for (const id of known) ids.push(id ?? put[next++] ?? '');
    const bytesOf = new Map(fresh.map((chunk, i) => [put[i], chunk.bytes.length]));
    return [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Reads every chunk back. @throws FormatError `store/corrupt-chunk`. */
  async #compare(
    ids: readonly ChunkId[],
    hashes: readonly Uint8Array[],
  ): Promise<{ sha256: string; bytes: number }> {
    const whole = createHash('sha256');
    let bytes = 0;
    const good = new Set<ChunkId>();
    for (let first = 0; first < ids.length; first += BATCH_CHUNKS) {
      const contents = await this.#pages.getMany(ids.slice(first, first + BATCH_CHUNKS));
      contents.forEach((content, i) => {
        const id = ids[first + i] ?? '';
        if (!good.has(id) && !Buffer.from(hashOf(content)).equals(hashes[first + i] ?? new Uint8Array(0))) {
          throw storeError('store/corrupt-chunk', `chunk ${id} read back is not what was written`, {
            offset: bytes,
          });
        }
        good.add(id);
        whole.update(content);
        bytes += content.length;
      });
      // A local store answers at once: other tasks of this thread run between the batches.
      await nextTurn();
    }
    return { sha256: whole.digest('hex'), bytes };
  }

  /** The chunks of a span, held. */
  async #open(hold: HoldId, id: ManifestId, span: ChunkSpan): Promise<readonly ChunkId[]> {
    const ids = await this.#manifests.chunks(id, span);
    try {
      await this.#pages.keepMany(hold, ids);
    } catch (error) {
      // The vmcore may have been deleted and swept since its chunks were read.
      await this.describe(id);
      throw error;
    }
    return ids;
  }

  #sweep(): Promise<SweepResult> {
    return this.#sweeps.run(async () => {
      const sweep = await this.#pages.beginSweep();
      for (const manifest of await this.#manifests.list()) await this.#mark(sweep, manifest);
      return this.#pages.endSweep(sweep);
    });
  }

  async #mark(sweep: SweepId, { id, bytes, chunkBytes }: Manifest): Promise<void> {
    const count = Math.ceil(bytes / chunkBytes);
    for (let first = 0; first < count; first += MARK_CHUNKS) {
      try {
        const ids = await this.#manifests.chunks(id, { first, end: first + MARK_CHUNKS });
        await this.#pages.mark(sweep, ids);
      } catch (error) {
        // Deleted meanwhile: its chunks are its readers' alone.
        if ((await this.#manifests.get(id)) === null) return;
        throw error;
      }
    }
  }
}

let zeroHash: Uint8Array | undefined;

/** SHA-256. The hash of a whole chunk of zeros, half of many dumps, is computed once. */
function hashOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length === CHUNK_BYTES && isAllZero(bytes)) {
    zeroHash ??= createHash('sha256').update(bytes).digest();
    return zeroHash;
  }
  return createHash('sha256').update(bytes).digest();
}
