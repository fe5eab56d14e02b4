/** Lists the crashes of the matrix: machines × CPUs × the CPU that panics × triggers. */

import { MAXIMUM_CPUS } from '../../src/panic/contract/index.ts';

export const MACHINES = ['power8-hash', 'power9-radix', 'power9-hash'] as const;
export type Machine = (typeof MACHINES)[number];
export const TRIGGERS = ['sysrq', 'nmi', 'panic', 'echo'] as const;
export type MatrixTrigger = (typeof TRIGGERS)[number];
export const IMAGES = ['built-in', 'debian'] as const;
export type MatrixImage = (typeof IMAGES)[number];

/** One crash. CPUs are counted from 0. `dump` where dumps differ in a table. */
export type Combination = {
  readonly image: string;
  readonly dump?: string;
  readonly machine: Machine;
  readonly cpus: number;
  readonly on: number;
  readonly trigger: MatrixTrigger;
};

export type Selection = {
  readonly machines: readonly Machine[];
  readonly cpus: readonly number[];
  /** The CPUs that panic, where a machine has them; `all`: every one. */
  readonly on: 'all' | readonly number[];
  readonly triggers: readonly MatrixTrigger[];
};

/** What is run when nothing is said: Debian takes longer, and has no code that depends on which secondary it is. */
export function defaultSelection(image: MatrixImage): Selection {
  return {
    machines: MACHINES,
    cpus: [1, 2, 4, 8],
    on: image === 'built-in' ? 'all' : [0, 3],
    triggers: TRIGGERS,
  };
}

/** In the table's order. */
export function combinations(image: string, { machines, cpus, on, triggers }: Selection): Combination[] {
  return machines.flatMap((machine) =>
    cpus.flatMap((count) =>
      Array.from({ length: count }, (_, cpu) => cpu)
        .filter((cpu) => on === 'all' || on.includes(cpu))
        .flatMap((cpu) => triggers.map((trigger) => ({ image, machine, cpus: count, on: cpu, trigger }))),
    ),
  );
}

/** `N/M`: every M-th combination, the first of them the N-th. @throws Error for anything else */
export function share<T>(all: readonly T[], text: string): T[] {
  const [, part, parts] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const n = Number(part);
  const m = Number(parts);
  if (!(n >= 1 && n <= m)) throw new Error(`--only ${text}: expected N/M, 1 ≤ N ≤ M`);
  return all.filter((_, i) => i % m === n - 1);
}

/** Words of a list that are all among `known`. @throws Error that names the option */
export function listOf<T extends string>(option: string, text: string, known: readonly T[]): readonly T[] {
  return text.split(',').map((word) => {
    const found = known.find((each) => each === word);
    if (found === undefined) throw new Error(`${option} ${text}: ${word} is none of ${known.join(', ')}`);
    return found;
  });
}

/** Numbers of a list. @throws Error that names the option */
export function numbersOf(option: string, text: string, least: number, most: number): readonly number[] {
  return text.split(',').map((word) => {
    const number = /^\d+$/.test(word) ? Number(word) : Number.NaN;
    if (!(number >= least && number <= most))
      throw new Error(`${option} ${text}: ${word} is not from ${least} to ${most}`);
    return number;
  });
}

/** CPUs of `--on`. */
export function onOf(text: string): 'all' | readonly number[] {
  return text === 'all' ? text : numbersOf('--on', text, 0, MAXIMUM_CPUS - 1);
}

/** One line that names a combination: for progress, and to find its row again. */
export function nameOf({ image, machine, cpus, on, trigger, dump }: Combination): string {
  return `${image} ${machine} ${cpus} CPUs, ${trigger} on ${on}${dump === undefined ? '' : `, ${dump}`}`;
}
