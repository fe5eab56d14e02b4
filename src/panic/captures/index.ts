/** Stores captures. */

export type { VmcoreSource } from './captures.ts';
export { Captures } from './captures.ts';
export { Room } from './room.ts';
