/** Runs partitions for the rest of the program, each in a worker thread of its own. */

export type * from '../contract/index.ts';
export { VTY_INPUT_BYTES } from '../devices/index.ts';
export { openPartition } from './client.ts';
export { hostMemory } from './host-memory.ts';
export { ScratchSpace } from './scratch-space.ts';
export { SpareThread } from './spare-thread.ts';
