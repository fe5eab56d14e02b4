/** Stores captures. */

export type { VmcoreSource } from './captures.ts';
export { Captures } from './captures.ts';
