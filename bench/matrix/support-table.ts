/** The table of kernels in docs/support.md: a row for each kernel, machine and way to dump, its runs with 1, 2 and 4 CPUs together. */

import { MACHINES } from './combinations.ts';
import type { Row } from './row.ts';

/** How each is dumped; the options of makedumpfile that Debian's kdump-tools use by default. */
export const DUMPS = { raw: 'raw', filtered: '-l -d 31' } as const;

/** A row and the commit that it was made at. */
export type SupportRow = Row & { readonly commit?: string };

const HEAD = ['kernel', 'machine', 'dump', 'CPUs', 'outcome', 'held', 'broken', 'not evaluated', 'drgn'];

/** The same crash has the same key, whatever commit it was run at. */
export function keyOf({ image, machine, cpus, dump }: Row): string {
  return [image, machine, dump ?? 'raw', cpus].join(' ');
}

/** Table, and the reasons. */
export function supportText(rows: readonly SupportRow[]): string[] {
  if (rows.length === 0) return ['No crash was run.'];
  const groups = new Map<string, SupportRow[]>();
  for (const row of [...rows].sort(byPlace)) {
    const key = cells(row).join(' | ');
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const lines = [HEAD, HEAD.map(() => '---'), ...[...groups.values()].map(groupCells)];
  const captured = rows.filter(({ outcome }) => outcome === 'captured').length;
  const commits = [...new Set(rows.flatMap(({ commit }) => commit ?? []))].sort();
  return [
    `**${rows.length} crashes: ${captured} captured.** At ${commits.length === 1 ? 'commit' : 'commits'} ${commits.join(', ')}.`,
    lines.map((line) => `| ${line.join(' | ')} |`).join('\n'),
    ...reasons(rows),
  ];
}

function groupCells(rows: readonly SupportRow[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const [kernel = '', machine = '', dump = '', ...others] = cells(first);
  return [kernel, machine, dump, rows.map(({ cpus }) => cpus).join(', '), ...others];
}

/** All that may be the same in runs with different CPUs; the count of rules that held is not among it where one CPU has fewer. */
function cells(row: SupportRow): string[] {
  const { image, kernelRelease, machine, dump, outcome, broken, notReached, notEvaluated, drgn } = row;
  const list = (names: readonly string[]): string => (names.length === 0 ? '0' : names.join(', '));
  return [
    kernelRelease === undefined ? image : `${kernelRelease} (\`${image}\`)`,
    machine.replace('-', ' '),
    `\`${dump ?? 'raw'}\``,
    outcome,
    String(row.held),
    list(broken),
    list([...notReached, ...notEvaluated]),
    drgn === undefined ? 'not asked' : drgn === 'opens' ? drgn : 'does not open',
  ];
}

/** Why rules are broken or not evaluated, crashes failed, and drgn did not open; each reason once, numbers aside. */
function reasons(rows: readonly SupportRow[]): string[] {
  const found = new Map<string, string>();
  const add = (what: string, reason: string, row: SupportRow): void => {
    const key = `${what} ${reason.replaceAll(/\d+/g, 'N')}`;
    if (!found.has(key)) found.set(key, `- ${what}: ${reason} (first in ${keyOf(row)})`);
  };
  for (const row of rows) {
    for (const { name, reason } of row.notes ?? []) add(`\`${name}\``, reason, row);
    if (row.reason !== undefined) add(row.outcome, row.reason, row);
    if (row.drgn !== undefined && row.drgn !== 'opens') add('drgn', row.drgn, row);
  }
  return found.size === 0 ? [] : ['What is not as it should be, and why:', [...found.values()].join('\n')];
}

function byPlace(a: SupportRow, b: SupportRow): number {
  const place = (row: SupportRow): string =>
    [
      row.kernelRelease ?? '',
      row.image,
      MACHINES.indexOf(row.machine),
      row.dump === 'raw' ? 0 : 1,
      row.cpus,
    ].join('\0');
  return place(a) < place(b) ? -1 : 1;
}
