/**
 * Kills a daemon at random instants, of its start-up and of its work, and checks after every restart that nothing that it
 * answered is lost. One data folder goes through all kills.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { PartitionRequest, PartitionView, ServiceEvent } from '../../src/panic/contract/index.ts';
import { below, seededRandom } from '../../test/support/seeded-random.ts';
import { askForAll, askForOperations, leftovers, readFolder } from './check.ts';
import { Client } from './client.ts';
import { Counts, type Findings } from './findings.ts';
import { importOwnKernel } from './imports.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { makePlace, type Place, Service } from './service.ts';
import { answers, until } from './wait.ts';

/** Seconds that a start may take on a busy machine, until it answers. */
const START_SECONDS = 60;
/** The whole folder is read, with no daemon on it, after so many kills. */
const READ_EVERY = 10;

export const FLEET: readonly PartitionRequest[] = [
  { name: 'fleet-one', image: 'built-in', processor: 'power8', cpus: 2, memory: '128M', seed: 1 },
  { name: 'fleet-two', image: 'built-in', processor: 'power9', cpus: 2, memory: '128M', seed: 2 },
];

export type KillOptions = {
  readonly folder: string;
  readonly times: number;
  readonly seed: number;
  readonly findings: Findings;
  readonly log: (text: string) => void;
};

/** When a daemon is killed: so long after it was started, after its first guest was ready, or after a phase of its work. */
type Instant =
  | { readonly kind: 'start'; readonly ms: number }
  | { readonly kind: 'work'; readonly ms: number }
  | { readonly kind: 'phase'; readonly phase: string; readonly ms: number };

/** What crashes, starts and stops report of how far they are. */
const PHASES = [
  'queued',
  'triggered',
  'handoff',
  'crash-kernel',
  'dumping',
  'dumped',
  'stored',
  'booting',
] as const;
/** A guest that is not ready, and a phase that does not come, are not waited for longer. */
const PATIENCE_MS = 60_000;

function instantOf(random: () => number): Instant {
  const choice = random();
  // From 20 ms, in the middle of loading the program, to 5 s.
  if (choice < 0.25) return { kind: 'start', ms: 20 * 250 ** random() };
  if (choice < 0.5) return { kind: 'work', ms: 10 * 1500 ** random() };
  const phase = PHASES[below(random, PHASES.length)] ?? 'stored';
  return { kind: 'phase', phase, ms: 0.1 * 3000 ** random() };
}

export async function killTimes(options: KillOptions): Promise<Counts> {
  const { folder, times, seed, findings, log } = options;
  const place = makePlace(folder, FLEET);
  const ledger = new Ledger();
  const counts = new Counts();
  const random = seededRandom(seed);
  for (let kill = 1; kill <= times; kill++) {
    const instant = instantOf(random);
    const where = await killOnce(place, ledger, instant, seed * 1000 + kill, counts, (what) =>
      findings.add(`kill ${kill}`, what),
    );
    counts.add(`killed ${where}`);
    log(`kill ${kill} of ${times}: ${where}; ${ledger.captures.length} captures owed`);
    if (kill % READ_EVERY === 0)
      for (const what of await readFolder(place, ledger)) findings.add(`kill ${kill}`, what);
  }
  // At the end it starts, is asked for everything, and stops as it should.
  const service = await Service.start(place);
  const client = new Client(service.base);
  if (await answers(client, service, START_SECONDS)) {
    await service.started;
    for (const what of await askForAll(client, ledger, Number.POSITIVE_INFINITY))
      findings.add('the end', what);
    for (const what of leftovers(place)) findings.add('the end', what);
  } else findings.add('the end', `it does not start: ${service.lastWords}`);
  const { code } = await service.kill('SIGTERM');
  if (code !== 0) findings.add('the end', `SIGTERM ended it with ${code}`);
  for (const what of await readFolder(place, ledger)) findings.add('the end', what);
  counts.add('captures at the end', ledger.captures.length);
  return counts;
}

/** @returns where it was killed, in words */
async function killOnce(
  place: Place,
  ledger: Ledger,
  instant: Instant,
  seed: number,
  counts: Counts,
  wrong: (what: string) => void,
): Promise<string> {
  const begun = performance.now();
  const service = await Service.start(place);
  const client = new Client(service.base);
  const stop = new AbortController();
  const due = (async (): Promise<string> => {
    if (instant.kind === 'start') {
      await pause(Math.max(0, instant.ms - (performance.now() - begun)));
      return (await isUp(client)) ? 'just after it answered' : 'before it answered';
    }
    const came =
      instant.kind === 'work'
        ? await guestIsReady(client, stop.signal)
        : await phaseCame(service, instant.phase, stop.signal);
    await pause(instant.ms);
    return instant.kind === 'phase' && came ? `in phase ${instant.phase}` : 'at work';
  })();
  let killed = false;
  const at = due.then(async (where) => {
    killed = true;
    await service.kill('SIGKILL');
    return where;
  });
  if (await answers(client, service, START_SECONDS)) {
    const began = performance.now();
    const found = [...(await askForAll(client, ledger, 4)), ...(await askForOperations(client, ledger))];
    // What was cut short by the kill is no finding.
    if (!killed) {
      for (const what of found) wrong(what);
      counts.add('checked');
      counts.add('milliseconds of checking', Math.round(performance.now() - began));
    }
    const load = new Load({
      client,
      ledger,
      seed,
      keep: 6,
      onWrong: wrong,
      count: (what) => counts.add(what),
    });
    const imported = sometimesImport(place, ledger, seededRandom(seed), at);
    await at;
    stop.abort();
    await Promise.all([load.stop(), imported]);
  } else if (!killed) wrong(`it does not answer ${START_SECONDS} s after its start: ${service.lastWords}`);
  stop.abort();
  const where = await at;
  const { signal, code } = await service.ended;
  if (signal !== 'SIGKILL') wrong(`it ended by itself with ${code ?? signal}: ${service.lastWords}`);
  return where;
}

/** One time in four. */
async function sometimesImport(
  place: Place,
  ledger: Ledger,
  random: () => number,
  killed: Promise<unknown>,
): Promise<void> {
  if (random() > 0.25) return;
  await pause(500 * random());
  await importOwnKernel(place, ledger, `own-${below(random, 1e9)}`, killed);
}

async function isUp(client: Client): Promise<boolean> {
  return (await client.get('/version', 500)).status === 200;
}

async function guestIsReady(client: Client, stopped: AbortSignal): Promise<boolean> {
  return await until(PATIENCE_MS / 1000, async () => {
    if (stopped.aborted) return 'stop';
    const { body } = await client.get<{ items: PartitionView[] }>('/partitions', 1000);
    return body?.items.some(({ state }) => state === 'ready') === true;
  });
}

/** Waits for an operation in a phase. */
async function phaseCame(service: Service, phase: string, stopped: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.any([stopped, AbortSignal.timeout(PATIENCE_MS)]);
  while (!limit.aborted) {
    try {
      const stream = await fetch(`${service.base}/api/v1/events`, { signal: limit });
      let text = '';
      for await (const bytes of stream.body ?? []) {
        text += Buffer.from(bytes).toString();
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) {
          if (!line.startsWith('data: ')) continue;
          const event = JSON.parse(line.slice(6)) as ServiceEvent;
          if (event.kind === 'operation' && event.phase === phase) return true;
        }
      }
    } catch {
      // It is not up yet, or the time is over.
      await pause(30);
    }
  }
  return false;
}
