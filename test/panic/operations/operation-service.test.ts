/** Operations from request to end, over the embedded queue and over one in memory with latency. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Operation, OperationRequest, ServiceEvent } from '../../../src/panic/contract/index.ts';
import { Refusal } from '../../../src/panic/contract/index.ts';
import {
  MemoryEventBus,
  type OperationHost,
  type OperationQueue,
  OperationService,
  type Run,
} from '../../../src/panic/operations/index.ts';
import { type MetadataStore, openMetadataStore } from '../../../src/panic/store/index.ts';
import { eventually } from '../../support/eventually.ts';
import { memoryMetadataStore } from '../store/memory-metadata-store.ts';

const START: OperationRequest = { kind: 'start', partitionId: 'p1' };
const IMPORT: OperationRequest = { kind: 'import', options: { kind: 'debian' } };

/** A host of which a test says what it does. */
class Host implements OperationHost {
  readonly kinds = ['start', 'import'] as const;
  readonly log: string[] = [];
  isFree = true;
  /** Host seconds. */
  limit = 60;
  /** Turns that wait; absent: each comes at once. */
  turns: (() => void)[] | undefined;
  work: (run: Run) => Promise<void> = async () => undefined;

  async accept(request: OperationRequest) {
    if (!this.isFree) throw new Refusal('conflict', 'busy');
    this.isFree = request.kind !== 'start';
    return {
      turn: async (work: () => Promise<void>) => {
        const { turns } = this;
        if (turns !== undefined) await new Promise<void>((resolve) => turns.push(resolve));
        await work();
      },
      drop: () => {
        this.log.push('dropped');
        this.isFree = true;
      },
    };
  }

  hostSeconds(): number {
    return this.limit;
  }

  async run(request: OperationRequest, run: Run) {
    this.log.push(`run ${request.kind}`);
    try {
      await this.work(run);
    } finally {
      this.isFree = true;
    }
    return { phase: 'done' };
  }
}

