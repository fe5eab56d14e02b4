/**
 * Runs one daemon for a long time with a mixed fleet, clients of every kind and faults by a plan, and checks all the while that what
 * was answered holds, that healthy guests are captured nearly as fast as ever, and that memory, open files and answers stay bounded.
 */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Operation, PartitionView } from '../../src/panic/contract/index.ts';
import { below, seededRandom } from '../../test/support/seeded-random.ts';
import { type ShimmedFolder, shimFolder } from '../../test/support/shim/shim.ts';
import { quantile } from '../hostile/client.ts';
import { median } from '../lib/statistics.ts';
import { askForAll, askForOperations, leftovers, readFolder, unfinished } from './check.ts';
import { Client } from './client.ts';
import { flipContent } from './content-flips.ts';
import { Counts, type Findings } from './findings.ts';
import { hostilePartition, makeHostileImages } from './hostile-images.ts';
import { importOwnKernel } from './imports.ts';
import { FLEET } from './kill.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { annoy } from './nuisance.ts';
import { planSoak, type Step } from './schedule.ts';
import { freePort, makePlace, type Place, Service } from './service.ts';
import { answers, until } from './wait.ts';
import { lookAt, type Peaks, probe } from './watch-process.ts';

const MEBI = 2 ** 20;

export const BOUNDS: Readonly<
  Record<'slower' | 'p99' | 'memory' | 'files' | 'start' | 'stop' | 'end', number>
> = {
  /** Median time of a healthy crash beside hostile guests, of the undisturbed one. */
  slower: 2,
  /** Of 99 in 100 answers, in milliseconds; where more was usual undisturbed, because the machine does other things, twice that. */
  p99: 200,
  /** Resident memory of the daemon: its guests', and this. */
  memory: 1024 * MEBI,
  files: 256,
  /** Seconds from a start to the first answer, and from SIGTERM to the end. */
  start: 60,
  stop: 5,
  /** Seconds until every operation has ended once nothing disturbs any more. */
  end: 120,
};

/** Crashes that are timed before anything disturbs, and how long they may take. */
const CALM_CRASHES = 6;
const CALM_SECONDS = 90;
const NUISANCES = 3;
const NEVER: Promise<never> = new Promise(() => undefined);

export type SoakOptions = {
  readonly folder: string;
  readonly minutes: number;
  readonly seed: number;
  readonly findings: Findings;
  /** Whether a time beyond its bound is a finding. On a machine that does other work times are shown, not judged. */
  readonly judgesTimes: boolean;
  readonly log: (text: string) => void;
};

export type Soaked = {
  readonly counts: Counts;
  readonly calmCrashMs: number;
  readonly crashMs: number;
  readonly p50: number;
  readonly p99: number;
  readonly p99Bound: number;
  readonly answers: number;
  readonly peaks: Peaks;
};

