/**
 * Clients that use a daemon all at once: they crash guests, read, download and delete captures, make and remove partitions. What
 * the daemon answers goes into the ledger. They end when the daemon does, or when they are asked to.
 */

import type { Capture, Operation, Page, PartitionView } from '../../src/panic/contract/index.ts';
import { below, seededRandom } from '../../test/support/seeded-random.ts';
import type { Client } from './client.ts';
import type { Ledger } from './ledger.ts';

export type LoadOptions = {
  readonly client: Client;
  readonly ledger: Ledger;
  readonly seed: number;
  /** Called for what no fault explains. */
  readonly onWrong: (what: string) => void;
  /** Crashes are counted, and each request that no answer came to. */
  readonly count: (what: string) => void;
  /** Captures that are kept; older ones are deleted. */
  readonly keep: number;
  /** What {@link onCrash} is given of the moment when a crash was asked for. */
  readonly moment?: () => number;
  /** Called for a crash of the fleet's own partitions that was captured. */
  readonly onCrash?: (milliseconds: number, moment: number) => void;
};

/** Partitions of the fleet file have these names; those that the load makes have others. */
export const FLEET_NAME: RegExp = /^fleet-/;

export class Load {
  readonly #options: LoadOptions;
  readonly #running: Promise<void>[];
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    const work = [this.#crash, this.#delete, this.#read, this.#members];
    this.#running = work.map((each, i) => this.#repeat(each, seededRandom(options.seed * 31 + i)));
  }

  /** Ends when every client has ended its last request. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #repeat(work: (random: () => number) => Promise<boolean>, random: () => number): Promise<void> {
    while (!this.#stopped) {
      const did = await work.call(this, random);
      await pause(did ? 20 * random() : 250);
    }
  }

  /** Crashes a guest that is ready, and follows it to its end. */
  async #crash(random: () => number): Promise<boolean> {
    const { client, count } = this.#options;
    const ready = (await this.#partitions()).filter(({ state }) => state === 'ready');
    const crashed = ready.slice(0, 1 + below(random, ready.length));
    await Promise.all(
      crashed.map(async ({ id, cpus, name }) => {
        const [begun, moment] = [performance.now(), this.#options.moment?.() ?? 0];
        const trigger = (['sysrq', 'nmi', 'panic', 'echo'] as const)[below(random, 4)];
        const body = { trigger, dump: 'raw', ...(random() < 0.5 ? { onCpu: below(random, cpus) } : {}) };
        const { status, body: operation } = await client.call<Operation>(
          'POST',
          `/partitions/${id}/panic`,
          body,
        );
        if (status !== 202 || operation === undefined) return count(`panic ${status}`);
        this.#options.ledger.add({ kind: 'operation', id: operation.id, debt: 'owed' });
        const isCaptured = await this.#follow(operation.id);
        if (isCaptured && FLEET_NAME.test(name)) this.#options.onCrash?.(performance.now() - begun, moment);
      }),
    );
    return crashed.length > 0;
  }

  /** Waits for an operation's end, and owes its capture from then on. @returns whether it succeeded */
  async #follow(id: string): Promise<boolean> {
    const { client, ledger, count } = this.#options;
    for (;;) {
      const { status, body } = await client.get<Operation>(`/operations/${id}`);
      if (status !== 200 || body === undefined) return false;
      if (body.state === 'queued' || body.state === 'running') {
        if (this.#stopped) return false;
        await pause(25);
        continue;
      }
      count(`crash ${body.state}${body.error === undefined ? '' : ` (${body.error.code})`}`);
      if (body.captureId === undefined) return body.state === 'succeeded';
      const { body: capture } = await client.get<Capture>(`/captures/${body.captureId}`);
      if (capture !== undefined) {
        const { sha256 = null, bytes = 0 } = capture.vmcore ?? {};
        ledger.add({ kind: 'capture', id: capture.id, sha256, bytes });
      }
      return body.state === 'succeeded';
    }
  }

  async #delete(random: () => number): Promise<boolean> {
    const { client, ledger, keep, count } = this.#options;
    const owed = ledger.captures;
    if (owed.length <= keep) return false;
    const doomed = owed[below(random, owed.length)];
    if (doomed === undefined) return false;
    ledger.add({ kind: 'deletion', id: doomed.id, isDone: false });
    const { status } = await client.call('DELETE', `/captures/${doomed.id}`);
    count(`delete ${status}`);
    if (status === 204) ledger.add({ kind: 'deletion', id: doomed.id, isDone: true });
    return true;
  }

