/** The matrix as docs/matrix.md has it. No wall times: they are noise; instructions are the same in every run. */

import { nameOf } from './combinations.ts';
import type { Row } from './row.ts';

const HEAD = [
  'machine',
  'CPUs',
  'on',
  'trigger',
  'outcome',
  'held',
  'broken',
  'open',
  'not applicable',
  'T0→T4',
  'stacks',
];

/** `N crashes: N captured, 0 rules broken, 0 not evaluated`; rules that were not reached only where there are any. */
export function summaryLine(rows: readonly Row[]): string {
  const count = (of: (row: Row) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
  const captured = rows.filter(({ outcome }) => outcome === 'captured').length;
  const broken = count((row) => row.broken.length);
  const notEvaluated = count((row) => row.notEvaluated.length);
  const notReached = count((row) => row.notReached.length);
  const more = notReached === 0 ? '' : `, ${notReached} not reached`;
  return `${rows.length} crashes: ${captured} captured, ${broken} rules broken, ${notEvaluated} not evaluated${more}`;
}

/** In how many dumps a debugger shows every CPU; undefined where none was asked. */
export function stacksLine(rows: readonly Row[]): string | undefined {
  const looked = rows.filter(({ stacks }) => stacks !== undefined);
  const whole = looked.filter(({ stacks, cpus }) => stacks?.whole === cpus).length;
  if (looked.length === 0) return undefined;
  return `${looked.length} dumps looked at: every CPU has its stack in ${whole}`;
}

/** Table, reasons, and what went wrong, if anything. */
export function matrixText(rows: readonly Row[]): string[] {
  const letters = reasonLetters(rows);
  const looked = stacksLine(rows);
  const lines = [HEAD, HEAD.map(() => '---'), ...rows.map((row) => cells(row, letters))];
  return [
    `**${summaryLine(rows)}**`,
    ...(looked === undefined ? [] : [`${looked}.`]),
    lines.map((line) => `| ${line.join(' | ')} |`).join('\n'),
    'Not applicable, and why:',
    [...letters].map(([reason, letter]) => reasonLine(rows, reason, letter)).join('\n'),
    ...failures(rows),
  ];
}

function cells(row: Row, letters: ReadonlyMap<string, string>): string[] {
  const { machine, cpus, on, trigger, outcome, stacks } = row;
  const open = [...row.notReached, ...row.notEvaluated];
  const why = [...letters].filter(([reason]) => row.notApplicable.some((each) => each.reason === reason));
  const applicableNot = row.notApplicable.length;
  return [
    machine.replace('-', ' '),
    String(cpus),
    String(on),
    trigger,
    outcome,
    String(row.held),
    row.broken.length === 0 ? '0' : row.broken.join(', '),
    open.length === 0 ? '0' : open.join(', '),
    applicableNot === 0 ? '0' : `${applicableNot} (${why.map(([, letter]) => letter).join('')})`,
    row.instructions === undefined ? '' : thousands(row.instructions),
    stacks === undefined ? '' : stacks.whole === cpus ? `${cpus} CPUs` : `${stacks.whole} of ${cpus} CPUs`,
  ];
}

/** Reasons get letters in the order in which they are met. */
function reasonLetters(rows: readonly Row[]): ReadonlyMap<string, string> {
  const letters = new Map<string, string>();
  for (const { notApplicable } of rows)
    for (const { reason } of notApplicable)
      if (!letters.has(reason)) letters.set(reason, letterOf(letters.size));
  return letters;
}

/** a … z, then A … Z: there are fewer reasons than rules. */
function letterOf(n: number): string {
  return String.fromCharCode(n < 26 ? 0x61 + n : 0x41 + n - 26);
}

function reasonLine(rows: readonly Row[], reason: string, letter: string): string {
  const with_ = rows.filter(({ notApplicable }) => notApplicable.some((each) => each.reason === reason));
  const names = new Set(
    with_.flatMap(({ notApplicable }) =>
      notApplicable.filter((each) => each.reason === reason).map(({ name }) => `\`${name}\``),
    ),
  );
  const where = with_.length === rows.length ? 'all' : `${with_.length}`;
  return `- **${letter}** (${where}) ${[...names].join(', ')}: ${reason}`;
}

function failures(rows: readonly Row[]): string[] {
  const lines = rows.flatMap((row) => (row.reason === undefined ? [] : [`- ${nameOf(row)}: ${row.reason}`]));
  return lines.length === 0 ? [] : ['What went wrong:', lines.join('\n')];
}

function thousands(n: number): string {
  return String(n).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