export async function soak(options: SoakOptions): Promise<Soaked> {
  const run = new Soak(options);
  return await run.run();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #place: Place;
  readonly #shim: ShimmedFolder;
  readonly #ledger = new Ledger();
  readonly #counts = new Counts();
  readonly #peaks: Peaks = { rss: 0, files: 0 };
  readonly #answers = { calm: [] as number[], disturbed: [] as number[] };
  readonly #crashes = { calm: [] as number[], disturbed: [] as number[] };
  readonly #begun = performance.now();
  readonly #random: () => number;
  #port = 0;
  #service: Service | undefined;
  #client = new Client('');
  /** Grows at the beginning and at the end of each fault: what lasts over one is not timed. */
  #faults = 0;
  /** A fault is on, or the daemon starts again. */
  #isDisturbed = false;
  #isCalm = true;
  #where = 'the start';

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed * 53);
    this.#place = makePlace(options.folder, FLEET);
    this.#shim = shimFolder(this.#place.data, join(options.folder, 'shim'), false);
  }

  async run(): Promise<Soaked> {
    const { minutes, seed, log } = this.#options;
    await makeHostileImages(join(this.#place.data, 'images'));
    this.#port = await freePort();
    await this.#start();
    const stop = new AbortController();
    const load = this.#load();
    const probing = probe(this.#client, stop.signal, (ms) => {
      if (!this.#isDisturbed) (this.#isCalm ? this.#answers.calm : this.#answers.disturbed).push(ms);
    });
    const meter = setInterval(() => this.#look(), 500);
    log('undisturbed: clients, no hostile guest, no fault');
    await until(CALM_SECONDS, () => this.#crashes.calm.length >= CALM_CRASHES);
    if (this.#crashes.calm.length === 0) this.#wrong(`no crash was captured in ${CALM_SECONDS} s`);
    this.#isCalm = false;
    const annoying = Array.from({ length: NUISANCES }, (_, i) =>
      this.#annoy(seededRandom(seed * 97 + i), stop.signal),
    );
    const begun = performance.now();
    const left = Math.max(30_000, minutes * 60_000 - (begun - this.#begun));
    for (const { step, rest } of planSoak(seed, left)) {
      if (performance.now() - begun > left) break;
      await this.#do(step);
      await pause(rest);
    }
    stop.abort();
    clearInterval(meter);
    await Promise.all([load.stop(), probing, ...annoying]);
    await this.#finish();
    return this.#result();
  }

  #load(): Load {
    return new Load({
      client: this.#client,
      ledger: this.#ledger,
      seed: this.#options.seed,
      keep: 8,
      onWrong: (what) => this.#wrong(what),
      count: (what) => this.#counts.add(what),
      moment: () => this.#faults,
      onCrash: (ms, moment) => {
        if (moment === this.#faults && !this.#isDisturbed)
          (this.#isCalm ? this.#crashes.calm : this.#crashes.disturbed).push(ms);
      },
    });
  }

  async #do(step: Step): Promise<void> {
    this.#where = `${Math.round((performance.now() - this.#begun) / 1000)} s, ${step.kind}`;
    this.#counts.add(`step ${step.kind}`);
    this.#options.log(`${this.#where} ${step.kind === 'hostile' ? step.name : ''}; ${this.#state()}`);
    if (step.kind === 'hostile') await this.#replaceHostile(step.name);
    else if (step.kind === 'flip') await this.#flip();
    else if (step.kind === 'import') await this.#import();
    else
      await this.#disturb(async () => {
        if (step.kind === 'disk') {
          this.#shim.control.arm(step.fault);
          await pause(step.ms);
          const { failed } = this.#shim.control.disarm();
          this.#counts.add(`calls that failed with ${step.fault.error}`, failed);
          if (this.#service?.end === undefined) return;
          this.#wrong(`it ended while the disk failed: ${this.#service.lastWords}`);
        } else if (step.kind === 'kill') await this.#service?.kill('SIGKILL');
        else await this.#terminate();
        // Clients go on: what they ask of the next daemon is its own.
        const operations = this.#ledger.all('operation', 'owed');
        await this.#start();
        for (const what of await askForAll(this.#client, this.#ledger, 2)) this.#wrong(what);
        for (const what of await askForOperations(this.#client, this.#ledger, operations)) this.#wrong(what);
      });
  }

  async #flip(): Promise<void> {
    await flipContent({
      place: this.#place,
      client: this.#client,
      ledger: this.#ledger,
      random: this.#random,
      count: (what) => this.#counts.add(what),
      onWrong: (what) => this.#wrong(what),
    });
  }

  /** Imports an image beside everything, and removes an older one. */
  async #import(): Promise<void> {
    const [oldest, ...others] = this.#ledger.all('image', 'owed');
    const name = `own-${below(this.#random, 1e9)}`;
    const isThere = await importOwnKernel(this.#place, this.#ledger, name, NEVER, this.#shim.env);
    if (!isThere && (await this.#wasCancelled('import'))) this.#counts.add('imports cancelled');
    else if (!isThere) this.#wrong(`the import of ${name} failed`);
    else this.#counts.add('images imported');
    if (oldest === undefined || others.length < 2) return;
    const { status, why } = await this.#client.call('DELETE', `/images/${oldest}`);
    if (status !== 204) this.#wrong(`image ${oldest} cannot be removed: ${why}`);
    else this.#ledger.add({ kind: 'image', id: oldest, debt: 'released' });
  }

  /** Whether a client cancelled the last operation of a kind. */
  async #wasCancelled(kind: Operation['kind']): Promise<boolean> {
    const { body } = await this.#client.get<{ items: Operation[] }>('/operations?limit=50');
    return body?.items.find((each) => each.kind === kind)?.state === 'cancelled';
  }

  async #disturb(work: () => Promise<void>): Promise<void> {
    this.#faults += 1;
    this.#isDisturbed = true;
    await work();
    this.#isDisturbed = false;
    this.#faults += 1;
  }

  async #terminate(): Promise<void> {
    const from = performance.now();
    const end = await this.#service?.kill('SIGTERM');
    const seconds = (performance.now() - from) / 1000;
    if (end?.code !== 0)
      this.#wrong(`SIGTERM ended it with ${end?.code ?? end?.signal}: ${this.#service?.lastWords}`);
    if (seconds > BOUNDS.stop) this.#wrong(`SIGTERM took ${seconds.toFixed(1)} s`);
  }

  async #start(): Promise<void> {
    const from = performance.now();
    this.#service = await Service.start(this.#place, this.#shim.env, [], this.#port);
    // One client for all of them: it is the address that stays.
    if (this.#client.base === '') this.#client = new Client(this.#service.base);
    if (!(await answers(this.#client, this.#service, BOUNDS.start)))
      throw new Error(`${this.#where}: it does not start: ${this.#service.lastWords}`);
    this.#counts.add('starts');
    this.#counts.add('milliseconds of starting', Math.round(performance.now() - from));
  }

  /** Removes the hostile guest that runs, and makes another. */
  async #replaceHostile(name: string): Promise<void> {
    const client = this.#client;
    const { body } = await client.get<{ items: PartitionView[] }>('/partitions');
    for (const { id, name: old, state } of body?.items ?? []) {
      if (!old.startsWith('hostile-')) continue;
      if (state !== 'stopped') {
        const from = performance.now();
        const { body: operation } = await client.call<Operation>('POST', `/partitions/${id}/stop`);
        const stopped = await until(10, async () => {
          const now = await client.get<Operation>(`/operations/${operation?.id ?? ''}`);
          return now.body?.state === 'succeeded';
        });
        if (!stopped) this.#wrong(`${old} is not stopped after ${Math.round(performance.now() - from)} ms`);
      }
      await client.call('DELETE', `/partitions/${id}`);
    }
    const {
      status,
      body: made,
      why,
    } = await client.call<PartitionView>('POST', '/partitions', hostilePartition(name));
    if (status !== 201 || made === undefined)
      return this.#wrong(`a hostile partition cannot be made: ${why}`);
    await client.call('POST', `/partitions/${made.id}/start`);
  }

  async #annoy(random: () => number, stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const moment = this.#faults;
      await annoy({
        client: this.#client,
        ledger: this.#ledger,
        random,
        count: (what) => this.#counts.add(what),
        on5xx: (what) => {
          if (moment === this.#faults && !this.#isDisturbed) this.#wrong(what);
        },
      });
      await pause(300 * random());
    }
  }

  /** Everything ends, everything is asked for, the daemon stops, and its folder is read. */
  async #finish(): Promise<void> {
    this.#where = 'the end';
    const client = this.#client;
    const { body } = await client.get<{ items: PartitionView[] }>('/partitions');
    for (const { id, name } of body?.items ?? [])
      if (name.startsWith('hostile-')) await client.call('POST', `/partitions/${id}/stop`);
    if (!(await until(BOUNDS.end, async () => (await unfinished(client)).length === 0)))
      for (const { id, kind, state, phase } of await unfinished(client))
        this.#wrong(`operation ${id} (${kind}) is still ${state}, ${phase}`);
    for (const what of await askForAll(client, this.#ledger, Number.POSITIVE_INFINITY)) this.#wrong(what);
    for (const what of leftovers(this.#place)) this.#wrong(what);
    await this.#terminate();
    for (const what of await readFolder(this.#place, this.#ledger)) this.#wrong(what);
  }

  #look(): void {
    const now = this.#service === undefined ? undefined : lookAt(this.#service.pid);
    if (now === undefined) return;
    this.#peaks.rss = Math.max(this.#peaks.rss, now.rss);
    this.#peaks.files = Math.max(this.#peaks.files, now.files);
  }

  #result(): Soaked {
    const { calm, disturbed } = this.#crashes;
    const sorted = this.#answers.disturbed.sort((a, b) => a - b);
    const usual = quantile(
      this.#answers.calm.sort((a, b) => a - b),
      0.99,
    );
    const result = {
      counts: this.#counts,
      calmCrashMs: calm.length === 0 ? 0 : median(calm),
      crashMs: disturbed.length === 0 ? 0 : median(disturbed),
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      p99Bound: Math.max(BOUNDS.p99, 2 * usual),
      answers: sorted.length,
      peaks: this.#peaks,
    };
    this.#counts.add('crashes timed beside hostile guests', disturbed.length);
    this.#where = 'the bounds';
    if (disturbed.length === 0) this.#wrong('no crash was captured beside hostile guests');
    const { judgesTimes } = this.#options;
    if (judgesTimes && result.crashMs > BOUNDS.slower * result.calmCrashMs)
      this.#wrong(
        `healthy crashes take ${(result.crashMs / result.calmCrashMs).toFixed(2)} × their undisturbed time`,
      );
    if (judgesTimes && result.p99 > result.p99Bound)
      this.#wrong(`1 of 100 answers takes ${result.p99.toFixed(0)} ms or more`);
    if (this.#peaks.rss > memoryBound())
      this.#wrong(`the daemon held ${Math.round(this.#peaks.rss / MEBI)} MiB`);
    if (this.#peaks.files > BOUNDS.files) this.#wrong(`the daemon held ${this.#peaks.files} files open`);
    return result;
  }

  #state(): string {
    const { calm, disturbed } = this.#crashes;
    return `${calm.length + disturbed.length} crashes timed, ${this.#ledger.captures.length} captures owed, ${Math.round(this.#peaks.rss / MEBI)} MiB at most`;
  }

  #wrong(what: string): void {
    this.#options.findings.add(this.#where, what);
  }
}

/** The fleet's guests and their crash kernels' dumps, two partitions that clients make, one hostile guest, and the daemon. */
export function memoryBound(): number {
  const guests = (FLEET.length + 2) * 128 * MEBI + 64 * MEBI;
  return guests + BOUNDS.memory;
}
