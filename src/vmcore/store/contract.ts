/**
 * Defines the seams of vmcore storage. SQLite is the embedded implementation; a second one (an object store) must pass the
 * same contract tests (docs/seams.md). All calls are asynchronous, because a second one will be remote.
 */

import type { ByteSource } from '../../base/bytes.ts';
import type { DiskError } from '../../base/disk-error.ts';
import type { DumpCheck } from '../reader/index.ts';

/** Bytes of a chunk; the last one of a vmcore may be shorter. */
export const CHUNK_BYTES = 65536;

/** A chunk's id: text that only its store can read. An id never names other content. */
export type ChunkId = string;

/** A chunk to store. `hash` is the SHA-256 (32 bytes) of `bytes` (1 to {@link CHUNK_BYTES}). */
export type Chunk = { readonly hash: Uint8Array; readonly bytes: Uint8Array };

/** A chunk that a vmcore has: where it is, and the SHA-256 of what it must hold. */
export type ChunkRef = { readonly id: ChunkId; readonly hash: Uint8Array };

/**
 * What a sweep removed. `bytes` is content, before compression. `heldBack`: why nothing was removed, because stored
 * data is damaged and what is still in use is not certain.
 */
export type SweepResult = { readonly chunks: number; readonly bytes: number; readonly heldBack?: string };

/** How much is stored. `bytes` is content, before compression. */
export type ChunkFigures = { readonly chunks: number; readonly bytes: number };

/** A use of chunks that is under way: a vmcore that is being written or read. */
export type HoldId = string;
export type SweepId = string;

/**
 * Chunks by content. Which chunks are in use the store itself keeps, so that no caller needs a list of all of them:
 * - a *hold* protects the chunks that were found, stored or kept under it, until it is released. A hold does not outlive
 *   the process that opened it: a store that several processes share lets it lapse when its process is gone.
 * - a *sweep* is begun, given the chunks that manifests name in as many calls as that takes, and ended. It removes what
 *   was neither marked nor held at any time since it began. One that is never ended removes nothing.
 *
 * Content is checked whenever it is read. A chunk that is found damaged or missing is put in *quarantine*: it is not found by
 * its hash and not served any more, until the same content is stored again, which then takes its place under its id.
 */
export interface PageStore {
  hold(): Promise<HoldId>;
  /** Ends a hold. One that has ended already is no error. */
  release(hold: HoldId): Promise<void>;
  /** For each hash the id of the chunk that has it, now held, or null. */
  hasMany(hold: HoldId, hashes: readonly Uint8Array[]): Promise<readonly (ChunkId | null)[]>;
  /**
   * Stores what is not there yet, all or nothing, and gives each chunk's id, now held; equal chunks get one id. Outlives
   * the process. Content of a chunk in quarantine takes its place there.
   */
  putMany(hold: HoldId, chunks: readonly Chunk[]): Promise<readonly ChunkId[]>;
  /** Holds chunks. @throws StoredDataError `store/missing-chunk` where one is not there; then none is held. */
  keepMany(hold: HoldId, chunks: readonly ChunkRef[]): Promise<void>;
  /**
   * The contents, in order, each compared with its hash; the arrays are not to be written. What does not match, or is not
   * there, is in quarantine from then on.
   * @throws StoredDataError `store/missing-chunk`, `store/corrupt-chunk`.
   */
  getMany(chunks: readonly ChunkRef[]): Promise<readonly Uint8Array[]>;
  /** Puts chunks in quarantine that another reader found damaged on the disk. What is still whole in memory is written again instead. */
  quarantine(chunks: readonly ChunkRef[]): Promise<void>;
  /** What is in quarantine. */
  quarantined(): Promise<readonly ChunkRef[]>;
  figures(): Promise<ChunkFigures>;
  /** Begins a sweep. One that was begun before and has not ended is void. */
  beginSweep(): Promise<SweepId>;
  /** These chunks stay. Ids that are not there are no error. @throws FormatError `store/stale-sweep` for a void sweep. */
  mark(sweep: SweepId, ids: readonly ChunkId[]): Promise<void>;
  /** Removes every other chunk and gives its room back. @throws FormatError `store/stale-sweep` for a void sweep. */
  endSweep(sweep: SweepId): Promise<SweepResult>;
  close(): Promise<void>;
}

/** A stored vmcore's id: text that only its store can read, never used again. */
export type ManifestId = string;

/** A stored vmcore. `sha256` is of the whole, as hex. Every chunk but the last has `chunkBytes` bytes. */
export type Manifest = {
  readonly id: ManifestId;
  readonly bytes: number;
  readonly sha256: string;
  readonly chunkBytes: number;
};

/** Chunks `first` (included) to `end` (excluded) of a manifest, counted from 0. */
export type ChunkSpan = { readonly first: number; readonly end: number };

