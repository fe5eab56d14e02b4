/**
 * Stores the dump of a crash, or as much of it as a disk takes that fills or fails meanwhile: a part of a vmcore is worth
 * more than none.
 */

import { type DiskError, diskErrorOf } from '../../base/disk-error.ts';
import { sizeText } from '../../base/free-room.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { StoredVmcore, VmcoreStore } from '../../vmcore/store/index.ts';
import type { CaptureVmcore } from '../contract/index.ts';
import { type FoundDump, readDump } from '../guest/dump-device.ts';
import type { DumpAhead } from './dump-ahead.ts';

/** What of a capture is not stored because of the disk, and what the disk's error was. `text` is for the capture's reason. */
export type Loss = { readonly error: DiskError; readonly text: string };

export type KeptDump = {
  readonly stored?: StoredVmcore;
  /** As the capture shows it; null: nothing is stored. */
  readonly vmcore: CaptureVmcore | null;
  readonly loss?: Loss;
};

/**
 * @param ahead has stored it already but for a rest; undefined: nothing is stored yet
 * @throws whatever is not an error of the disk
 */
export async function keepDump(
  vmcores: Pick<VmcoreStore, 'writeVmcore'>,
  handle: PartitionHandle,
  dump: FoundDump,
  ahead?: DumpAhead,
): Promise<KeptDump> {
  let stored: StoredVmcore;
  try {
    stored =
      (await ahead?.finish(dump.bytes)) ??
      (await vmcores.writeVmcore(readDump(handle, dump), dump.bytes, { keepPart: true }));
  } catch (error) {
    const disk = diskErrorOf(error);
    if (disk === undefined) throw error;
    return { vmcore: null, loss: lossOf(disk, `nothing of the vmcore's ${sizeText(dump.bytes)} is stored`) };
  }
  const { bytes, sha256, cut } = stored;
  const isWhole = dump.complete && cut === undefined;
  const vmcore = { bytes, format: dump.format, sha256, ...(isWhole ? {} : { incomplete: true }) };
  if (cut === undefined) return { stored, vmcore };
  return {
    stored,
    vmcore,
    loss: lossOf(cut, `${sizeText(bytes)} of the vmcore's ${sizeText(dump.bytes)} are stored`),
  };
}

export function lossOf(error: DiskError, what: string): Loss {
  return { error, text: `${error.message}: ${what}` };
}
