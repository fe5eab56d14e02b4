/**
 * The seams of vmcore storage. SQLite is the embedded implementation; a second one (an object store) must pass the
 * same contract tests. Everything is asynchronous, because a second one will be remote.
 */

import type { ByteSource } from '../../base/bytes.ts';
import type { DumpCheck } from '../reader/index.ts';

/** Bytes of a chunk; the last one of a vmcore may be shorter. */
export const CHUNK_BYTES = 65536;

/** A chunk's place in its store: a positive integer, never used again for another chunk. */
export type ChunkId = number;

/** A chunk to store. `hash` is the SHA-256 (32 bytes) of `bytes` (1 to {@link CHUNK_BYTES}). */
export type Chunk = { readonly hash: Uint8Array; readonly bytes: Uint8Array };

/** What a sweep removed. `bytes` is content, before compression. */
export type SweepResult = { readonly chunks: number; readonly bytes: number };

/** Chunks by content. */
export interface PageStore {
  /** For each hash the id of the chunk that has it, or null. */
  hasMany(hashes: readonly Uint8Array[]): Promise<readonly (ChunkId | null)[]>;
  /** Stores what is not there yet, all or nothing, and gives each chunk's id; equal chunks get one id. Outlives the process. */
  putMany(chunks: readonly Chunk[]): Promise<readonly ChunkId[]>;
  /** The contents, in order; the arrays are not to be written. @throws FormatError `store/missing-chunk`, `store/corrupt-chunk`. */
  getMany(ids: readonly ChunkId[]): Promise<readonly Uint8Array[]>;
  /** Removes every chunk that is not in `live` and gives its room back. */
  sweep(live: ReadonlySet<ChunkId>): Promise<SweepResult>;
  close(): Promise<void>;
}

/** A stored vmcore's id: a positive integer, never used again. */
export type ManifestId = number;

/** A stored vmcore. `sha256` is of the whole, as hex. Every chunk but the last has `chunkBytes` bytes. */
export type Manifest = {
  readonly id: ManifestId;
  readonly bytes: number;
  readonly sha256: string;
  readonly chunkBytes: number;
};

/** Which chunks make which vmcore. */
export interface ManifestStore {
  create(manifest: Omit<Manifest, 'id'>, chunks: readonly ChunkId[]): Promise<ManifestId>;
  get(id: ManifestId): Promise<Manifest | null>;
  /** In order of id. */
  list(): Promise<readonly Manifest[]>;
  /** All chunks in order. @throws FormatError `store/unknown-manifest`, `store/corrupt-manifest`. */
  chunks(id: ManifestId): Promise<readonly ChunkId[]>;
  /** @returns whether there was one. */
  delete(id: ManifestId): Promise<boolean>;
}

/** What was written. `newBytes` is content that no earlier vmcore had. */
export type StoredVmcore = {
  readonly manifestId: ManifestId;
  readonly sha256: string;
  readonly bytes: number;
  readonly newBytes: number;
};

/** Bytes `start` (included) to `end` (excluded). */
export type ByteSpan = { readonly start: number; readonly end: number };

/** Vmcores, each a manifest over shared chunks. */
export interface VmcoreStore {
  /**
   * Stores `length` bytes of `source` (all of it, when not given), reads them back and compares. The pieces of an
   * async source may be of any size. Nothing is left behind but unreferenced chunks when it fails.
   * @throws FormatError `store/short-source`; `store/corrupt-chunk` where what was read back differs.
   */
  writeVmcore(source: AsyncIterable<Uint8Array> | ByteSource, length?: number): Promise<StoredVmcore>;
  /** @throws FormatError `store/unknown-manifest`. */
  describe(id: ManifestId): Promise<Manifest>;
  list(): Promise<readonly Manifest[]>;
  /** The bytes of `span` (all, when not given) in pieces; a vmcore deleted meanwhile is still read to its end. */
  readVmcore(id: ManifestId, span?: ByteSpan): AsyncIterable<Uint8Array>;
  /** Judges the stored dump, as reader/checkDump does. @throws FormatError `store/unknown-manifest`. */
  checkVmcore(id: ManifestId): Promise<DumpCheck>;
  /** Reads the whole and compares it with its SHA-256. @throws FormatError `store/corrupt-…`, `store/missing-chunk`. */
  verify(id: ManifestId): Promise<void>;
  /** Forgets a vmcore and sweeps chunks that no other one has. @throws FormatError `store/unknown-manifest`. */
  delete(id: ManifestId): Promise<SweepResult>;
  /** Forgets every vmcore that is not in `keep` and sweeps: after a stop that fell between two databases. */
  retain(keep: ReadonlySet<ManifestId>): Promise<SweepResult>;
  close(): Promise<void>;
}
