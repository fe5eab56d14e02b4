/** Writes what runs of a crash showed as Markdown. */

import { table } from '../lib/report.ts';
import { type Cost, merged, type PhaseCosts } from './aggregate.ts';
import { CATEGORIES, type Category } from './categories.ts';
import { type CountGroup, groupsOf } from './count-groups.ts';
import type { Phase } from './phases.ts';

/** Functions that the page lists, and categories and functions of a phase. */
const LARGEST = 20;
const LARGEST_OF_PHASE = 5;
/** Counts of a group that are listed by name. */
const LARGEST_OF_GROUP = 12;

export type Measured = {
  readonly phases: readonly Phase[];
  readonly costs: readonly PhaseCosts[];
  /** CPU milliseconds of the process by its own account. */
  readonly processMs: number;
  /** What happened in each phase, by name, in the run that counts. */
  readonly counts: readonly ReadonlyMap<string, number>[];
  /** Phases in which the run that counts executed other numbers of instructions. */
  readonly differs: readonly string[];
};

export function reportText(measured: Measured): readonly string[] {
  return [
    '**Phases.** Columns below have their numbers.',
    phaseTable(measured),
    '**CPU milliseconds by thread**, the profiler left out. The modules are those of `dist/`.',
    threadTable(measured),
    '**CPU milliseconds by category.**',
    categoryTable(measured),
    '**The five largest categories of each phase**, in percent of it, the profiler left out.',
    largestTable(measured),
    '**The twenty largest functions**, by their own time.',
    functionTable(measured.costs.flatMap(({ costs }) => costs)),
    `**In \`other\`:** ${namesOf(measured, 'other')}. **In \`native\`:** ${namesOf(measured, 'native')}.`,
    '**Counts**, of a run of their own.',
    ...countTables(measured),
  ];
}

function phaseTable({ phases, costs, processMs }: Measured): string {
  const rows = phases.map(({ name, from, to }, i) => {
    const of = costs[i] as PhaseCosts;
    const instructions = to.insn - from.insn;
    return [
      `${i + 1}. ${name}`,
      whole(sum(of.costs)),
      whole(sum(of.costs.filter(({ category }) => category !== 'profiler'))),
      whole(of.guestMs),
      (instructions / 1e6).toFixed(1),
      instructions === 0 ? '' : whole(instructions / 1000 / of.guestMs),
    ];
  });
  const all = costs.flatMap((each) => each.costs);
  const guestMs = costs.reduce((total, each) => total + each.guestMs, 0);
  const instructions = (phases.at(-1)?.to.insn ?? 0) - (phases[0]?.from.insn ?? 0);
  rows.push([
    `**total** (the process by its own account: ${whole(processMs)} ms)`,
    whole(sum(all)),
    whole(sum(all.filter(({ category }) => category !== 'profiler'))),
    whole(guestMs),
    (instructions / 1e6).toFixed(1),
    whole(instructions / 1000 / guestMs),
  ]);
  const head = [
    'phase',
    'CPU ms',
    'without the profiler',
    'the partition’s thread',
    'million instructions',
    'MIPS',
  ];
  return table(head, rows);
}

function threadTable({ phases, costs }: Measured): string {
  const names = [...new Set(costs.flatMap(({ threads }) => [...threads.keys()]))];
  const rows = names
    .map((name) => ({ name, values: costs.map(({ threads }) => threads.get(name) ?? 0) }))
    .filter(({ values }) => total(values) >= 0.5)
    .sort((a, b) => total(b.values) - total(a.values))
    .map(({ name, values }) => [name, ...values.map(short), whole(total(values))]);
  return table(['thread', ...phases.map((_, i) => String(i + 1)), 'total'], rows);
}

function categoryTable({ phases, costs }: Measured): string {
  const sums = costs.map((each) => byCategory(each.costs));
  const totals = byCategory(costs.flatMap((each) => each.costs));
  const all = [...totals.values()].reduce((total, ms) => total + ms, 0);
  const rows = [...totals]
    .sort(([, a], [, b]) => b - a)
    .map(([category, ms]) => [
      CATEGORIES[category],
      ...sums.map((each) => short(each.get(category) ?? 0)),
      whole(ms),
      percent(ms, all),
    ]);
  const bottom = [
    '**sum**',
    ...sums.map((each) => whole([...each.values()].reduce((a, b) => a + b, 0))),
    whole(all),
    '',
  ];
  return table(['category', ...phases.map((_, i) => String(i + 1)), 'total', '%'], [...rows, bottom]);
}

