/**
 * `npm run night [-- --crashes N] [--seed S] [--from N] [--out FILE]`: crashes of stock Debian in random order: by sysrq, system reset, oopses of a module and from a shell,
 * after CPUs went and came, oopses that the kernel survived and chains of kexecs, with memory limits and post notifiers, by faults, machine checks and hangs of modules, and with crash
 * kernels that are unloaded or panic. Each verdict is compared with what was done and with
 * drgn. Writes docs/night.md; ends with 1 where something is refuted or a rule is broken. A seed and a number repeat a crash:
 * `--seed S --from N --crashes 1`. KDUMPD_IMAGES names the folder that has the image `debian`.
 */

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { failureText } from '../src/base/failure-text.ts';
import { commit, machineFacts } from './lib/facts.ts';
import { table } from './lib/report.ts';
import { crashOf, type NightRow } from './night/crash.ts';
import { describePlan, planOf } from './night/plan.ts';

const { values } = parseArgs({
  options: {
    crashes: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '1' },
    rows: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, '..', 'docs', 'night.md') },
  },
});
const [crashes, seed, from] = [Number(values.crashes), Number(values.seed), Number(values.from)];
if (![crashes, seed, from].every(Number.isSafeInteger))
  throw new Error('--crashes, --seed and --from take numbers');

/** Rows of this night that an earlier run left in the file of `--rows`. */
const rows: NightRow[] =
  values.rows !== undefined && existsSync(values.rows)
    ? readFileSync(values.rows, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as NightRow)
    : [];
for (let n = from; n < from + crashes; n++) {
  if (rows.some((row) => row.n === n)) continue;
  const plan = planOf(seed, n);
  const row = await crashOf(plan).catch(
    (error: unknown): NightRow => ({
      n,
      plan: describePlan(plan),
      outcome: 'failed',
      phase: 'before',
      reason: failureText(error),
      broken: [],
      open: [],
      refuted: ['it did not come to the crash'],
    }),
  );
  rows.push(row);
  if (values.rows !== undefined) appendFileSync(values.rows, `${JSON.stringify(row)}\n`);
  process.stderr.write(
    `${n}: ${row.plan.join(' | ')} → ${[row.outcome, row.phase, row.reason, ...row.broken, ...row.refuted].filter(Boolean).join('; ')}\n`,
  );
  writeFileSync(values.out, page());
}
process.exitCode = rows.every(isGood) ? 0 : 1;

function isGood({ broken, refuted }: NightRow): boolean {
  return broken.length === 0 && refuted.length === 0;
}

function page(): string {
  const good = rows.filter(isGood).length;
  const open = new Map<string, number>();
  for (const note of rows.flatMap((row) => row.open)) open.set(note, (open.get(note) ?? 0) + 1);
  const cells = (row: NightRow): string[] => [
    String(row.n),
    ...row.plan,
    row.outcome === 'captured' ? 'captured' : `${row.outcome} in ${row.phase}: ${row.reason ?? ''}`,
    [...row.broken.map((each) => `broken: ${each}`), ...row.refuted].join('; '),
  ];
  return [
    '# A night of crashes',
    `Written by \`npm run night\`; do not edit. Crashes of stock Debian in random order, each after what its row says; every verdict is compared with what was done to the guest (the CPU that
crashed, the CPUs that were online, whether it was asked for, whether there was a crash kernel) and with drgn, which opens the dump. \`npm run night -- --seed ${seed} --from N --crashes 1\` repeats crash N.`,
    `Seed ${seed}, ${rows.length} crashes at commit ${commit()}; ${machineFacts()}. No rule broken, and nothing refuted: ${good}.`,
    '## Not evaluated',
    open.size === 0
      ? 'Every rule was evaluated in every crash, or does not apply.'
      : table(
          ['rule and reason', 'crashes'],
          [...open].map(([note, count]) => [escaped(note), String(count)]),
        ),
    '## The crashes',
    table(
      [
        'crash',
        'machine, CPUs × threads',
        'added to the command line',
        'before',
        'crash',
        'dump',
        'outcome',
        'remarks',
      ],
      rows.map((row) => cells(row).map(escaped)),
    ),
  ]
    .join('\n\n')
    .concat('\n');
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
