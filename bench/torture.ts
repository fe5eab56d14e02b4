/**
 * `npm run torture -- MODE [--times N] [--seed S] [--write] [--keep]`: does to a daemon what a bad day does, checks that it holds, and
 * prints a table. Modes: `kill` kills it, `power` cuts its power, `full` fills its disk, `broken` breaks its disk, `flips` changes bits of its databases. Ends with 1 where
 * something did not hold; its folder is then kept. `--write` puts the figures into docs/reliability.md.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { flipTimes } from '../test/panic/store/flips.ts';
import { buildDaemon } from './guests/our-daemon.ts';
import { commit, machineFacts } from './lib/facts.ts';
import { RELIABILITY_HEAD, RELIABILITY_SECTIONS } from './lib/reliability.ts';
import { table, updateSections } from './lib/report.ts';
import { breakTimes, fillTimes } from './soak/disk-faults.ts';
import { Counts, Findings } from './soak/findings.ts';
import { killTimes } from './soak/kill.ts';
import { cutTimes } from './soak/power.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    times: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

const log = (text: string): void =>
  void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
const [mode = ''] = positionals;
const findings = new Findings(log);
const folder = mkdtempSync(join(tmpdir(), `kdumpd-torture-${mode}-`));
const options = { folder, times: Number(values.times), seed: Number(values.seed), findings, log };
type Mode = {
  readonly run: (each: typeof options) => Promise<Counts>;
  readonly title: string;
  /** What is done and what must hold, for the page on reliability. */
  readonly text: string;
};
const MODES: Readonly<Record<string, Mode>> = {
  kill: {
    run: killTimes,
    title: 'kill -9',
    text: 'A daemon is killed at random instants of its start-up and of its work (crashes, deletions, imports), on one data folder. After each kill everything that was answered is there, every operation has ended, and nothing is left behind.',
  },
  power: {
    run: cutTimes,
    title: 'Power cuts',
    text: 'A daemon at work is recorded, and its power is cut at random points of the recording: writes that were not synchronised are lost, all or some sectors, and so are names of files. Everything that was answered by then is there, every vmcore whole, and a daemon starts.',
  },
  full: {
    run: fillTimes,
    title: 'A full disk',
    text: 'The disk fills at random writes of a daemon at work. It answers all the while, every operation ends, nothing that was stored is harmed, and when there is room again the next crash is captured.',
  },
  broken: {
    run: breakTimes,
    title: 'A broken disk',
    text: 'Random writes, reads and fsyncs of a daemon at work fail with EIO, once or for seconds. It answers all the while, every operation ends, nothing that was stored is harmed, and the next crash is captured.',
  },
  flips: {
    run: flipBits,
    title: 'Bits that change',
    text: 'One bit at a random place of chunks.db or metadata.db changes (by turns, each time of whole stores). Nothing is served as good that was not written. `harmless`: everything is read as before. All others are `found` by a verification: `healed` by a capture with the same bytes, `repaired` by `kdumpd store repair`, or `lost`, which is said of what was there.',
  },
};
async function flipBits({ folder, times, seed, findings }: typeof options): Promise<Counts> {
  const counts = new Counts();
  const tally = await flipTimes(folder, times, seed, (where, what) => findings.add(where, what));
  for (const [what, count] of Object.entries(tally)) counts.add(what, count);
  return counts;
}

const torture = MODES[mode];
if (torture === undefined || positionals.length !== 1)
  throw new Error(
    `npm run torture -- ${Object.keys(MODES).join('|')} [--times N] [--seed S] [--write] [--keep]`,
  );

const begun = performance.now();
await buildDaemon();
const counts = await torture.run(options);
const rows = [
  ...counts.rows.map(([what, count]) => [what, `${count}`]),
  ['seconds', `${Math.round((performance.now() - begun) / 1000)}`],
  ['broken', `${findings.all.length}`],
];
const stamp = `${values.times} times, seed ${values.seed}. Commit ${commit()}; ${machineFacts()}.`;
const counted = table(['what', 'count'], rows);
process.stdout.write(`torture ${mode}, ${stamp}\n\n${counted}\n`);
for (const { where, what } of findings.all) process.stdout.write(`BROKEN at ${where}: ${what}\n`);
if (values.write)
  updateSections(
    join(import.meta.dirname, '..', 'docs', 'reliability.md'),
    RELIABILITY_HEAD,
    RELIABILITY_SECTIONS,
    [
      {
        name: mode,
        title: torture.title,
        text: [
          `\`npm run torture -- ${mode}\`: ${stamp} ${torture.text}`,
          counted,
          ...findings.all.map(({ where, what }) => `Broken at ${where}: ${what}`),
        ],
      },
    ],
  );
if (findings.all.length > 0 || values.keep) process.stdout.write(`everything is kept in ${folder}\n`);
else rmSync(folder, { recursive: true, force: true });
process.exitCode = findings.all.length > 0 ? 1 : 0;
