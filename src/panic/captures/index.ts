/** What crashes leave in the stores. */

export type { CapturesOptions, CrashOutcome, VmcoreSource } from './captures.ts';
export { Captures } from './captures.ts';
