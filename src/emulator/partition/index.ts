/** One machine put together and run on the calling thread. */
export { hardwareId } from './machine/hardware.ts';
export { parseMemorySpec, parseSize } from './machine/memory-spec.ts';
export { checkSizes, MOST_MEMORY } from './machine/sizes.ts';
export { Partition } from './partition.ts';
