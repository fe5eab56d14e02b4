/** Finds the dump that the crash kernel left on the dump device: where it ends, and whether it is whole. */

import { alignUp } from '../../base/bytes.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { DumpCheck } from '../../vmcore/reader/index.ts';
import type { VmcoreFormat } from '../contract/index.ts';
import { type MachineReads, ReadingThreads } from '../reading/index.ts';

/** The judgement of a dump, without its ranges, of which there may be millions. `problems`: the first ones. */
export type DumpFacts = Omit<DumpCheck, 'ranges'>;

export type FoundDump = {
  readonly disk: number;
  /** From the disk's first byte on. */
  readonly bytes: number;
  readonly format: VmcoreFormat;
  /** Everything that its headers promise is there. */
  readonly complete: boolean;
  readonly check: DumpFacts;
};

/** Read in one piece. */
const PIECE = 2 ** 20;
const SECTOR = 512;

/** What the reading thread is given (dump-worker.ts). */
export type DiskToCheck = { readonly disk: number; readonly bytes: number };

const checks = new ReadingThreads<DiskToCheck, DumpFacts>('./dump-worker', import.meta.url);

/** Has the thread ready for {@link findDump}. */
export function warmDumpCheck(): void {
  checks.warm();
}

/** Index of the disk that a dump goes to: the first one that can be written; undefined where there is none. */
export function dumpDiskOf(config: PartitionHandle['config']): number | undefined {
  const index = config.disks.findIndex((disk) => disk.kind === 'scratch' || !disk.readOnly);
  return index < 0 ? undefined : index;
}

/** Size of a scratch disk in bytes. Left out: dumps on disks that are files. */
function sizeOf(config: PartitionHandle['config'], disk: number): number {
  const found = config.disks[disk];
  return found?.kind === 'scratch' ? found.bytes : 0;
}

/**
 * Inspects the dump device.
 * @returns undefined where it does not begin with a dump of a known format.
 * @throws ReadingFailure where that takes too much time or memory
 */
export async function findDump(
  handle: MachineReads,
  disk: number,
  signal?: AbortSignal,
): Promise<FoundDump | undefined> {
  const size = sizeOf(handle.config, disk);
  const check = await checks.read(handle, { disk, bytes: size }, { what: 'the dump', signal });
  if (check.format === 'unknown') return undefined;
  // The headers promise more than the device holds: the dump was cut, and it fills the device.
  const bytes = check.extent === 0 ? 0 : Math.min(check.extent, size);
  if (bytes === 0) return undefined;
  return { disk, bytes, format: check.format, complete: check.complete, check };
}

/** The dump's bytes in pieces, each read while the one before is being used. The disk is read in whole sectors. */
export async function* readDump(handle: PartitionHandle, dump: FoundDump): AsyncGenerator<Uint8Array> {
  const read = async (at: number): Promise<Uint8Array> => {
    const length = Math.min(PIECE, dump.bytes - at);
    return (await handle.readDisk(dump.disk, at, alignUp(length, SECTOR))).subarray(0, length);
  };
  const begin = (at: number): Promise<Uint8Array> => {
    const piece = read(at);
    // A failed read is thrown when its piece is yielded. The empty handler keeps it from being an unhandled rejection before that, or when the caller stops early.
    piece.catch(() => undefined);
    return piece;
  };
  let ahead = begin(0);
  for (let at = 0; at < dump.bytes; at += PIECE) {
    const piece = await ahead;
    if (at + PIECE < dump.bytes) ahead = begin(at + PIECE);
    yield piece;
  }
}
