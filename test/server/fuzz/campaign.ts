/**
 * Asks a whole service, over real stores and a fleet of guests that play a script, for what a grammar and a seed say, and holds
 * every answer to what every answer must be. Guests boot, crash and are captured meanwhile; partitions come and go.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { ImageService } from '../../../src/images/index.ts';
import { StoreKeeper } from '../../../src/panic/captures/index.ts';
import type { Operation } from '../../../src/panic/contract/index.ts';
import { openMetadataStore, verifyStore } from '../../../src/panic/store/index.ts';
import { buildApp } from '../../../src/server/http/app.ts';
import type { App } from '../../../src/server/http/shared/context.ts';
import { openLocalVmcoreStore } from '../../../src/vmcore/store/index.ts';
import {
  CRASHES,
  closeFleetWorld,
  type FleetWorld,
  openFleetWorld,
  readyPartition,
} from '../../synth/fleet-world.ts';
import { openTestAccess, openTestAudit } from '../../synth/service.ts';
import { AnswerError, Connection, type WireAnswer } from './connection.ts';
import { Dice } from './dice.ts';
import { readGrammar } from './grammar.ts';
import { type Known, RequestMaker, type WireRequest } from './requests.ts';
import { type Asked, wrongWith } from './verdict.ts';

export type CampaignOptions = {
  readonly requests: number;
  readonly seed: number;
  /** How long an answer may take. */
  readonly patienceMs?: number;
  /** Called about once a thousand requests. */
  readonly progress?: (done: number) => void;
};

export type Campaign = {
  /** What was wrong, with the request; at most 20. */
  readonly failures: readonly string[];
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Pairs of method and path of the document that were answered with 2xx or 304. */
  readonly reached: ReadonlySet<string>;
  readonly slowestMs: number;
  /** The longest that the event loop stood still. */
  readonly stalledMs: number;
  /** Bytes by which the process's memory grew after the first fifth. */
  readonly grown: number;
  /** Crashes that were captured with a vmcore meanwhile, as far as a look between batches found them. */
  readonly captured: number;
  /** How the crash of a new partition ended that came after all requests. */
  readonly last: Operation['state'] | 'running for too long';
};

const CONNECTIONS = 4;
/** Between these the state is read and partitions are cleared away. */
const BATCH = 250;
const MAX_FAILURES = 20;
const MAX_PARTITIONS = 6;
/** One in so many is damaged bytes. */
const GARBAGE = 0.15;

/** Runs a campaign over a service of its own. What it asks depends on the seed and on what was answered. */
export async function runCampaign(options: CampaignOptions): Promise<Campaign> {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-fuzz-'));
  const world = await openFleetWorld(CRASHES, {
    stores: {
      metadata: openMetadataStore(storePaths(folder).metadata),
      vmcores: openLocalVmcoreStore(storePaths(folder).chunks),
    },
  });
  const app = await serve(world, folder);
  try {
    await readyPartition(world);
    const address = app.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return await new Fuzzer(world, port, [folder, process.cwd(), tmpdir()], options).run();
  } finally {
    await app.close();
    await closeFleetWorld(world);
    rmSync(folder, { recursive: true, force: true });
  }
}

function storePaths(folder: string): { readonly metadata: string; readonly chunks: string } {
  return { metadata: join(folder, 'metadata.db'), chunks: join(folder, 'chunks.db') };
}

