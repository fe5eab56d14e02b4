/** Keeps digests of an ordinary kexec's image when it is loaded, and compares memory at T1 and at T2 with them. */

import type { InstantRecord, PartitionHandle } from '../../emulator/host/index.ts';
import type { LoadedSegment } from '../fidelity/index.ts';
import { compareHandover, digestSegments, findOwners } from '../fidelity/index.ts';
import type { HandoverReport } from '../trace/index.ts';
import { keptAt } from '../watch/index.ts';
import type { Prepared } from './prepare.ts';

/** Digests of the loaded image; undefined where none is loaded, or its pages cannot be found. */
export async function keepLoaded({
  image,
  readImage,
}: Prepared): Promise<readonly LoadedSegment[] | undefined> {
  return image === undefined || readImage === undefined
    ? undefined
    : await digestSegments(image.segments, readImage);
}

/** @param t1 what was kept at T1; @throws Error when the partition's worker dies */
export async function compareLoaded(
  handle: PartitionHandle,
  { recorder }: Prepared,
  loaded: readonly LoadedSegment[],
  t1: InstantRecord,
): Promise<HandoverReport> {
  const kept = await keptAt(handle, 't2', recorder.instants.t2);
  const { rtas, hypervisor } = findOwners(recorder.trace().image, t1);
  return await compareHandover({
    handle,
    loaded,
    ...(kept === undefined ? {} : { entered: kept.insn }),
    rtas,
    areas: hypervisor,
    nameOf: (nia, insn) => recorder.nameAt(nia, insn),
  });
}
