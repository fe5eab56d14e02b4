/** One machine put together and run on the calling thread. */
export { parseMemorySpec, parseSize } from './memory-spec.ts';
export { hardwareId, Partition, type PartitionListener, type RunOutcome } from './partition.ts';