async function serve(world: FleetWorld, folder: string): Promise<App> {
  const { fleet, captures, operations, bus, metadata, vmcores } = world;
  const names = new Set(['debian']);
  const images = new ImageService({
    catalogue: {
      list: async () => ({
        images: [...names].map((name) => ({ name, kind: 'debian', append: '', files: {} })),
        broken: [],
      }),
      remove: async (name) => {
        names.delete(name);
      },
    },
    importImage: async ({ name }, progress) => {
      progress({ step: 'index', done: 0, total: 1 });
      if (name.length % 2 === 0) throw new Error('no packages');
    },
    inUse: (name) => name === 'debian' || fleet.usesImage(name),
    bus,
    onError: () => undefined,
  });
  operations.serve(images);
  const keeper = new StoreKeeper({
    metadata,
    vmcores,
    check: async (_kind, onProgress, signal) => verifyStore(storePaths(folder), { onProgress, signal }),
    onDamage: ({ id, reason }) => {
      throw new Error(`capture ${id}: ${reason}`);
    },
    onReport: () => undefined,
    onError: () => undefined,
  });
  operations.serve(keeper.host);
  const app = await buildApp({
    fleet,
    captures,
    operations,
    images,
    events: bus,
    health: () => [{ name: 'fleet', ok: true }],
    store: () => keeper.view(),
    version: { name: 'kdumpd', version: '0.0.0-test' },
    access: openTestAccess(false),
    audit: openTestAudit(),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return app;
}

class Fuzzer {
  readonly #world: FleetWorld;
  readonly #port: number;
  readonly #folders: readonly string[];
  readonly #options: CampaignOptions;
  readonly #dice: Dice;
  readonly #maker: RequestMaker;
  readonly #failures: string[] = [];
  readonly #statuses = new Map<number, number>();
  readonly #reached = new Set<string>();
  readonly #captured = new Set<string>();
  #slowestMs = 0;

  constructor(world: FleetWorld, port: number, folders: readonly string[], options: CampaignOptions) {
    this.#world = world;
    this.#port = port;
    this.#folders = folders;
    this.#options = options;
    this.#dice = new Dice(options.seed);
    this.#maker = new RequestMaker(this.#dice, readGrammar());
  }

  async run(): Promise<Campaign> {
    const { requests, progress } = this.#options;
    const delay = monitorEventLoopDelay({ resolution: 20 });
    delay.enable();
    const lanes = Array.from({ length: CONNECTIONS }, () => new Connection(this.#port, this.#patienceMs));
    let memory = process.memoryUsage.rss();
    for (let done = 0; done < requests && this.#failures.length < MAX_FAILURES; done += BATCH) {
      const known = await this.#look();
      const left = Array.from({ length: Math.min(BATCH, requests - done) }, (_, i) => done + i);
      await Promise.all(lanes.map((lane) => this.#work(lane, left, known)));
      await this.#tidy();
      // What is allocated once, caches and compiled code are there by then.
      if (done <= requests / 5) memory = process.memoryUsage.rss();
      if (done % 1000 === 0) progress?.(done);
    }
    for (const lane of lanes) lane.close();
    delay.disable();
    return {
      failures: this.#failures,
      statuses: this.#statuses,
      reached: this.#reached,
      slowestMs: Math.round(this.#slowestMs),
      stalledMs: Math.round(delay.max / 1e6),
      grown: process.memoryUsage.rss() - memory,
      captured: this.#captured.size,
      last: await this.#crashOnceMore(),
    };
  }

  async #crashOnceMore(): Promise<Campaign['last']> {
    const { fleet, operations } = this.#world;
    const { id: partitionId } = await fleet.create({ image: 'debian', cpus: 2 });
    const start = await operations.submit({ kind: 'start', partitionId });
    if ((await this.#endOf(start.id)) !== 'succeeded') return 'failed';
    const options = { trigger: 'sysrq', dump: 'raw' } as const;
    return await this.#endOf((await operations.submit({ kind: 'panic', partitionId, options })).id);
  }

  async #endOf(id: string): Promise<Campaign['last']> {
    for (const begun = performance.now(); performance.now() - begun < this.#patienceMs; await pause(20)) {
      const { state } = await this.#world.operations.get(id);
      if (state !== 'queued' && state !== 'running') return state;
    }
    return 'running for too long';
  }

  get #patienceMs(): number {
    return this.#options.patienceMs ?? 30_000;
  }

  async #work(lane: Connection, left: number[], known: Known): Promise<void> {
    for (let index = left.shift(); index !== undefined; index = left.shift()) {
      if (this.#dice.chance(GARBAGE)) await this.#sendGarbage(lane, index, known);
      else await this.#ask(lane, index, this.#maker.request(known));
    }
  }

  async #ask(lane: Connection, index: number, request: WireRequest): Promise<void> {
    const { method, url, bytes } = request;
    await this.#timed(index, bytes, async () => {
      const answer = await lane.ask(bytes, method === 'HEAD');
      this.#judge(index, bytes, answer, { method, url });
      if (answer.status < 400) this.#reached.add(`${method} ${url.split('?')[0]}`);
    });
  }

  async #sendGarbage(lane: Connection, index: number, known: Known): Promise<void> {
    const bytes = this.#maker.garbage(known);
    await this.#timed(index, bytes, async () => {
      for (const answer of await lane.send(bytes)) this.#judge(index, bytes, answer, undefined);
    });
  }

  async #timed(index: number, bytes: Buffer, work: () => Promise<void>): Promise<void> {
    const begun = performance.now();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      this.#fail(index, bytes, error.message);
    }
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - begun);
  }

  #judge(index: number, bytes: Buffer, answer: WireAnswer, asked: Asked | undefined): void {
    this.#statuses.set(answer.status, (this.#statuses.get(answer.status) ?? 0) + 1);
    const wrong = wrongWith(answer, asked, this.#folders);
    if (wrong !== undefined) this.#fail(index, bytes, `${answer.status}: ${wrong}`);
  }

  #fail(index: number, bytes: Buffer, what: string): void {
    const { seed } = this.#options;
    const sent = JSON.stringify(bytes.toString('latin1', 0, 700));
    this.#failures.push(`seed ${seed}, request ${index}: ${what}\n  sent ${sent}`);
  }

  /** What can be asked for now. */
  async #look(): Promise<Known> {
    const { fleet, operations, captures } = this.#world;
    const [some, crashes] = [await operations.list({ limit: 20 }), await captures.list({ limit: 20 })];
    for (const { id, vmcore } of crashes.items) if (vmcore !== null) this.#captured.add(id);
    const cursors = [
      some.next,
      (await captures.list({ limit: 1 })).next,
      (await operations.list({ limit: 1 })).next,
    ];
    return {
      partitions: fleet.list().map(({ id }) => id),
      operations: some.items.map(({ id }) => id),
      captures: crashes.items.map(({ id }) => id),
      images: ['debian'],
      cursors: cursors.filter((each) => each !== undefined),
      tags: crashes.items.flatMap(({ vmcore }) => (vmcore === null ? [] : [`"${vmcore.sha256}"`])),
    };
  }

  /** Keeps one partition ready and few of all, and has one crash. */
  async #tidy(): Promise<void> {
    const { fleet, operations, captures, guests, events } = this.#world;
    // What the world keeps for tests that look at it.
    guests.length = 0;
    events.length = 0;
    const all = fleet.list();
    for (const { id, state } of all.slice(MAX_PARTITIONS)) {
      if (state === 'stopped') await fleet.remove(id);
      else if (state !== 'busy') await operations.submit({ kind: 'stop', partitionId: id });
    }
    if (!all.some(({ state }) => state === 'ready' || state === 'busy' || state === 'starting')) {
      const stopped = all.find(({ state }) => state === 'stopped');
      const { id } = stopped ?? (await fleet.create({ image: 'debian', cpus: 2 }));
      await operations.submit({ kind: 'start', partitionId: id });
    }
    const ready = all.find(
      ({ state, cpus, processor }) => state === 'ready' && cpus === 2 && processor === 'power9',
    );
    if (ready !== undefined)
      await operations.submit({
        kind: 'panic',
        partitionId: ready.id,
        options: { trigger: 'sysrq', dump: 'raw' },
      });
    for (const { id } of (await captures.list({ limit: 200 })).items.slice(20)) await captures.remove(id);
  }
}
