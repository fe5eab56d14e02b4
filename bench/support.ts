/**
 * `npm run support [-- OPTIONS]`: crashes of the kernels of several images, each on every machine with 1, 2 and 4 CPUs, dumped raw
 * and filtered, and their table in docs/support.md. A run may do a part, such as one image on one machine: the rows of all runs are
 * in docs/support-rows.jsonl, a newer row in the place of an older one, and the table is made of all of them. Ends with 1 where a
 * crash of this run was not captured. CONTRIBUTING.md lists the options.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_DATA } from '../src/cli/arguments.ts';
import { MAXIMUM_CPUS } from '../src/panic/contract/index.ts';
import { commit } from './lib/facts.ts';
import { updatePart } from './lib/report.ts';
import { combinations, listOf, MACHINES, nameOf, numbersOf, share } from './matrix/combinations.ts';
import { DUMPS, keyOf, type SupportRow, supportText } from './matrix/support-table.ts';
import { runAll } from './matrix/workers.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');
const { values } = parseArgs({
  options: {
    image: { type: 'string' },
    data: { type: 'string', default: DEFAULT_DATA },
    processors: { type: 'string', default: MACHINES.join() },
    cpus: { type: 'string', default: '1,2,4' },
    dumps: { type: 'string', default: 'raw,filtered' },
    only: { type: 'string' },
    memory: { type: 'string', default: '1G' },
    workers: { type: 'string', default: '1' },
    rows: { type: 'string', default: join(DOCS, 'support-rows.jsonl') },
    out: { type: 'string', default: join(DOCS, 'support.md') },
  },
});
const images = values.image?.split(',') ?? [];
const machines = listOf('--processors', values.processors, MACHINES);
const cpus = numbersOf('--cpus', values.cpus, 1, MAXIMUM_CPUS);
const dumps = listOf('--dumps', values.dumps, ['raw', 'filtered'] as const);
const [processes = 1] = numbersOf('--workers', values.workers, 1, 64);

const rows = new Map<string, SupportRow>();
if (existsSync(values.rows))
  for (const line of readFileSync(values.rows, 'utf8').split('\n').filter(Boolean)) {
    const row: SupportRow = JSON.parse(line);
    rows.set(keyOf(row), row);
  }

const all = images.flatMap((image) =>
  dumps.flatMap((dump) =>
    combinations(image, { machines, cpus, on: [0], triggers: ['sysrq'] }).map((each) => ({
      ...each,
      dump: DUMPS[dump],
    })),
  ),
);
const wanted = values.only === undefined ? all : share(all, values.only);
let count = 0;
let failed = 0;
await runAll(
  wanted.map((combination) => ({
    combination,
    data: values.data,
    memory: values.memory,
    dump: combination.dump,
    drgn: true,
  })),
  processes,
  (row) => {
    rows.set(keyOf(row), { ...row, commit: commit() });
    writeFileSync(
      values.rows,
      [...rows.entries()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, each]) => `${JSON.stringify(each)}\n`)
        .join(''),
    );
    count += 1;
    if (row.outcome !== 'captured') failed += 1;
    process.stderr.write(
      `${count} of ${wanted.length}: ${nameOf(row)}: ${row.outcome} ${row.reason ?? ''}\n`,
    );
  },
);
updatePart(values.out, 'kernels', supportText([...rows.values()]));
process.stdout.write(`${count} crashes run, ${failed} not captured; ${rows.size} in ${values.out}\n`);
process.exitCode = failed === 0 ? 0 : 1;
