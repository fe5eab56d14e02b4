/** Looks for a dump on a disk, in a thread of its own: what lies there may be anything (reading/). */

import { checkDump } from '../../vmcore/reader/index.ts';
import { serveReadings } from '../reading/index.ts';
import { diskSource } from './disk-source.ts';
import type { DiskToCheck, DumpFacts } from './dump-device.ts';

/** More problems than this say nothing more. */
const LISTED = 16;

serveReadings(async (machine, { disk, bytes }: DiskToCheck): Promise<DumpFacts> => {
  const source = diskSource(bytes, (offset, length) => machine.readDiskNow(disk, offset, length));
  const { ranges: _ranges, problems, ...facts } = checkDump(source);
  return { ...facts, problems: problems.slice(0, LISTED) };
});
