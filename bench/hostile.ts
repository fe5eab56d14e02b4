/**
 * `npm run hostile [-- --crashes N] [--only N,N] [--out FILE]`: a stock Debian whose root is hostile, beside a healthy fleet. Each attack is
 * typed on its console; meanwhile healthy partitions crash and are captured. Writes its section of docs/reliability.md, and ends
 * with 1 unless healthy crashes stay within twice their usual time, 99 of 100 answers of REST within 200 ms, the daemon's memory
 * under its bound, and the hostile guest is stopped within 2 s.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stockGuest } from './guests/image.ts';
import { buildDaemon, serveFleet } from './guests/our-daemon.ts';
import { ATTACKS, type Attack } from './hostile/attacks.ts';
import { Client, Latencies, quantile } from './hostile/client.ts';
import { hostileModule, type ModuleName } from './hostile/modules.ts';
import { commit, machineFacts } from './lib/facts.ts';
import { heldByTree } from './lib/process-memory.ts';
import { RELIABILITY_HEAD, RELIABILITY_SECTIONS } from './lib/reliability.ts';
import { table, updateSections } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const BOUNDS = {
  /** Median time of a healthy crash, of the undisturbed one. */
  slower: 2,
  /** Of 99 in 100 answers, in ms. */
  p99: 200,
  /** Memory of the daemon over that of the undisturbed fleet, in bytes. */
  memory: 1.5 * 2 ** 30,
  /** Until a hostile partition is stopped, in ms. */
  stop: 2000,
} as const;

const { values } = parseArgs({
  options: {
    crashes: { type: 'string', default: '5' },
    only: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, '..', 'docs', 'reliability.md') },
  },
});
const crashes = Number(values.crashes);
if (!Number.isInteger(crashes) || crashes < 1) throw new Error(`--crashes ${values.crashes}: not a count`);
const chosen = values.only?.split(',').map(Number) ?? ATTACKS.map((_, i) => i + 1);
const attacks = chosen.map((n) => {
  const attack = ATTACKS[n - 1];
  if (attack === undefined) throw new Error(`--only ${n}: there are attacks 1 to ${ATTACKS.length}`);
  return attack;
});

const log = (text: string): void => void process.stderr.write(`${text}\n`);
const mebi = (bytes: number): string => `${Math.round(bytes / 2 ** 20)}`;

type Measured = {
  readonly name: string;
  readonly crash: number;
  readonly p50: number;
  readonly p99: number;
  readonly answers: number;
  readonly rss: number;
  /** Instructions that the hostile guest executed meanwhile: what shows that the attack went on. */
  readonly instructions: number;
  readonly stop?: number;
  readonly became?: string;
};

const guest = await stockGuest();
const initrd = guest.image.files.initrd;
if (initrd === undefined) throw new Error('the image has no initramfs');
await buildDaemon();
const daemon = await serveFleet(
  [
    { name: 'healthy-1', image: 'built-in', processor: 'power9', cpus: 4, memory: '128M', seed: 1 },
    { name: 'healthy-2', image: 'built-in', processor: 'power8', cpus: 4, memory: '128M', seed: 2 },
    { name: 'hostile', image: guest.image.name, processor: 'power9', cpus: 2, memory: '1G', seed: 3 },
  ],
  join(guest.folder, '..'),
  300,
);
const client = new Client(daemon.base);
const idOf = new Map((await client.partitions()).map(({ name, id }) => [name, id]));
const hostile = need('hostile');
const healthy = [need('healthy-1'), need('healthy-2')];
const latencies = new Latencies(daemon.base, [
  '/api/v1/partitions',
  `/api/v1/partitions/${hostile}`,
  '/api/v1/captures?limit=20',
  '/api/v1/operations?limit=20',
  '/healthz',
]);
let rss = 0;
const meter = setInterval(() => {
  rss = Math.max(rss, heldByTree(daemon.pid).rss);
}, 200);

const rows: Measured[] = [];
try {
  latencies.start();
  log('undisturbed');
  // What is compiled and cached by the first crashes makes later ones faster.
  await measure('warm-up');
  rows.push(await measure('undisturbed'));
  for (const [i, attack] of attacks.entries()) {
    log(`${i + 1} of ${attacks.length}: ${attack.name}`);
    await begin(attack);
    const measured = await measure(attack.name);
    const { state, reason } = await client.partition(hostile);
    const stop = await client.stop(hostile);
    rows.push({ ...measured, stop, became: reason === undefined ? state : `${state}: ${reason}` });
    await client.start(hostile);
  }
  await client.untilReady(hostile);
  rows.push(await measure('undisturbed, at the end'));
} finally {
  clearInterval(meter);
  await latencies.stop();
  const from = performance.now();
  await daemon.close();
  log(`SIGTERM: ended after ${Math.round(performance.now() - from)} ms`);
}

