/**
 * Stores a disk's bytes: in an existing file, in a sparse temporary file, or in memory.
 * All are synchronous and work in multiples of 512 bytes. An access outside of the bounds is a bug, because the
 * disk checks the guest's requests. Errors of the file system pass through with their `code`.
 */

import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alignUp, isAllZero } from '../../../base/bytes.ts';
import { assert } from '../../../base/errors.ts';
import type { BlockStore } from '../contract.ts';

const SECTOR = 512;
const CHUNK = 0x10000;
/** What a scratch disk is counted in. */
export const SCRATCH_CHUNK: number = CHUNK;
/** How the file of a scratch disk is called while it has a name. */
export const SCRATCH_PREFIX = 'kdumpd-';

/** A store that holds something until it is closed. Closing is idempotent. */
export type OwnedStore = BlockStore & { close(): void };

/**
 * The file at `path` as a disk. A size that is not a multiple of 512 is rounded up, with zeros. A file that is cut short while
 * it is a disk fails to be read (`EIO`): zeros in the place of data would be believed.
 * @throws the file system's error when it cannot be opened.
 */
export function openFileStore(path: string, options: { readonly readOnly: boolean }): OwnedStore {
  const file = openSync(path, options.readOnly ? 'r' : 'r+');
  const { size } = fstatSync(file);
  return fileStore(file, alignUp(size, SECTOR), { size, readOnly: options.readOnly, durable: true });
}

/** A store that can be made all zeros again, and knows where nothing but zeros was ever written. */
export type ScratchStore = OwnedStore & {
  empty(): void;
  /** Whether a part, inside the disk, is surely zeros: nothing else was written to the chunks that it touches. Nothing is read for it. */
  isUnwritten(offset: number, length: number): boolean;
};

/** A part of a disk. */
export type DiskPart = { readonly offset: number; readonly bytes: Uint8Array };

/** A scratch store that knows which of its chunks were written since they were taken last. */
export type TrackedStore = ScratchStore & {
  /** Bytes of chunks that {@link takeWritten} has to give; it may be more than the disk's end allows. */
  readonly writtenBytes: number;
  /**
   * Whole chunks that were written since they were taken last, by offset: the first ones, up to `most` bytes. What is never
   * given is zeros. Runs of them are one part, of an array of its own.
   */
  takeWritten(most: number): readonly DiskPart[];
};

/** How much scratch disks may hold, in chunks of {@link SCRATCH_CHUNK}. */
export interface ScratchQuota {
  /** One chunk more. @returns whether it may be written */
  take(): boolean;
  give(chunks: number): void;
}

const WITHOUT_QUOTA: ScratchQuota = { take: () => true, give: () => undefined };

/**
 * A disk of `bytes` zeros in a new sparse file in `folder`. The file has no name once it is open: however its owner
 * ends, it is gone. Only what the guest writes takes space, and of that no zeros where there were zeros: most of a raw
 * dump. A write beyond the quota fails with `EDQUOT`.
 * @throws the file system's error when it cannot be made.
 */
