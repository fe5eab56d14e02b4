/**
 * `npm run torture -- MODE [--times N] [--seed S] [--keep]`: does to a daemon what a bad day does, checks that it holds, and
 * prints a table. Modes: `kill` kills it, `power` cuts its power, `full` fills its disk, `broken` breaks its disk. Ends with 1 where
 * something did not hold; then its folder is kept.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildDaemon } from './guests/our-daemon.ts';
import { commit } from './lib/facts.ts';
import { table } from './lib/report.ts';
import { breakTimes, fillTimes } from './soak/disk-faults.ts';
import { type Counts, Findings } from './soak/findings.ts';
import { killTimes } from './soak/kill.ts';
import { cutTimes } from './soak/power.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    times: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
});

const log = (text: string): void =>
  void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
const [mode = ''] = positionals;
const findings = new Findings(log);
const folder = mkdtempSync(join(tmpdir(), `kdumpd-torture-${mode}-`));
const options = { folder, times: Number(values.times), seed: Number(values.seed), findings, log };
const MODES: Readonly<Record<string, (each: typeof options) => Promise<Counts>>> = {
  kill: killTimes,
  power: cutTimes,
  full: fillTimes,
  broken: breakTimes,
};
const torture = MODES[mode];
if (torture === undefined || positionals.length !== 1)
  throw new Error(`npm run torture -- ${Object.keys(MODES).join('|')} [--times N] [--seed S] [--keep]`);

const begun = performance.now();
await buildDaemon();
const counts = await torture(options);
const rows = [
  ...counts.rows.map(([what, count]) => [what, `${count}`]),
  ['seconds', `${Math.round((performance.now() - begun) / 1000)}`],
  ['broken', `${findings.all.length}`],
];
process.stdout.write(`torture ${mode}, ${values.times} times, seed ${values.seed}, commit ${commit()}\n\n`);
process.stdout.write(`${table(['what', 'count'], rows)}\n`);
for (const { where, what } of findings.all) process.stdout.write(`BROKEN at ${where}: ${what}\n`);
if (findings.all.length > 0 || values.keep) process.stdout.write(`everything is kept in ${folder}\n`);
else rmSync(folder, { recursive: true, force: true });
process.exitCode = findings.all.length > 0 ? 1 : 0;
