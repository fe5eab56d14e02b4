/**
 * `npm run soak -- [--minutes N] [--seed S] [--no-times] [--write] [--keep]`: one daemon, a mixed fleet, clients and faults for so many minutes.
 * Prints progress on stderr and a table at the end, and ends with 1 where anything did not hold; its folder is then kept. `--write`
 * puts the figures into docs/reliability.md; `--no-times` shows times without judging them, for a machine that does other work.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildDaemon } from './guests/our-daemon.ts';
import { commit, machineFacts } from './lib/facts.ts';
import { RELIABILITY_HEAD, RELIABILITY_SECTIONS } from './lib/reliability.ts';
import { table, updateSections } from './lib/report.ts';
import { Findings } from './soak/findings.ts';
import { BOUNDS, memoryBound, soak } from './soak/soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    'no-times': { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed))
  throw new Error('npm run soak -- [--minutes N] [--seed S] [--no-times] [--write] [--keep]');

const log = (text: string): void =>
  void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
const findings = new Findings(log);
const folder = mkdtempSync(join(tmpdir(), 'kdumpd-soak-'));
await buildDaemon();
const result = await soak({
  folder,
  minutes,
  seed,
  findings,
  judgesTimes: !values['no-times'],
  log,
});

const mebi = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
const bounded = table(
  ['what', 'measured', 'bound'],
  [
    ['crash of a healthy guest, undisturbed (median)', `${result.calmCrashMs.toFixed(0)} ms`, ''],
    [
      'the same beside hostile guests',
      `${result.crashMs.toFixed(0)} ms, ${(result.crashMs / result.calmCrashMs).toFixed(2)} ×`,
      `${BOUNDS.slower} ×`,
    ],
    ['answers, median', `${result.p50.toFixed(1)} ms of ${result.answers}`, ''],
    ['answers, 99 of 100 within', `${result.p99.toFixed(0)} ms`, `${result.p99Bound.toFixed(0)} ms`],
    ['memory of the daemon with its guests', mebi(result.peaks.rss), mebi(memoryBound())],
    ['open files', `${result.peaks.files}`, `${BOUNDS.files}`],
    ['broken', `${findings.all.length}`, '0'],
  ],
);
const counted = table(
  ['what', 'count'],
  result.counts.rows.map(([what, count]) => [what, `${count}`]),
);
const stamp = `${minutes} minutes, seed ${seed}. Commit ${commit()}; ${machineFacts()}.`;
process.stdout.write(`${stamp}\n\n${bounded}\n\n${counted}\n`);
for (const { where, what } of findings.all) process.stdout.write(`BROKEN at ${where}: ${what}\n`);
if (values.write)
  updateSections(
    join(import.meta.dirname, '..', 'docs', 'reliability.md'),
    RELIABILITY_HEAD,
    RELIABILITY_SECTIONS,
    [
      {
        name: 'soak',
        title: 'A soak',
        text: [
          `\`npm run soak\`: ${stamp} Two healthy partitions and those that clients make crash all the time; beside them one hostile guest after another floods its terminals, makes unknown calls, has its disk move all its memory without end, spins or touches all its memory; clients read, download, stall, cancel, delete and send nonsense; and by the plan of the seed the daemon is killed and terminated, its disk fills or breaks, bits of what is stored change, and images are imported.`,
          bounded,
          counted,
          ...findings.all.map(({ where, what }) => `Broken at ${where}: ${what}`),
        ],
      },
    ],
  );
if (findings.all.length > 0 || values.keep) process.stdout.write(`everything is kept in ${folder}\n`);
else rmSync(folder, { recursive: true, force: true });
process.exitCode = findings.all.length > 0 ? 1 : 0;
