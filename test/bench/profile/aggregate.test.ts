/** Samples and times of threads made by hand, and what they add up to. */

import { describe, expect, it } from 'vitest';
import { costsOf } from '../../../bench/profile/aggregate.ts';
import type { Phase } from '../../../bench/profile/phases.ts';
import type { CpuProfile } from '../../../bench/profile/record.ts';
import { cpuUntil, type ThreadTimes } from '../../../bench/profile/thread-times.ts';

const MS = 1e6;
const [MAIN, GUEST, COMPILER] = [10, 11, 12];

const INTERPRETER = 2;
const IDLE = 3;
const HYPERCALL = 4;
const NATIVE = 5;

/** Nodes as V8 gives them: `push`, which is native, is called by a hypercall. */
function profile(startMs: number, samples: readonly (readonly [number, number])[]): CpuProfile {
  const node = (id: number, functionName: string, url: string, children: readonly number[] = []) => ({
    id,
    callFrame: { functionName, url, lineNumber: 0 },
    children,
  });
  return {
    startTime: startMs * 1000,
    nodes: [
      node(1, '(root)', '', [INTERPRETER, IDLE, HYPERCALL]),
      node(INTERPRETER, 'run', 'wasm://wasm/interpreter-64-be-00'),
      node(IDLE, '(idle)', ''),
      node(HYPERCALL, 'enter', 'file:///a/dist/emulator/platform/hcall/hpt.js', [NATIVE]),
      node(NATIVE, 'push', ''),
    ],
    samples: samples.map(([, of]) => of),
    timeDeltas: samples.map(([at], i) => (at - (samples[i - 1]?.[0] ?? startMs)) * 1000),
  };
}

/** CPU time that grows from 0 at `from` to `cpuMs` at `to`. */
function times(name: string, from: number, to: number, cpuMs: number): ThreadTimes {
  return { name, at: [from * MS, to * MS], cpu: [0, cpuMs * MS] };
}

const place = (ms: number, insn: number): Phase['from'] => ({ at: ms * MS, insn });
const PHASES: readonly Phase[] = [
  { name: 'first', from: place(0, 0), to: place(100, 0) },
  { name: 'second', from: place(100, 0), to: place(200, 500) },
];

const THREADS = [
  {
    thread: GUEST,
    module: 'emulator/host/worker.js',
    began: 50 * MS,
    guest: { moments: [], counted: [] },
    profile: profile(50, [
      [60, INTERPRETER],
      [70, IDLE],
      [110, INTERPRETER],
      [120, INTERPRETER],
      [130, HYPERCALL],
      [140, NATIVE],
      [150, IDLE],
    ]),
  },
  {
    thread: MAIN,
    module: 'cli/main.js',
    began: 0,
    profile: profile(0, [
      [10, IDLE],
      [20, INTERPRETER],
      [150, IDLE],
    ]),
  },
];
const TIMES = new Map([
  [GUEST, times('WorkerThread', 0, 200, 100)],
  [MAIN, times('node', 0, 200, 2)],
  [COMPILER, times('node-V8Worker', 100, 200, 30)],
]);

describe('costsOf', () => {
  const costs = costsOf(PHASES, THREADS, TIMES);
  const msOf = (phase: number): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const { category, ms } of costs[phase]?.costs ?? []) sums[category] = (sums[category] ?? 0) + ms;
    return sums;
  };

  it('a thread’s time in a phase → divided as its samples there, idle ones left out', () => {
    expect(msOf(1)).toMatchObject({ interpreter: 24.5, hypercalls: 24.5 });
  });
  it('a native function → is its caller’s', () => {
    expect(costs[1]?.costs).toContainEqual({ category: 'hypercalls', name: 'push', ms: 12.25 });
  });
  it('time before a thread’s profile → starting', () => {
    expect(msOf(0)).toMatchObject({ starting: 25 });
  });
  it('samples of a thread that waits → the profiler’s, at the price that a thread shows which only waits', () => {
    // The main thread waits in the second phase: one sample, 1 ms.
    expect(msOf(1).profiler).toBeCloseTo(2);
    expect(msOf(0)).toMatchObject({ interpreter: 24, profiler: 2 });
  });
  it('a thread without a profile → has a category of its own', () => {
    expect(msOf(1)).toMatchObject({ 'v8-threads': 30 });
  });
  it('threads → by what they run', () => {
    expect([...(costs[1]?.threads ?? [])]).toEqual([
      ['emulator/host/worker.js', 49],
      ['cli/main.js', 0],
      ['node-V8Worker', 30],
    ]);
  });
  it('all phases → add up to the time of all threads, and the guest’s is known', () => {
    const sum = costs.flatMap((each) => each.costs).reduce((total, { ms }) => total + ms, 0);
    expect(sum).toBeCloseTo(132);
    expect(costs.map(({ guestMs }) => guestMs)).toEqual([49, 49]);
  });
});

describe('cpuUntil', () => {
  const thread = { at: [100 * MS, 120 * MS, 140 * MS], cpu: [4 * MS, 14 * MS, 14 * MS] };
  it.each([
    [50, 0],
    [90, 2],
    [100, 4],
    [110, 9],
    [130, 14],
    [500, 14],
  ])('%i ms → %i ms of CPU', (at, cpu) => {
    expect(cpuUntil(thread, at * MS)).toBe(cpu * MS);
  });
});