/** Which chunks make which vmcore. What is read is checked: what has changed since it was written is never given. */
export interface ManifestStore {
  /** Outlives the process. */
  create(manifest: Omit<Manifest, 'id'>, chunks: readonly ChunkRef[]): Promise<ManifestId>;
  /** @throws StoredDataError `store/corrupt-manifest`. */
  get(id: ManifestId): Promise<Manifest | null>;
  /** In order of creation, without damaged ones. */
  list(): Promise<readonly Manifest[]>;
  /** Those that {@link list} leaves out. */
  damaged(): Promise<readonly ManifestId[]>;
  /** The chunks of `span` (all, when not given) in order. @throws FormatError `store/unknown-manifest`, `store/corrupt-manifest`. */
  chunks(id: ManifestId, span?: ChunkSpan): Promise<readonly ChunkRef[]>;
  /** @returns whether there was one. */
  delete(id: ManifestId): Promise<boolean>;
}

/** What was written. `newBytes` is content that no earlier vmcore had. */
export type StoredVmcore = {
  readonly manifestId: ManifestId;
  readonly sha256: string;
  readonly bytes: number;
  readonly newBytes: number;
  /** Only the first bytes are stored, because the disk did not take the rest; asked for by `keepPart` alone. */
  readonly cut?: DiskError;
};

export type WriteOptions = {
  /** Keeps what was stored before the disk filled or failed, as a vmcore that is shorter than it should be. */
  readonly keepPart?: boolean;
};

/** A part of a vmcore that is being written. `offset` is a multiple of {@link CHUNK_BYTES}; what its last chunk lacks is zeros. */
export type VmcorePart = { readonly offset: number; readonly bytes: Uint8Array };

/**
 * A vmcore that is stored while it is still being written. One call at a time. What it has put is held until it is finished or
 * abandoned; after an error it can only be abandoned.
 */
export interface VmcoreDraft {
  /**
   * Stores parts. One that comes again replaces what came before; what never comes is zeros.
   * @throws DiskError where the disk fills or fails
   */
  put(parts: readonly VmcorePart[]): Promise<void>;
  /**
   * The parts are what they stay: the vmcore is their first `length` bytes. The result is that of {@link VmcoreStore.writeVmcore}.
   * @throws DiskError; StoredDataError where what was read back is damaged
   */
  finish(length: number): Promise<StoredVmcore>;
  /** Leaves unreferenced chunks behind. A draft that is over is no error. */
  abandon(): Promise<void>;
}

/** Bytes `start` (included) to `end` (excluded). */
export type ByteSpan = { readonly start: number; readonly end: number };

/** A vmcore that cannot be read whole: of how many chunks the content is lost, and why in a sentence. */
export type VmcoreDamage = {
  readonly manifestId: ManifestId;
  readonly chunks: number;
  readonly reason: string;
};

/** What a store holds. `vmcoreBytes` counts what several vmcores share once for each. */
export type StoreFigures = ChunkFigures & {
  readonly vmcores: number;
  readonly vmcoreBytes: number;
  readonly quarantined: number;
};

/** Vmcores, each a manifest over shared chunks. */
export interface VmcoreStore {
  /**
   * Stores `length` bytes of `source` (all of it, when not given), reads them back and compares. The pieces of an
   * async source may be of any size. Nothing is left behind but unreferenced chunks when it fails. Stored chunks that turn
   * out to be damaged get their content from the source.
   * @throws DiskError where the disk fills or fails, and there is no part to keep or it is not asked for
   * @throws FormatError `store/short-source`; `store/corrupt-chunk` where what was read back differs even so.
   */
  writeVmcore(
    source: AsyncIterable<Uint8Array> | ByteSource,
    length?: number,
    options?: WriteOptions,
  ): Promise<StoredVmcore>;
  /** Begins a vmcore that is still being written. */
  beginVmcore(): Promise<VmcoreDraft>;
  /** @throws FormatError `store/unknown-manifest`. */
  describe(id: ManifestId): Promise<Manifest>;
  list(): Promise<readonly Manifest[]>;
  /**
   * The bytes of `span` (all, when not given) in pieces; a vmcore deleted meanwhile is still read to its end.
   * @throws StoredDataError before the piece in which something is damaged.
   */
  readVmcore(id: ManifestId, span?: ByteSpan): AsyncIterable<Uint8Array>;
  /** Judges the stored dump, as reader/checkDump does. @throws FormatError `store/unknown-manifest`, StoredDataError. */
  checkVmcore(id: ManifestId): Promise<DumpCheck>;
  /** Reads the whole and compares it with its SHA-256. @throws FormatError `store/corrupt-…`, `store/missing-chunk`. */
  verify(id: ManifestId): Promise<void>;
  /** Forgets a vmcore and sweeps chunks that no other one has. @throws FormatError `store/unknown-manifest`. */
  delete(id: ManifestId): Promise<SweepResult>;
  /**
   * Forgets every vmcore that is not in `keep` and sweeps: after a stop that fell between two databases. Nothing is swept
   * while one of `keep` is missing or damaged.
   */
  retain(keep: ReadonlySet<ManifestId>): Promise<SweepResult>;
  /** The vmcores that are known to be damaged, by what was read so far and what {@link quarantine} was given. */
  damage(): Promise<readonly VmcoreDamage[]>;
  /** Puts chunks in quarantine that another reader of the store found damaged. */
  quarantine(chunks: readonly ChunkRef[]): Promise<void>;
  figures(): Promise<StoreFigures>;
  close(): Promise<void>;
}