export function createScratchStore(
  bytes: number,
  folder: string = tmpdir(),
  quota: ScratchQuota = WITHOUT_QUOTA,
): TrackedStore {
  assert(bytes % SECTOR === 0, 'a disk is a multiple of 512 bytes');
  const path = join(folder, `${SCRATCH_PREFIX}${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    ftruncateSync(file, bytes);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  // Nothing of it outlives its owner, so a flush has nothing to make durable.
  const inner = fileStore(file, bytes, { size: bytes, readOnly: false, durable: false });
  /** One byte a chunk: whether anything but zeros may be there. */
  const written = new Uint8Array(Math.ceil(bytes / CHUNK));
  /** The same of what was written since it was taken, and how many that are. */
  const fresh = new Uint8Array(written.length);
  let freshChunks = 0;
  let held = 0;
  const giveAll = (): void => {
    quota.give(held);
    held = 0;
  };
  /** Holes are not read: the system would make a page of its cache for each, and a raw dump is mostly holes. */
  const read = (offset: number, target: Uint8Array): void => {
    checkBounds(offset, target.length, bytes);
    let [start, end] = [0, 0];
    const readRun = (): void => {
      if (end > start) inner.read(offset + start, target.subarray(start, end));
    };
    eachChunk(offset, target.length, (index, _from, at, part) => {
      if (written[index] === 0) target.fill(0, at, at + part);
      else if (at === end) end = at + part;
      else {
        readRun();
        [start, end] = [at, at + part];
      }
    });
    readRun();
  };
  return {
    ...inner,
    read,
    get writtenBytes(): number {
      return freshChunks * CHUNK;
    },
    takeWritten(most: number): readonly DiskPart[] {
      const parts: DiskPart[] = [];
      let room = Math.floor(most / CHUNK);
      for (let first = fresh.indexOf(1); first >= 0 && room > 0; first = fresh.indexOf(1, first)) {
        let end = first;
        while (fresh[end] === 1 && room > 0) {
          fresh[end++] = 0;
          room--;
        }
        freshChunks -= end - first;
        const part = new Uint8Array(Math.min(end * CHUNK, bytes) - first * CHUNK);
        read(first * CHUNK, part);
        parts.push({ offset: first * CHUNK, bytes: part });
        first = end;
      }
      return parts;
    },
    isUnwritten(offset: number, length: number): boolean {
      return isZeroIn(written, offset, length);
    },
    write(offset: number, source: Uint8Array): void {
      checkBounds(offset, source.length, bytes);
      eachChunk(offset, source.length, (index, _from, at, part) => {
        const piece = source.subarray(at, at + part);
        if (written[index] === 0 && isAllZero(piece)) return;
        if (written[index] === 0) {
          if (!quota.take()) throw storeError('EDQUOT', 'the quota of scratch disks is used up');
          held++;
          written[index] = 1;
        }
        if (fresh[index] === 0) {
          fresh[index] = 1;
          freshChunks++;
        }
        inner.write(offset + at, piece);
      });
    },
    empty(): void {
      ftruncateSync(file, 0);
      ftruncateSync(file, bytes);
      written.fill(0);
      fresh.fill(0);
      freshChunks = 0;
      giveAll();
    },
    close(): void {
      inner.close();
      giveAll();
    },
  };
}

/** A disk of `bytes` zeros in memory, in chunks that exist once they are written. */
export function createMemoryStore(
  bytes: number,
  options: { readonly readOnly?: boolean } = {},
): ScratchStore {
  assert(bytes % SECTOR === 0, 'a disk is a multiple of 512 bytes');
  const chunks = new Map<number, Uint8Array>();
  const each = (offset: number, length: number, visit: ChunkVisit) => {
    checkBounds(offset, length, bytes);
    eachChunk(offset, length, visit);
  };
  return {
    bytes,
    readOnly: options.readOnly ?? false,
    read(offset: number, target: Uint8Array): void {
      each(offset, target.length, (index, from, at, part) => {
        const chunk = chunks.get(index);
        if (chunk === undefined) target.fill(0, at, at + part);
        else target.set(chunk.subarray(from, from + part), at);
      });
    },
    write(offset: number, source: Uint8Array): void {
      each(offset, source.length, (index, from, at, part) => {
        let chunk = chunks.get(index);
        if (chunk === undefined) {
          chunk = new Uint8Array(CHUNK);
          chunks.set(index, chunk);
        }
        chunk.set(source.subarray(at, at + part), from);
      });
    },
    flush(): void {},
    isUnwritten(offset: number, length: number): boolean {
      let isThere = false;
      eachChunk(offset, length, (index) => {
        isThere ||= chunks.has(index);
      });
      return !isThere;
    },
    empty(): void {
      chunks.clear();
    },
    close(): void {
      chunks.clear();
    },
  };
}

/** `size`: bytes of the file itself, which must stay there. */
type FileKind = { readonly size: number; readonly readOnly: boolean; readonly durable: boolean };

function fileStore(file: number, bytes: number, { size, readOnly, durable }: FileKind): OwnedStore {
  let open = true;
  return {
    bytes,
    readOnly,
    read(offset: number, target: Uint8Array): void {
      checkBounds(offset, target.length, bytes);
      let at = 0;
      while (at < target.length) {
        const got = readSync(file, target, at, target.length - at, offset + at);
        if (got === 0) break;
        at += got;
      }
      if (at < Math.min(target.length, size - offset))
        throw storeError('EIO', 'the file is shorter than it was');
      target.fill(0, at);
    },
    write(offset: number, source: Uint8Array): void {
      assert(!readOnly, 'a read-only disk is not written');
      checkBounds(offset, source.length, bytes);
      for (let at = 0; at < source.length; )
        at += writeSync(file, source, at, source.length - at, offset + at);
    },
    flush(): void {
      if (durable && !readOnly) fsyncSync(file);
    },
    close(): void {
      if (!open) return;
      open = false;
      closeSync(file);
    },
  };
}

/** `from`: where in the chunk; `at`: where in the access; `part`: how many bytes. */
type ChunkVisit = (chunk: number, from: number, at: number, part: number) => void;

function eachChunk(offset: number, length: number, visit: ChunkVisit): void {
  for (let at = 0; at < length; ) {
    const from = (offset + at) % CHUNK;
    const part = Math.min(length - at, CHUNK - from);
    visit(Math.floor((offset + at) / CHUNK), from, at, part);
    at += part;
  }
}

/** Whether the chunks that a part touches have 0 in `written`. */
function isZeroIn(written: Uint8Array, offset: number, length: number): boolean {
  for (let index = Math.floor(offset / CHUNK); index * CHUNK < offset + length; index++)
    if (written[index] !== 0) return false;
  return true;
}

/** An error as the file system's own are: with a code. */
function storeError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}

function checkBounds(offset: number, length: number, bytes: number): void {
  assert(
    offset % SECTOR === 0 && length % SECTOR === 0 && offset >= 0 && offset + length <= bytes,
    'an access to a disk is whole sectors inside it',
  );
}
