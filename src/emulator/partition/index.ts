/** One machine put together and run on the calling thread. */
export { hardwareId } from './hardware.ts';
export type { RunOutcome } from './life.ts';
export { parseMemorySpec, parseSize } from './memory-spec.ts';
export { Partition, type PartitionListener } from './partition.ts';
