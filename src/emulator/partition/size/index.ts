/** Sizes of a machine: how they are written, and which can be. It needs nothing of the machine itself, so that a command is not kept waiting for that. */
export { ARENA_OVERHEAD, checkSizes, MOST_MEMORY } from './check.ts';
export { parseMemorySpec, parseSize } from './memory-spec.ts';