describe.each([
  ['SQLite', (now: () => number) => openMetadataStore(':memory:', { now })],
  ['in memory, remote', memoryMetadataStore],
] as const)('OperationService over %s', (_, open) => {
  let now = 0;
  let metadata: MetadataStore;
  let host: Host;
  const opened: OperationService[] = [];
  const events: ServiceEvent[] = [];
  const errors: Error[] = [];
  /** A test lets the store fail: the failures are reported. */
  let isDiskFull = false;
  beforeEach(() => {
    isDiskFull = false;
    errors.length = 0;
    now = Date.parse('2024-01-01T00:00:00Z');
    metadata = open(() => now);
    host = new Host();
    events.length = 0;
    errors.length = 0;
  });
  afterEach(async () => {
    for (const service of opened.splice(0)) await service.close();
    await metadata.close();
    if (!isDiskFull) expect(errors).toEqual([]);
  });

  let ids = 0;
  async function service(
    worker = 'one',
    of: OperationHost = host,
    queue: OperationQueue = metadata.operations,
  ): Promise<OperationService> {
    const bus = new MemoryEventBus();
    const made = new OperationService({
      queue,
      bus,
      worker: await metadata.operations.enlist(worker),
      newId: (prefix) => `${prefix}${++ids}`,
      onError: (error) => errors.push(error),
      leaseMs: 60_000,
    });
    made.serve(of);
    await bus.subscribe((message) => message.kind === 'event' && events.push(message.event));
    opened.push(made);
    return made;
  }

  async function until(
    of: OperationService,
    id: string,
    states: readonly Operation['state'][],
  ): Promise<Operation> {
    return eventually(async () => {
      const operation = await of.get(id);
      return states.includes(operation.state) ? operation : undefined;
    });
  }
  const ENDED = ['succeeded', 'failed', 'cancelled'] as const;

  /** The queue, of which some methods fail with an error of the disk while it is full. */
  function failing(...methods: readonly (keyof OperationQueue)[]): {
    readonly queue: OperationQueue;
    isFull: boolean;
  } {
    isDiskFull = true;
    const disk = { queue: metadata.operations, isFull: true };
    disk.queue = new Proxy(metadata.operations, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...parameters: readonly unknown[]): Promise<unknown> => {
          if (disk.isFull && methods.some((each) => each === name))
            throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
          return Reflect.apply(method, target, parameters);
        };
      },
    });
    return disk;
  }

  it('run: its end cannot be stored → shown as ended, also in lists and for its key; stored when that works again', async () => {
    const disk = failing('complete');
    const operations = await service('one', host, disk.queue);
    const { id } = await operations.submit(START, 'k');
    expect(await until(operations, id, ENDED)).toMatchObject({ state: 'succeeded', phase: 'done' });
    expect((await metadata.operations.get(id))?.state).toBe('running');
    expect((await operations.list({ limit: 10 })).items).toMatchObject([{ id, state: 'succeeded' }]);
    expect(await operations.submit(START, 'k')).toMatchObject({ id, state: 'succeeded' });
    await expect(operations.cancel(id)).rejects.toMatchObject({ code: 'conflict' });
    // Its lease runs out meanwhile: it is not one that a dead worker left.
    now += 120_000;
    await expect(operations.beat()).rejects.toMatchObject({ code: 'SQLITE_FULL' });
    expect((await operations.get(id)).state).toBe('succeeded');
    disk.isFull = false;
    expect(await operations.retryEnds()).toBe(0);
    expect(await metadata.operations.get(id)).toMatchObject({ state: 'succeeded', phase: 'done' });
    expect(errors.map(({ message }) => message)).toContain('database or disk is full');
    await operations.close();
    expect(events.map((e) => (e.kind === 'operation' ? e.state : e.kind))).toEqual([
      'queued',
      'running',
      'succeeded',
    ]);
  });

  it('run: it cannot be claimed → failed with the disk’s code, dropped, and stored when that works again', async () => {
    const disk = failing('claim');
    const operations = await service('one', host, disk.queue);
    const { id } = await operations.submit(START);
    expect(await until(operations, id, ENDED)).toMatchObject({
      state: 'failed',
      error: { code: 'disk-full', message: 'the disk is full (SQLITE_FULL)' },
    });
    expect(host.log).toEqual(['dropped']);
    disk.isFull = false;
    // A try that began while it was full may still run.
    await eventually(async () => (await operations.retryEnds().catch(() => 1)) === 0 || undefined);
    expect(await metadata.operations.get(id)).toMatchObject({
      state: 'failed',
      error: { code: 'disk-full' },
    });
    await operations.close();
    expect(errors).toMatchObject([{ code: 'SQLITE_FULL' }, { code: 'SQLITE_FULL' }]);
  });

  it('close: an end still cannot be stored → reported', async () => {
    const operations = await service('one', host, failing('complete').queue);
    const { id } = await operations.submit(START);
    await until(operations, id, ENDED);
    errors.length = 0;
    await operations.close();
    expect(errors).toMatchObject([{ code: 'SQLITE_FULL' }]);
  });

  it('submit: → queued, run, done, with an event for each step', async () => {
    const operations = await service();
    host.work = async (run) => run.report('half');
    const { id, state } = await operations.submit(START);
    expect(state).toBe('queued');
    expect(await until(operations, id, ENDED)).toMatchObject({ state: 'succeeded', phase: 'done' });
    await operations.close();
    expect(events.map((e) => (e.kind === 'operation' ? `${e.state} ${e.phase}` : e.kind))).toEqual([
      'queued queued',
      'running queued',
      'running half',
      'succeeded done',
    ]);
  });

  it('get, list: what it waits for, until it has ended', async () => {
    host.turns = [];
    const operations = await service();
    let release = (): void => undefined;
    host.work = (run) => {
      run.report('booting');
      return new Promise((resolve) => {
        release = resolve;
      });
    };
    const { id, waitsFor } = await operations.submit(START);
    expect(waitsFor).toContain('its turn');
    host.turns.shift()?.();
    const booting = await eventually(async () => {
      const operation = await operations.get(id);
      return operation.phase === 'booting' ? operation : undefined;
    });
    expect(booting.waitsFor).toContain('the guest to boot');
    expect((await operations.list({ limit: 1 })).items).toEqual([booting]);
    release();
    expect(await until(operations, id, ENDED)).not.toHaveProperty('waitsFor');
  });

  it('old operations are forgotten at the start, and after every few hundred', async () => {
    const kept: number[] = [];
    const queue = new Proxy(metadata.operations, {
      get: (target, name) => {
        if (name === 'forget') return async (count: number) => kept.push(count);
        const found: unknown = Reflect.get(target, name);
        return typeof found === 'function' ? found.bind(target) : found;
      },
    });
    const of = await service('one', host, queue);
    of.start();
    for (let i = 0; i < 1000; i++) await of.submit(IMPORT);
    expect(kept).toEqual([10_000, 10_000, 10_000]);
  });

  it('submit: the same key, at once and later → one operation, run once', async () => {
    const operations = await service();
    const all = await Promise.all([1, 2, 3].map(() => operations.submit(START, 'k')));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    const [first] = all;
    const done = await until(operations, first?.id ?? '', ENDED);
    expect(await operations.submit(START, 'k')).toEqual(done);
    const other = await operations.submit({ ...START, partitionId: 'p2' }, 'k');
    expect(other.id).not.toBe(done.id);
    await until(operations, other.id, ENDED);
    expect(host.log).toEqual(['run start', 'run start']);
  });

  it('submit: the same key in two processes at once → one operation, run once, and the other gives back what it took', async () => {
    const other = new Host();
    const [one, two] = [await service('one'), await service('two', other)];
    const [a, b] = await Promise.all([one.submit(START, 'k'), two.submit(START, 'k')]);
    expect(b.id).toBe(a.id);
    await until(one, a.id, ENDED);
    await Promise.all([one.close(), two.close()]);
    expect([...host.log, ...other.log].filter((each) => each === 'run start')).toHaveLength(1);
    expect([host.isFree, other.isFree]).toEqual([true, true]);
  });

  it('submit: the same key with another request, at once and later → refused, and nothing is taken', async () => {
    const operations = await service();
    const load = (kernel: string) =>
      operations.submit({ kind: 'import', options: { kind: 'debian', kernel } }, 'k');
    const ends = await Promise.allSettled([load('6.1'), load('6.2')]);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await expect(load('6.2')).rejects.toMatchObject({ code: 'key-reused' });
    const first = await load('6.1');
    await until(operations, first.id, ENDED);
    expect(host.log).toEqual(['run import']);
  });

  it('submit: refused → nothing is stored, and the key is free', async () => {
    const operations = await service();
    host.isFree = false;
    await expect(operations.submit(START, 'k')).rejects.toMatchObject({ code: 'conflict' });
    expect((await operations.list({ limit: 9 })).items).toEqual([]);
    host.isFree = true;
    expect(await operations.submit(START, 'k')).toMatchObject({ state: 'queued' });
  });

  it('cancel: before its turn → cancelled, never run, and what it took is given back', async () => {
    const operations = await service();
    host.turns = [];
    const { id } = await operations.submit(START);
    expect(await operations.cancel(id)).toMatchObject({ state: 'cancelled' });
    for (const turn of host.turns.splice(0)) turn();
    await operations.close();
    expect([host.log, host.isFree]).toEqual([['dropped'], true]);
    expect(await metadata.operations.get(id)).toMatchObject({ state: 'cancelled' });
  });

  /** Works until it is asked to end. */
  const untilAborted = ({ signal }: Run): Promise<void> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

  it('cancel: while it runs → it ends as cancelled, without an error', async () => {
    const operations = await service();
    host.work = untilAborted;
    for (const request of [IMPORT, START]) {
      const { id } = await operations.submit(request);
      await until(operations, id, ['running']);
      await operations.cancel(id);
      const ended = await until(operations, id, ENDED);
      expect([ended.state, ended.error]).toEqual(['cancelled', undefined]);
    }
    await expect(operations.cancel('o999')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('cancel: too late, the work is done → succeeded', async () => {
    const operations = await service();
    host.work = ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    const { id } = await operations.submit(START);
    await until(operations, id, ['running']);
    await operations.cancel(id);
    expect(await until(operations, id, ENDED)).toMatchObject({ state: 'succeeded', phase: 'done' });
  });

  it('host time: the limit passes → failed with code and figures; the next one has its own', async () => {
    const operations = await service();
    host.work = untilAborted;
    host.limit = 0.02;
    const { id } = await operations.submit(START);
    expect(await until(operations, id, ENDED)).toMatchObject({
      state: 'failed',
      error: { code: 'host-time-exceeded', message: expect.stringContaining('after 0.02 s of host time') },
    });
    host.work = async () => undefined;
    const next = await operations.submit(START);
    expect(await until(operations, next.id, ENDED)).toMatchObject({ state: 'succeeded' });
  });

  it('cancel: asked of another process → the worker sees it by its heartbeat', async () => {
    const [one, two] = [await service('one'), await service('two', new Host())];
    host.work = ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    const { id } = await one.submit(IMPORT);
    await until(one, id, ['running']);
    await two.cancel(id);
    expect(await one.get(id)).toMatchObject({ state: 'running' });
    await one.beat();
    expect(await until(one, id, ENDED)).toMatchObject({ state: 'cancelled' });
  });

  it('close: what runs is asked to end and fails as interrupted; what waits is not run', async () => {
    const operations = await service();
    host.work = ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    const running = await operations.submit(IMPORT);
    await until(operations, running.id, ['running']);
    host.turns = [];
    const waiting = await operations.submit(START);
    const closed = operations.close();
    for (const turn of host.turns.splice(0)) turn();
    await closed;
    for (const { id } of [running, waiting])
      expect(await metadata.operations.get(id)).toMatchObject({
        state: 'failed',
        error: { code: 'interrupted' },
      });
    expect(host.log).toEqual(['run import']);
  });

  it('beat: a worker that is alive keeps its operations, however long they take', async () => {
    const [one, two] = [await service('one'), await service('two', new Host())];
    let finish = (): void => undefined;
    host.work = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const { id } = await one.submit(START);
    await until(one, id, ['running']);
    for (let i = 0; i < 5; i++) {
      now += 50_000;
      await one.beat();
      await two.beat();
    }
    expect(await one.get(id)).toMatchObject({ state: 'running' });
    finish();
    expect(await until(one, id, ENDED)).toMatchObject({ state: 'succeeded' });
  });

  it('beat: a worker that is silent → its start fails, another worker takes its import over', async () => {
    const other = new Host();
    const [one, two] = [await service('one'), await service('two', other)];
    const aborted: string[] = [];
    host.work = ({ id, signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          aborted.push(id);
          reject(new Error('aborted'));
        }),
      );
    const [imported, started] = [await one.submit(IMPORT), await one.submit(START)];
    await until(one, imported.id, ['running']);
    await until(one, started.id, ['running']);
    now += 60_000;
    await two.beat();
    expect(await two.get(started.id)).toMatchObject({ state: 'failed', error: { code: 'interrupted' } });
    expect(await until(two, imported.id, ENDED)).toMatchObject({ state: 'succeeded' });
    expect(other.log).toEqual(['run import']);
    // It was only slow: it learns that both are lost, and what it says of them later changes nothing.
    await one.beat();
    expect(aborted.sort()).toEqual([imported.id, started.id].sort());
    await one.close();
    expect(await two.get(imported.id)).toMatchObject({ state: 'succeeded' });
  });
});
