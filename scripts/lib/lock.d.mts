/** Types of lock.mjs, for the tests. */

export function withLock<T>(path: string, work: () => T): T;
export function isRunning(pid: number): boolean;
