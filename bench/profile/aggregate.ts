/**
 * Adds up a run: CPU milliseconds of each thread in each phase, divided among functions as its samples are. The times are
 * Linux's; the samples say only what share each function has of a thread's time in a phase. A thread that waits is interrupted for each
 * sample, which costs it time as well: what that is, phases show in which a thread did nothing but wait.
 */

import { type Category, type Meaning, meaningOf, placeOf } from './categories.ts';
import type { Phase } from './phases.ts';
import type { CpuProfile, Nanoseconds, ThreadRecord } from './record.ts';
import { cpuUntil, type ThreadTimes } from './thread-times.ts';

export type Cost = { readonly category: Category; readonly name: string; readonly ms: number };

/** `guestMs`: of the partition's thread. `threads`: milliseconds by what the threads run, the profiler left out. */
export type PhaseCosts = {
  readonly costs: readonly Cost[];
  readonly guestMs: number;
  readonly threads: ReadonlyMap<string, number>;
};

type Sampled = Omit<ThreadRecord, 'storing' | 'processCpuUs'>;

export function costsOf(
  phases: readonly Phase[],
  threads: readonly Sampled[],
  times: ReadonlyMap<number, ThreadTimes>,
): readonly PhaseCosts[] {
  const records = new Map(threads.map((thread) => [thread.thread, { ...thread, ...readSamples(thread) }]));
  const stretches = phases.map(({ from, to }) =>
    [...times].map(([id, thread]) => stretchOf(records.get(id), thread, from.at, to.at)),
  );
  const waitMs = costOfWaiting(stretches.flat());
  return stretches.map((all) => {
    const costs = all.flatMap((stretch) => costsOfStretch(stretch, waitMs));
    const byThread = new Map<string, number>();
    let guestMs = 0;
    for (const stretch of all) {
      const own = costsOfStretch(stretch, waitMs).filter(({ category }) => category !== 'profiler');
      const ms = own.reduce((sum, each) => sum + each.ms, 0);
      const name = stretch.record?.module ?? stretch.name;
      byThread.set(name, (byThread.get(name) ?? 0) + ms);
      if (stretch.record?.guest !== undefined) guestMs += ms;
    }
    return { costs: merged(costs), guestMs, threads: byThread };
  });
}

/** A thread in a phase. */
type Stretch = {
  readonly name: string;
  /** Absent: it has no profile. */
  readonly record: Sampled | undefined;
  /** CPU milliseconds before and since its profile began. */
  readonly startMs: number;
  readonly ms: number;
  /** Samples in which it used a processor, and how many others there were. */
  readonly busy: readonly Sample[];
  readonly waits: number;
};

function stretchOf(
  record: (Sampled & Samples) | undefined,
  thread: ThreadTimes,
  from: Nanoseconds,
  to: Nanoseconds,
): Stretch {
  const ms = (after: Nanoseconds, until: Nanoseconds): number =>
    (cpuUntil(thread, until) - cpuUntil(thread, after)) / 1e6;
  const began = Math.min(Math.max(record?.began ?? from, from), to);
  const isThere = (at: Nanoseconds): boolean => at >= began && at < to;
  return {
    name: thread.name,
    record,
    startMs: ms(from, began),
    ms: ms(began, to),
    busy: record?.busy.filter(({ at }) => isThere(at)) ?? [],
    waits: record?.waits.filter(isThere).length ?? 0,
  };
}

/** CPU milliseconds that a sample costs a thread that waits. */
function costOfWaiting(stretches: readonly Stretch[]): number {
  const waiting = stretches.filter(({ busy, waits }) => busy.length === 0 && waits > 0);
  const samples = waiting.reduce((sum, { waits }) => sum + waits, 0);
  return samples === 0 ? 0 : waiting.reduce((sum, { ms }) => sum + ms, 0) / samples;
}

function costsOfStretch(
  { name, record, startMs, ms, busy, waits }: Stretch,
  waitMs: number,
): readonly Cost[] {
  const before: Cost = { category: 'starting', name: 'before the profile', ms: startMs };
  if (record === undefined) return [before, { ...withoutProfile(name), ms }];
  if (busy.length === 0 && waits === 0) return [before, { category: 'unsampled', name: 'no sample', ms }];
  const waitingMs = busy.length === 0 ? ms : Math.min(ms, waits * waitMs);
  return [
    before,
    { category: 'profiler', name: 'samples of threads that wait', ms: waitingMs },
    ...busy.map(({ of }) => ({ ...of, ms: (ms - waitingMs) / busy.length })),
  ];
}

/** Adds up costs of the same function. */
export function merged(costs: readonly Cost[]): readonly Cost[] {
  const sums = new Map<string, Cost>();
  for (const { category, name, ms } of costs) {
    if (ms === 0) continue;
    const key = `${category} ${name}`;
    sums.set(key, { category, name, ms: ms + (sums.get(key)?.ms ?? 0) });
  }
  return [...sums.values()].sort((a, b) => b.ms - a.ms);
}

type Sample = { readonly at: Nanoseconds; readonly of: Omit<Cost, 'ms'> };
type Samples = { readonly busy: readonly Sample[]; readonly waits: readonly Nanoseconds[] };

function readSamples({ profile }: Sampled): Samples {
  const busy: Sample[] = [];
  const waits: Nanoseconds[] = [];
  if (profile === undefined) return { busy, waits };
  const meanings = meaningsOf(profile);
  let us = profile.startTime;
  profile.samples.forEach((node, i) => {
    us += profile.timeDeltas[i] ?? 0;
    const of = meanings.get(node);
    if (of === undefined) waits.push(us * 1000);
    else busy.push({ at: us * 1000, of });
  });
  return { busy, waits };
}

/** What a sample at each node is for; none for a thread that waits. */
function meaningsOf({ nodes }: CpuProfile): ReadonlyMap<number, Omit<Cost, 'ms'>> {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const meaning = (id: number | undefined): Meaning => {
    const node = id === undefined ? undefined : byId.get(id);
    if (node === undefined) return 'other';
    const own = meaningOf(node.callFrame);
    return own === undefined || own === 'caller' ? meaning(parents.get(node.id)) : own;
  };
  const found = new Map<number, Omit<Cost, 'ms'>>();
  for (const { id, callFrame } of nodes) {
    const category = meaning(id);
    if (category === 'waiting' || category === 'caller') continue;
    const place = placeOf(callFrame);
    const name = callFrame.url === '' ? place : `${callFrame.functionName || '(anonymous)'} ${place}`;
    found.set(id, { category, name });
  }
  return found;
}

/** Threads that run no JavaScript, by the names that Node.js and V8 give them. */
function withoutProfile(name: string): Omit<Cost, 'ms'> {
  if (name.startsWith('v8:Prof') || name === 'SignalInspector') return { category: 'profiler', name };
  if (/V8Worker|DelayedTask/.test(name)) return { category: 'v8-threads', name };
  if (name.startsWith('libuv')) return { category: 'libuv-threads', name };
  return { category: 'other', name: `thread ${name}` };
}
