/** Parses what a guest made in threads of its own (docs/guest-cost.md). */

export type { MachineReads } from './protocol.ts';
export { orFailure, ReadingFailure, ReadingThreads } from './reading-threads.ts';
export { serveReadings } from './serve.ts';
