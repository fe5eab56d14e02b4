/** One machine put together and run on the calling thread. */
export { hardwareId } from './machine/hardware.ts';
export { Partition } from './partition.ts';
