/** What crashes leave in the stores. */

export type { VmcoreSource } from './captures.ts';
export { Captures } from './captures.ts';
