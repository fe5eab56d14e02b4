/** A real partition of a few instructions, asked as the owner of a worker asks. */

import { arraySource } from '../../../src/base/bytes.ts';
import type { Partition } from '../../../src/emulator/partition/index.ts';
import type { ExaminedPartition } from '../../../src/panic/fidelity/index.ts';
import type { FoundDump } from '../../../src/panic/guest/dump-device.ts';
import { checkDump } from '../../../src/vmcore/reader/index.ts';

/** @param dump what lies on disk 0 */
export function handleOf(partition: Partition, dump: Uint8Array = new Uint8Array(0)): ExaminedPartition {
  const disk = (offset: number, length: number): Uint8Array => {
    const out = new Uint8Array(length);
    out.set(dump.subarray(offset, offset + length));
    return out;
  };
  return {
    config: partition.config,
    instant: async (name) => partition.instant(name),
    readInstant: async (name, raddr, length) => partition.readInstant(name, raddr, length),
    readMemory: async (raddr, length) => partition.ram.read(raddr, length),
    changes: async (name, from) => partition.changes(name, from),
    compareDisk: async (name, raddr, length, _disk, offset) =>
      partition.differing(name, raddr, disk(offset, length)),
    readDisk: async (_disk, offset, length) => disk(offset, length),
  };
}

export function foundDump(bytes: Uint8Array): FoundDump {
  const check = checkDump(arraySource(bytes));
  if (check.format === 'unknown') throw new Error('the test made no dump');
  return { disk: 0, bytes: bytes.length, format: check.format, complete: check.complete, check };
}