// The machine may have had other work during one of the two.
const [first, last] = [rows[0] as Measured, rows.at(-1) as Measured];
const calm = { crash: Math.min(first.crash, last.crash), rss: Math.min(first.rss, last.rss) };
const broken = rows.flatMap((row) => faultsOf(row, calm).map((fault) => `${row.name}: ${fault}`));
updateSections(values.out, RELIABILITY_HEAD, RELIABILITY_SECTIONS, [
  {
    name: 'hostile',
    title: 'A hostile guest beside a healthy fleet',
    text: [
      `\`npm run hostile\`. Commit ${commit()}; ${machineFacts()}. Two partitions of the built-in guest crash by turns while root of a stock Debian (2 CPUs, 1 GiB) attacks; each line has the median of ${crashes} crashes of each. Bounds: healthy crashes within ${BOUNDS.slower} × their undisturbed time (the shorter of the two), 99 of 100 answers within ${BOUNDS.p99} ms, memory of the daemon at most ${mebi(BOUNDS.memory)} MiB over the undisturbed fleet's, the hostile guest stopped within ${BOUNDS.stop} ms.`,
      table(
        [
          'attack',
          'crash ms',
          '× calm',
          'answers',
          'p50 ms',
          'p99 ms',
          'RSS MiB',
          '10⁶ hostile instructions',
          'stop ms',
          'the hostile partition then',
        ],
        rows.map((row) => [
          row.name,
          row.crash.toFixed(0),
          (row.crash / calm.crash).toFixed(2),
          `${row.answers}`,
          row.p50.toFixed(1),
          row.p99.toFixed(0),
          mebi(row.rss),
          (row.instructions / 1e6).toFixed(0),
          row.stop === undefined ? '' : row.stop.toFixed(0),
          row.became ?? '',
        ]),
      ),
      broken.length === 0 ? 'All within their bounds.' : `Beyond a bound: ${broken.join('; ')}.`,
    ],
  },
]);
log(`written: ${values.out}`);
for (const each of broken) process.stdout.write(`beyond a bound: ${each}\n`);
process.stdout.write(`${rows.length - 2} attacks, ${broken.length} bounds broken\n`);
process.exitCode = broken.length === 0 ? 0 : 1;

function need(name: string): string {
  const id = idOf.get(name);
  if (id === undefined) throw new Error(`there is no partition ${name}`);
  return id;
}

/** Has the attack typed, and gives it time to be under way. */
async function begin(attack: Attack): Promise<void> {
  await client.untilReady(hostile);
  for (const name of attack.modules) await upload(name);
  for (const line of attack.lines) await client.type(hostile, `${line}\r`);
  await sleep(3000);
}

/** Types a module as base64, in lines that a terminal takes. */
async function upload(name: ModuleName): Promise<void> {
  const { file } = initrd as { readonly file: string };
  const text = Buffer.from(hostileModule(join(guest.folder, file), name)).toString('base64');
  await client.type(hostile, `stty -echo; base64 -d >/${name}.ko <<END\r`);
  const lines = text.match(/.{1,100}/g) ?? [];
  for (let at = 0; at < lines.length; at += 40)
    await client.type(hostile, `${lines.slice(at, at + 40).join('\r')}\r`);
  await client.type(hostile, `END\r`);
  await client.type(hostile, 'stty echo\r');
}

/** Healthy partitions crash by turns, and answers are timed meanwhile. */
async function measure(name: string): Promise<Measured> {
  latencies.take();
  rss = 0;
  const before = (await client.partition(hostile)).instructions;
  const took: number[] = [];
  for (let i = 0; i < crashes; i++) {
    for (const id of healthy) {
      await client.untilReady(id);
      took.push(await client.crash(id, i % 4));
    }
  }
  const all = latencies.take();
  const { instructions } = await client.partition(hostile);
  return {
    name,
    crash: median(took),
    p50: quantile(all, 0.5),
    p99: quantile(all, 0.99),
    answers: all.length,
    rss,
    instructions: instructions - before,
  };
}

function faultsOf(row: Measured, calm: Pick<Measured, 'crash' | 'rss'>): readonly string[] {
  const slower = row.crash / calm.crash;
  return [
    ...(slower > BOUNDS.slower ? [`healthy crashes take ${slower.toFixed(2)} × their undisturbed time`] : []),
    ...(row.p99 > BOUNDS.p99 ? [`1 of 100 answers takes ${row.p99.toFixed(0)} ms or more`] : []),
    ...(row.rss > calm.rss + BOUNDS.memory ? [`the daemon holds ${mebi(row.rss)} MiB`] : []),
    ...((row.stop ?? 0) > BOUNDS.stop ? [`stopped after ${row.stop?.toFixed(0)} ms`] : []),
  ];
}
