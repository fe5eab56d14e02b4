/**
 * `npm run matrix [-- OPTIONS]`: crashes of every machine on every CPU by every trigger, as `kdumpd crash` runs them, and
 * docs/matrix.md, one row a crash. Ends with 1 unless each is captured, with no rule broken or left open, and the stacks of
 * all its CPUs are whole. CONTRIBUTING.md lists the options.
 */

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_DATA } from '../src/cli/arguments.ts';
import { MAXIMUM_CPUS } from '../src/panic/contract/index.ts';
import { commit, needProgram } from './lib/facts.ts';
import { updateSections } from './lib/report.ts';
import {
  combinations,
  defaultSelection,
  IMAGES,
  listOf,
  MACHINES,
  nameOf,
  numbersOf,
  onOf,
  share,
  TRIGGERS,
} from './matrix/combinations.ts';
import { isGood, type Row } from './matrix/row.ts';
import { matrixText, stacksLine, summaryLine } from './matrix/table.ts';
import { runAll } from './matrix/workers.ts';

const { values } = parseArgs({
  options: {
    image: { type: 'string', default: 'built-in' },
    data: { type: 'string', default: DEFAULT_DATA },
    processors: { type: 'string' },
    cpus: { type: 'string' },
    on: { type: 'string' },
    triggers: { type: 'string' },
    only: { type: 'string' },
    memory: { type: 'string' },
    dump: { type: 'string' },
    debuginfo: { type: 'string' },
    rows: { type: 'string' },
    workers: { type: 'string', default: '2' },
    out: { type: 'string', default: join(import.meta.dirname, '..', 'docs', 'matrix.md') },
  },
});

const HEAD = `# Crashes of every machine

Written by \`npm run matrix\`; do not edit. One row a crash, run as \`kdumpd crash\` runs it. *on* is the CPU that panics, by
the trigger. *held* and *broken* are rules of [rules.md](rules.md); *open* are those that were not reached or not evaluated; letters
say why rules are not applicable, below the table. *T0→T4* are instructions of all CPUs from the trigger to the end of the
dump, the same in every run. *stacks*: CPUs of the dump whose stack a debugger shows whole and with names.`;

const TITLES = {
  'built-in': 'The built-in guest',
  debian: 'Stock Debian',
} as const;

/** How each guest is run. */
const RUN = {
  'built-in': { memory: '256M', dump: 'raw', debugger: 'gdb-multiarch with `guest/prebuilt/kernel.elf`' },
  debian: { memory: '1G', dump: '-l -d 31', debugger: '`docs/drgn-stack.py`' },
} as const;

const image = listOf('--image', values.image, IMAGES)[0] ?? 'built-in';
const standard = defaultSelection(image);
const { processors, cpus, on, triggers, only, rows: rowsFile, debuginfo } = values;
const selected = combinations(image, {
  machines: processors === undefined ? standard.machines : listOf('--processors', processors, MACHINES),
  cpus: cpus === undefined ? standard.cpus : numbersOf('--cpus', cpus, 1, MAXIMUM_CPUS),
  on: on === undefined ? standard.on : onOf(on),
  triggers: triggers === undefined ? standard.triggers : listOf('--triggers', triggers, TRIGGERS),
});
if (debuginfo !== undefined && !existsSync(debuginfo))
  throw new Error(`--debuginfo ${debuginfo}: no such file`);
if (image === 'built-in') needProgram('gdb-multiarch');
const memory = values.memory ?? RUN[image].memory;
const dump = values.dump ?? RUN[image].dump;
const [processes = 2] = numbersOf('--workers', values.workers, 1, 64);

/** Rows of this commit, this guest and these options that an earlier run left in the file of `--rows`. */
const stamp = `Commit ${commit()}; ${memory} of memory, dump ${dump}.`;
const done = new Map<string, Row>();
if (rowsFile !== undefined && existsSync(rowsFile)) {
  for (const line of readFileSync(rowsFile, 'utf8').split('\n').filter(Boolean)) {
    const kept: { readonly stamp: string; readonly row: Row } = JSON.parse(line);
    if (kept.stamp === stamp) done.set(nameOf(kept.row), kept.row);
  }
}

const log = (text: string): void => void process.stderr.write(`${text}\n`);
const wanted = (only === undefined ? selected : share(selected, only)).filter(
  (each) => !done.has(nameOf(each)),
);
let count = 0;
await runAll(
  wanted.map((combination) => ({
    combination,
    data: values.data,
    memory,
    dump,
    ...(debuginfo === undefined ? {} : { debuginfo }),
  })),
  processes,
  (row) => {
    done.set(nameOf(row), row);
    if (rowsFile !== undefined) appendFileSync(rowsFile, `${JSON.stringify({ stamp, row })}\n`);
    count += 1;
    const what = isGood(row)
      ? 'good'
      : `NOT GOOD: ${summaryLine([row])}${row.reason === undefined ? '' : `: ${row.reason}`}`;
    log(`${count} of ${wanted.length}: ${nameOf(row)}: ${what}`);
  },
);

const rows = selected.flatMap((each) => done.get(nameOf(each)) ?? []);
updateSections(values.out, HEAD, IMAGES, [
  {
    name: image,
    title: TITLES[image],
    text: [
      `${stamp}${stacksLine(rows) === undefined ? '' : ` Stacks by ${RUN[image].debugger}.`}`,
      ...(rows.length === selected.length ? [] : [`${rows.length} of ${selected.length} combinations.`]),
      ...matrixText(rows),
    ],
  },
]);
log(`written: ${values.out}`);
for (const line of [stacksLine(rows), summaryLine(rows)])
  if (line !== undefined) process.stdout.write(`${line}\n`);
process.exitCode = rows.length > 0 && rows.every(isGood) ? 0 : 1;
