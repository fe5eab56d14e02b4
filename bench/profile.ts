/**
 * `npm run profile -- crash [--image NAME] [--data DIR] [--processor power9|power8] [--cpus N] [--jit THRESHOLD] [--dump MODE] [--out FILE]`:
 * shows where the time of a whole crash goes, from the start of a daemon to the stored capture, and writes the part of docs/performance.md that
 * is about that machine. A machine that the page has no part for is printed.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { buildDaemon } from './guests/our-daemon.ts';
import { commit, loadFact, machineFacts } from './lib/facts.ts';
import { updatePart } from './lib/report.ts';
import { measure } from './profile/measure.ts';
import { reportText } from './profile/report.ts';

const ROOT = join(import.meta.dirname, '..');
const BUILT_IN = 'built-in';
const RUN = {
  'built-in': { memory: '256M', dump: 'raw' },
  linux: { memory: '1G', dump: '-l -d 31' },
} as const;

type Options = {
  readonly image: string;
  readonly data: string;
  readonly processor: 'power8' | 'power9';
  readonly cpus: string;
  readonly jit?: string;
  readonly dump?: string;
  readonly out: string;
};

const crash = new Command('crash')
  .option('--image <name>', 'an imported image, such as debian', BUILT_IN)
  .option('--data <dir>', 'data folder whose images are used; nothing is written there', 'data')
  .addOption(new Option('--processor <name>').choices(['power9', 'power8']).default('power9'))
  .option('--cpus <n>', 'vCPUs', '1')
  .option(
    '--jit <threshold>',
    'compile regions: ends of portions at one place, after which its region is compiled',
  )
  .option(
    '--dump <mode>',
    'raw, or makedumpfile options; default raw for the built-in guest, -l -d 31 for others',
  )
  .option('--out <file>', 'the page', join(ROOT, 'docs', 'performance.md'))
  .action(run);
await new Command('profile').addCommand(crash).parseAsync();

async function run({ image, data, processor, cpus, jit, dump, out }: Options): Promise<void> {
  await buildDaemon();
  // As the matrix has them.
  const { memory, dump: usual } = RUN[image === BUILT_IN ? 'built-in' : 'linux'];
  const mode = dump ?? usual;
  const stamp = `Commit ${commit()}; ${machineFacts()}; ${loadFact()}.`;
  const spec = {
    partition: { image, processor, cpus: Number(cpus), memory, seed: 1 },
    images: join(data, 'images'),
    dump: mode,
    ...(jit === undefined ? {} : { jit: Number(jit) }),
  };
  const measured = await measure(spec, (text) => process.stderr.write(`profile: ${text}\n`));
  const what = `\`${mode}\`, ${memory}${jit === undefined ? '' : `, regions from ${jit} samples on`}.`;
  const text = [`${stamp} ${what}`, ...reportText(measured)];
  const part = [image, processor, `${cpus}-cpu`, ...(jit === undefined ? [] : [`jit-${jit}`])].join('-');
  if (readFileSync(out, 'utf8').includes(`<!-- ${part} -->`)) updatePart(out, part, text);
  else process.stdout.write(`${text.join('\n\n')}\n`);
}
