/** What one crash of a night is: a machine, what its guest goes through, and how it then crashes. A seed and a number give it. */

import type { Trigger } from '../../src/panic/contract/index.ts';
import { below, seededRandom } from '../../test/support/seeded-random.ts';
import { CRASHING, HANGING, type ModuleName } from './modules.ts';

/** What a guest goes through before it crashes. `oops`: of a module, which the kernel survives. */
export type Step =
  | { readonly kind: 'kexec' }
  | { readonly kind: 'cpu'; readonly cpu: number; readonly online: boolean }
  | { readonly kind: 'oops' };

/** How it crashes: asked for; or by itself, by a line in its shell, by a module, or because a module hangs and the watchdog sees it. */
export type Way =
  | { readonly kind: 'asked'; readonly trigger: Trigger; readonly onCpu: number }
  | { readonly kind: 'shell' }
  | { readonly kind: 'module' | 'hang'; readonly module: ModuleName };

/** What becomes of the crash kernel: it is there; it was unloaded; it panics before it has found its dump device. */
export type CrashKernel = 'loaded' | 'unloaded' | 'panics';

export type NightPlan = {
  readonly n: number;
  readonly processor: 'power8' | 'power9';
  readonly mmu: 'hash' | 'radix';
  readonly cpus: number;
  readonly threads: number;
  readonly append: string;
  readonly dump: string;
  readonly steps: readonly Step[];
  readonly way: Way;
  readonly crashKernel: CrashKernel;
};

const MACHINES = [
  { processor: 'power8', mmu: 'hash' },
  { processor: 'power9', mmu: 'radix' },
  { processor: 'power9', mmu: 'hash' },
] as const;
/** CPUs and threads of a core. */
const SIZES = [
  [1, 1],
  [2, 1],
  [2, 2],
  [4, 1],
  [4, 2],
  [4, 4],
] as const;
const APPENDS = ['', '', 'mem=768M', 'crash_kexec_post_notifiers', 'panic=5'];
const DUMPS = ['raw', '-l -d 31', '-l -d 1'];
const TRIGGERS: readonly Trigger[] = ['sysrq', 'nmi', 'panic', 'echo'];
const CRASH_KERNELS: readonly CrashKernel[] = [...Array<'loaded'>(10).fill('loaded'), 'unloaded', 'panics'];
const MOST_STEPS = 3;
/** Numbers of crashes lie this far apart in the seeds, so that nights with neighbouring seeds share none. */
const STRIDE = 1_000_003;

export function planOf(seed: number, n: number): NightPlan {
  const random = seededRandom(seed * STRIDE + n);
  const pick = <T>(of: readonly T[]): T => of[below(random, of.length)] as T;
  const machine = pick(MACHINES);
  const [cpus, threads] = pick(SIZES);
  const online = new Set(Array.from({ length: cpus }, (_, cpu) => cpu));
  const steps = Array.from({ length: below(random, MOST_STEPS + 1) }, (): Step => {
    const kind = pick(['kexec', 'cpu', 'cpu', 'oops'] as const);
    if (kind === 'kexec') for (let cpu = 0; cpu < cpus; cpu++) online.add(cpu);
    if (kind !== 'cpu' || cpus === 1) return { kind: kind === 'cpu' ? 'oops' : kind };
    // The first CPU stays: something must read the terminal.
    const cpu = 1 + below(random, cpus - 1);
    const wasOnline = online.delete(cpu);
    if (!wasOnline) online.add(cpu);
    return { kind, cpu, online: !wasOnline };
  });
  const onCpu = pick([...online]);
  // A CPU that hangs alone is seen by no other.
  const kind = pick([
    'asked',
    'asked',
    'shell',
    'module',
    'module',
    online.size > 1 ? 'hang' : 'shell',
  ] as const);
  const way = wayOf(kind, onCpu, pick);
  const crashKernel = pick(CRASH_KERNELS);
  return { n, ...machine, cpus, threads, append: pick(APPENDS), dump: pick(DUMPS), steps, way, crashKernel };
}

function wayOf(kind: Way['kind'], onCpu: number, pick: <T>(of: readonly T[]) => T): Way {
  switch (kind) {
    case 'asked':
      return { kind, trigger: pick(TRIGGERS), onCpu };
    case 'shell':
      return { kind };
    case 'module':
      return { kind, module: pick(CRASHING) };
    case 'hang':
      return { kind, module: HANGING };
  }
}

/** CPUs that are online after the steps. */
export function onlineAfter({ cpus, steps }: NightPlan): ReadonlySet<number> {
  const online = new Set(Array.from({ length: cpus }, (_, cpu) => cpu));
  for (const step of steps) {
    if (step.kind === 'kexec') for (let cpu = 0; cpu < cpus; cpu++) online.add(cpu);
    else if (step.kind === 'cpu') {
      if (step.online) online.add(step.cpu);
      else online.delete(step.cpu);
    }
  }
  return online;
}

/** In a few words. */
export function describePlan({
  processor,
  mmu,
  cpus,
  threads,
  append,
  dump,
  steps,
  way,
  crashKernel,
}: NightPlan): readonly string[] {
  const before = steps.map((step) =>
    step.kind === 'cpu' ? `CPU ${step.cpu} ${step.online ? 'online' : 'offline'}` : step.kind,
  );
  return [
    `${processor} ${mmu}, ${cpus} × ${threads}`,
    append,
    before.join(', '),
    describeWay(way),
    crashKernel === 'loaded'
      ? dump
      : `${dump}, the crash kernel ${crashKernel === 'panics' ? 'panics' : 'is unloaded'}`,
  ];
}

function describeWay(way: Way): string {
  switch (way.kind) {
    case 'asked':
      return `${way.trigger} on CPU ${way.onCpu}`;
    case 'shell':
      return 'by itself: echo c in its shell';
    case 'module':
    case 'hang':
      return `by itself: module ${way.module}`;
  }
}
