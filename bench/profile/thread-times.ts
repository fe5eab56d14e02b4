/** Follows the CPU time of each thread of a process from outside: Linux's /proc/PID/task/TID/schedstat. */

import { readdirSync, readFileSync } from 'node:fs';
import type { Nanoseconds } from './record.ts';

/** Milliseconds between two looks. What a thread does after the last one before its end is not seen. */
const EVERY_MS = 20;

/** CPU time of a thread, ascending; its name as Linux knows it. */
export type ThreadTimes = {
  name: string;
  readonly at: Nanoseconds[];
  readonly cpu: Nanoseconds[];
};

/** @returns ends it, and gives the times by the threads' numbers */
export function followThreads(pid: number): () => ReadonlyMap<number, ThreadTimes> {
  const threads = new Map<number, ThreadTimes>();
  const look = (): void => {
    for (const id of listed(pid)) {
      const read = timesOf(pid, id);
      if (read === undefined) continue;
      const at = Number(process.hrtime.bigint());
      const times = threads.get(id) ?? { name: '', at: [], cpu: [] };
      threads.set(id, times);
      times.name = read.name;
      times.at.push(at);
      times.cpu.push(read.cpu);
    }
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return () => {
    clearInterval(timer);
    look();
    return threads;
  };
}

/** CPU nanoseconds of a thread until an instant, between two looks in proportion. */
export function cpuUntil({ at, cpu }: Omit<ThreadTimes, 'name'>, instant: Nanoseconds): Nanoseconds {
  const next = at.findIndex((each) => each >= instant);
  if (next < 0) return cpu.at(-1) ?? 0;
  const [toAt, toCpu] = [at[next] as number, cpu[next] as number];
  // Before its first look it had begun, at a time that is not known.
  const [fromAt, fromCpu] =
    next === 0 ? [toAt - EVERY_MS * 1e6, 0] : [at[next - 1] as number, cpu[next - 1] as number];
  const share = Math.max(0, instant - fromAt) / (toAt - fromAt);
  return fromCpu + (toCpu - fromCpu) * share;
}

function listed(pid: number): readonly number[] {
  return ended(() => readdirSync(`/proc/${pid}/task`).map(Number)) ?? [];
}

function timesOf(
  pid: number,
  thread: number,
): { readonly name: string; readonly cpu: Nanoseconds } | undefined {
  return ended(() => {
    const folder = `/proc/${pid}/task/${thread}`;
    const cpu = Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]);
    return { name: readFileSync(`${folder}/comm`, 'utf8').trim(), cpu };
  });
}

/** Nothing where the thread or the process has ended meanwhile. */
function ended<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