function largestTable({ phases, costs }: Measured): string {
  const rows = phases.map(({ name }, i) => {
    const own = (costs[i] as PhaseCosts).costs.filter(({ category }) => category !== 'profiler');
    const all = sum(own);
    const largest = [...byCategory(own)].sort(([, a], [, b]) => b - a).slice(0, LARGEST_OF_PHASE);
    return [
      `${i + 1}. ${name}`,
      ...largest.map(([category, ms]) => `${CATEGORIES[category]} ${percent(ms, all)}`),
      ...new Array<string>(LARGEST_OF_PHASE - largest.length).fill(''),
    ];
  });
  return table(['phase', '1st', '2nd', '3rd', '4th', '5th'], rows);
}

function functionTable(costs: readonly Cost[]): string {
  const rows = merged(costs)
    .filter(({ name }) => !NO_FUNCTIONS.has(name))
    .slice(0, LARGEST)
    .map(({ name, category, ms }) => [`\`${name}\``, CATEGORIES[category], whole(ms)]);
  return table(['function', 'category', 'ms'], rows);
}

/** Threads without a profile, and what is no function. */
const NO_FUNCTIONS: ReadonlySet<string> = new Set([
  'before the profile',
  'no sample',
  'samples of threads that wait',
  'node-V8Worker',
  'v8:ProfEvntProc',
  'SignalInspector',
  'DelayedTaskSche',
  'libuv-worker',
]);

function namesOf({ costs }: Measured, of: Category): string {
  const largest = merged(costs.flatMap((each) => each.costs).filter(({ category }) => category === of)).slice(
    0,
    8,
  );
  return largest.map(({ name, ms }) => `\`${name}\` ${short(ms) || '<1'} ms`).join(', ') || 'nothing';
}

function countTables({ phases, counts, differs }: Measured): readonly string[] {
  const differing =
    differs.length === 0
      ? 'Both runs executed the same number of instructions in every phase.'
      : `The run that counts executed other numbers of instructions in: ${differs.join('; ')}.`;
  const head = (name: string): string[] => [name, ...phases.map((_, i) => String(i + 1)), 'total'];
  return [
    [differing, ...inRegions({ phases, counts })].join(' '),
    ...groupsOf(counts).map(({ title, rows }: CountGroup) => {
      const shown = rows.slice(0, LARGEST_OF_GROUP);
      const rest = rows.slice(LARGEST_OF_GROUP);
      const cells = shown.map(({ name, values }) => [name, ...values.map(grouped), grouped(total(values))]);
      if (rest.length > 0) {
        const values = phases.map((_, i) => total(rest.map((each) => each.values[i] ?? 0)));
        cells.push([`${rest.length} others`, ...values.map(grouped), grouped(total(values))]);
      }
      return table(head(title), cells);
    }),
  ];
}

/** What regions executed of all; nothing where none were compiled. */
function inRegions({ phases, counts }: Pick<Measured, 'phases' | 'counts'>): readonly string[] {
  const inside = counts.map((each) => each.get('instructions in regions') ?? 0);
  if (total(inside) === 0) return [];
  const shares = phases.map(
    ({ from, to }, i) => `${i + 1}: ${percent(inside[i] ?? 0, to.insn - from.insn) || '0 %'}`,
  );
  return [`Executed inside regions, of the instructions of each phase: ${shares.join(', ')}.`];
}

function byCategory(costs: readonly Cost[]): Map<Category, number> {
  const sums = new Map<Category, number>();
  for (const { category, ms } of costs) sums.set(category, (sums.get(category) ?? 0) + ms);
  return sums;
}

function sum(costs: readonly Cost[]): number {
  return total(costs.map(({ ms }) => ms));
}
function total(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0);
}
function whole(value: number): string {
  return value.toFixed(0);
}
/** Nothing for less than a half. */
function short(value: number): string {
  return value < 0.5 ? '' : whole(value);
}
function percent(part: number, of: number): string {
  return of === 0 ? '' : `${((100 * part) / of).toFixed(1)} %`;
}
/** Counts in thousands from a hundred thousand on. */
function grouped(count: number): string {
  if (count === 0) return '';
  return count < 100_000 ? String(count) : `${whole(count / 1000)} k`;
}
