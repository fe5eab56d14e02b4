/** Stores captures. */

export type { VmcoreSource } from './captures.ts';
export { Captures, retainCaptured } from './captures.ts';
export type { DumpAhead } from './dump-ahead.ts';
export { Room } from './room.ts';
export { StoreKeeper } from './store-keeper.ts';
