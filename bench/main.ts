/**
 * `npm run bench [-- PART…] [--quick] [--runs N] [--out FILE]`: measures and writes docs/benchmarks.md. Parts: programs, byte-order,
 * linux, memory; none named: all. `--quick`: one short run each, to see that everything works; the figures say so.
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchByteOrder } from './byte-order.ts';
import { commit, loadFact, machineFacts } from './lib/facts.ts';
import { type Section, updateReport } from './lib/report.ts';
import { benchLinux } from './linux.ts';
import { benchMemory } from './memory.ts';
import { benchPrograms } from './programs.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, '..', 'docs', 'benchmarks.md') },
  },
});
const quick = values.quick;
const runs = values.runs === undefined ? undefined : Number(values.runs);
if (runs !== undefined && !(Number.isInteger(runs) && runs > 0))
  throw new Error(`--runs ${values.runs}: not a count`);
const log = (text: string): void => void process.stderr.write(`${text}\n`);

const PARTS: Readonly<Record<string, () => Section | Promise<Section>>> = {
  programs: () => benchPrograms({ runs: runs ?? (quick ? 1 : 5), scale: quick ? 0.1 : 1, log }),
  'byte-order': () => benchByteOrder({ runs: runs ?? (quick ? 1 : 5), scale: quick ? 0.1 : 1, log }),
  linux: () => benchLinux({ runs: runs ?? (quick ? 1 : 3), log }),
  memory: () => benchMemory({ runs: runs ?? (quick ? 1 : 3), log }),
};

const wanted = positionals.length === 0 ? Object.keys(PARTS) : positionals;
for (const name of wanted)
  if (!(name in PARTS)) throw new Error(`there is no part ${name}: ${Object.keys(PARTS).join(', ')}`);
for (const name of wanted) {
  const stamp = `Commit ${commit()}; ${machineFacts()}; ${loadFact()}${quick ? '; **a quick run: single and short**' : ''}.`;
  log(`== ${name}`);
  const section = await PARTS[name]?.();
  // Each part is written when it is done, so that a later one that fails loses nothing.
  if (section !== undefined) updateReport(values.out, [section], stamp);
}
log(`written: ${values.out}`);
