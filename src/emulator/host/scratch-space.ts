/**
 * Where the scratch disks of all partitions lie, and how much they may hold together. What they hold is counted in shared
 * memory, in chunks that the guests have written: a disk is sparse, and its size says nothing. A worker takes a chunk before
 * it writes it; what a worker that died held is given back by its owner.
 */

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hostFile } from '../../base/failure-text.ts';
import { sizeText } from '../../base/free-room.ts';
import { SCRATCH_CHUNK, SCRATCH_PREFIX, type ScratchQuota } from '../devices/virtio/index.ts';

export type ScratchOptions = {
  /** Made where it is missing, for its owner alone. */
  readonly folder: string;
  /** Bytes of all disks together; absent: as much as the file system has. */
  readonly quotaBytes?: number;
};

/** A partition's part in the count; survives structured cloning, and is the same memory in every thread. */
export type ScratchShare = {
  readonly folder: string;
  /** Chunks of all partitions, and how many there may be. */
  readonly all: SharedArrayBuffer;
  /** Chunks of this partition. */
  readonly own: SharedArrayBuffer;
};

const USED = 0;
const LIMIT = 1;
const MOST_CHUNKS = 2 ** 31 - 1;

export class ScratchSpace {
  readonly folder: string;
  readonly #all = new SharedArrayBuffer(8);

  /** @throws HostFileError where the folder cannot be made */
  constructor({ folder, quotaBytes = Number.POSITIVE_INFINITY }: ScratchOptions) {
    this.folder = folder;
    hostFile('the scratch folder', () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
    this.#counts[LIMIT] = Math.min(MOST_CHUNKS, Math.floor(quotaBytes / SCRATCH_CHUNK));
  }

  /** Removes disks whose process died between making and unnaming them. Only where no other process uses the folder. */
  clearLeftovers(): void {
    for (const name of readdirSync(this.folder))
      if (name.startsWith(SCRATCH_PREFIX)) rmSync(join(this.folder, name), { force: true });
  }

  get usedBytes(): number {
    return Atomics.load(this.#counts, USED) * SCRATCH_CHUNK;
  }
  get quotaBytes(): number {
    return (this.#counts[LIMIT] as number) * SCRATCH_CHUNK;
  }

  /** For a new partition. */
  share(): ScratchShare {
    return { folder: this.folder, all: this.#all, own: new SharedArrayBuffer(4) };
  }

  /** Why a partition cannot have disks of so many bytes, beside what it holds already; undefined where it can. */
  refusal(bytes: number, { own }: ScratchShare): string | undefined {
    const held = Atomics.load(new Int32Array(own), 0) * SCRATCH_CHUNK;
    const left = this.quotaBytes - this.usedBytes + held;
    if (bytes <= left) return undefined;
    return `its dump disk may take ${sizeText(bytes)}, and of the quota of ${sizeText(this.quotaBytes)} for scratch disks ${sizeText(left)} are left`;
  }

  /** Gives back what a partition held. Its worker has ended. */
  free({ own }: ScratchShare): void {
    Atomics.sub(this.#counts, USED, Atomics.exchange(new Int32Array(own), 0, 0));
  }

  get #counts(): Int32Array {
    return new Int32Array(this.#all);
  }
}

/** The worker's end of a share. */
export function scratchQuota({ all, own }: ScratchShare): ScratchQuota {
  const counts = new Int32Array(all);
  const mine = new Int32Array(own);
  return {
    take: () => {
      if (Atomics.add(counts, USED, 1) >= (counts[LIMIT] as number)) {
        Atomics.sub(counts, USED, 1);
        return false;
      }
      Atomics.add(mine, 0, 1);
      return true;
    },
    give: (chunks) => {
      Atomics.sub(counts, USED, chunks);
      Atomics.sub(mine, 0, chunks);
    },
  };
}
