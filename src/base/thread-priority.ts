/**
 * Has a thread yield to those that answer requests. Linux gives each thread a nice value of its own, and takes a thread's number
 * where a process's is asked for (setpriority(2), "C library/kernel differences"). Elsewhere it does nothing.
 */

import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Added to the nice value: against a thread of the usual value it gets a third of what it would get. */
export const YIELDING = 5;
const NICEST = 19;

/** The number of the calling thread; undefined where the system does not say. */
export function threadNumber(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Raises the nice value of the calling thread, once for its life: it cannot be lowered again. */
export function yieldToOthers(): void {
  const thread = threadNumber();
  if (thread !== undefined) setPriority(thread, Math.min(NICEST, getPriority(thread) + YIELDING));
}
