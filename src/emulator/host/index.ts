/** Partitions as the rest of the program drives them: one worker thread each. */

export type * from '../contract/index.ts';
export { openPartition } from './client.ts';