  async #read(random: () => number): Promise<boolean> {
    const { client, ledger, onWrong, count } = this.#options;
    const choice = below(random, 6);
    if (choice === 0) await client.get<Page<Capture>>('/captures?limit=20');
    else if (choice === 1) await client.get<Page<Operation>>('/operations?limit=50');
    else if (choice === 2) await client.get('/healthz');
    else {
      const owed = ledger.vmcores;
      const one = owed[below(random, owed.length)];
      if (one === undefined) return false;
      if (choice === 3) await client.get(`/captures/${one.id}/rules`);
      else if (choice === 4) {
        const from = below(random, one.bytes);
        const { status, bytes, cut } = await client.download(one.id, `bytes=${from}-${from + 99_999}`);
        const expected = Math.min(100_000, one.bytes - from);
        if (status === 206 && cut === undefined && bytes !== expected)
          onWrong(`${bytes} bytes of capture ${one.id} from ${from} came, not ${expected}`);
      } else {
        const { status, sha256, cut } = await client.download(one.id);
        count(`download ${status}${cut === undefined ? '' : ' cut'}`);
        if (status === 200 && cut === undefined && sha256 !== one.sha256)
          onWrong(`capture ${one.id} was served with other bytes and no error`);
      }
    }
    return true;
  }

  /** Makes a partition, starts it, and after a while stops and deletes it. */
  async #members(random: () => number): Promise<boolean> {
    const { client, ledger, count } = this.#options;
    const all = await this.#partitions();
    // What a fault or a kill stopped is started again, as its owner would.
    for (const { id, name, state } of all)
      if (FLEET_NAME.test(name) && (state === 'failed' || state === 'stopped'))
        await client.call('POST', `/partitions/${id}/start`);
    const made = all.filter(({ name }) => !/^(fleet|hostile)-/.test(name));
    if (made.length < 2) {
      const request = { image: 'built-in', memory: '128M', seed: 1 + below(random, 1000) };
      const { status, body } = await client.call<PartitionView>('POST', '/partitions', request);
      count(`partition ${status}`);
      if (status !== 201 || body === undefined) return false;
      ledger.add({ kind: 'partition', id: body.id, debt: 'owed' });
      if (random() < 0.7) await client.call('POST', `/partitions/${body.id}/start`);
    } else {
      const one = made[below(random, made.length)];
      if (one === undefined || one.state === 'starting' || one.state === 'busy') return false;
      if (one.state !== 'stopped') {
        const { status, body } = await client.call<Operation>('POST', `/partitions/${one.id}/stop`);
        if (status !== 202 || body === undefined) return false;
        ledger.add({ kind: 'operation', id: body.id, debt: 'owed' });
        await this.#follow(body.id);
      } else {
        ledger.add({ kind: 'partition', id: one.id, debt: 'asked' });
        const { status } = await client.call('DELETE', `/partitions/${one.id}`);
        if (status === 204) ledger.add({ kind: 'partition', id: one.id, debt: 'released' });
        else if (status >= 400 && status < 500) ledger.add({ kind: 'partition', id: one.id, debt: 'owed' });
      }
    }
    await pause(2000 * random());
    return true;
  }

  async #partitions(): Promise<readonly PartitionView[]> {
    const { body } = await this.#options.client.get<{ items: PartitionView[] }>('/partitions');
    return body?.items ?? [];
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
