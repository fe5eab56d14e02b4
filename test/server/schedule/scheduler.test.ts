import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type MetadataStore, openMetadataStore } from '../../../src/panic/store/index.ts';
import { DEFAULT_CONFIG } from '../../../src/server/config.ts';
import { maintenanceSchedules } from '../../../src/server/maintenance.ts';
import { sweepCaptures } from '../../../src/server/schedule/retention.ts';
import { openScheduleJournal, viewSchedules } from '../../../src/server/schedule/schedule-journal.ts';
import { type ScheduleJournal, Scheduler } from '../../../src/server/schedule/scheduler.ts';
import { FakeWorld } from '../../synth/fleet.ts';
import { buildServiceOver } from '../../synth/service.ts';

const logger = pino({ level: 'silent' });
let store: MetadataStore;
let journal: ScheduleJournal;
beforeEach(async () => {
  store = openMetadataStore(':memory:');
  journal = await openScheduleJournal(store.firings, await store.operations.enlist('local'));
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
});
/** `TIME state` of each firing in the journal, oldest first. */
const firings = async (id: string): Promise<string[]> =>
  [...(await store.firings.last(id, 1000))]
    .reverse()
    .map(({ fireTime, state }) => `${fireTime.slice(5, 16)} ${state}`);

describe('sweepCaptures', () => {
  const worldOf = (count: number, bytes: number): FakeWorld => {
    const world = new FakeWorld();
    for (let i = 0; i < count; i++)
      world.addCapture({ id: `c${i}` }, { bytes: new Uint8Array(bytes), trace: null });
    return world;
  };
  const timesOf = (world: FakeWorld): readonly number[] =>
    [...world.capturesById.values()].map(({ capture }) => Date.parse(capture.createdAt));
  const later = Date.parse('2030-01-01T00:00:00Z');

  test('more than the limit → the oldest go', async () => {
    const world = worldOf(450, 10);
    const result = await sweepCaptures(world.captures, { maxCaptures: 300 }, later);
    expect(result).toMatchObject({ kept: 300, removedBytes: 1500 });
    expect(world.capturesById.size).toBe(300);
    expect(world.capturesById.has('c149')).toBe(false);
    expect(world.capturesById.has('c150')).toBe(true);
  });

  test('more bytes than the limit → the oldest go; a small old one still fits', async () => {
    const world = worldOf(3, 100);
    world.addCapture({ id: 'big' }, { bytes: new Uint8Array(250), trace: null });
    const result = await sweepCaptures(world.captures, { maxCaptures: 10, maxVmcoreBytes: 350 }, later);
    expect(result.removed).toEqual(['c1', 'c0']);
  });

  test('young ones beyond the limit → kept', async () => {
    const world = worldOf(5, 1);
    const [, , c2 = 0, , now = 0] = timesOf(world);
    const result = await sweepCaptures(world.captures, { maxCaptures: 1, minAgeMs: now - c2 + 1 }, now);
    expect(result.removed).toEqual(['c1', 'c0']);
  });

  test('the clock was set back after they were made → not taken for young', async () => {
    const world = worldOf(5, 1);
    const now = (timesOf(world)[0] ?? 0) - 3600_000;
    const result = await sweepCaptures(world.captures, { maxCaptures: 2 }, now);
    expect(result.removed).toEqual(['c2', 'c1', 'c0']);
  });
});

describe('Scheduler', () => {
  test('an expression that is none → refused at once', () => {
    const schedules = [{ id: 'a', cron: 'every day', run: async () => undefined }];
    expect(() => new Scheduler({ schedules, journal, logger })).toThrow('no cron expression');
  });

  test('fire: the same time twice → once; while it runs → not again', async () => {
    const runs: number[] = [];
    let finish = (): void => undefined;
    const scheduler = new Scheduler({
      journal,
      logger,
      schedules: [
        {
          id: 'a',
          cron: '* * * * *',
          run: () =>
            new Promise((resolve) => {
              runs.push(runs.length);
              finish = resolve;
            }),
        },
      ],
    });
    const at = new Date('2024-01-01T00:00:00Z');
    const first = scheduler.fire('a', at);
    await Promise.resolve();
    expect(await scheduler.fire('a', new Date('2024-01-01T00:01:00Z'))).toBe(false);
    finish();
    expect(await first).toBe(true);
    expect(await scheduler.fire('a', at)).toBe(false);
    expect(runs).toHaveLength(1);
    expect(await firings('a')).toEqual(['01-01T00:00 succeeded', '01-01T00:01 missed']);
    await scheduler.stop();
  });

  test('a run that throws → the next one runs', async () => {
    let runs = 0;
    const scheduler = new Scheduler({
      journal,
      logger,
      schedules: [
        {
          id: 'a',
          cron: '* * * * *',
          run: async () => {
            runs += 1;
            throw new Error('disk full');
          },
        },
      ],
    });
    expect(await scheduler.fire('a', new Date(0))).toBe(true);
    expect(await scheduler.fire('a', new Date(60_000))).toBe(true);
    expect(runs).toBe(2);
    expect(await store.firings.last('a', 1)).toMatchObject([
      { fireTime: '1970-01-01T00:01:00.000Z', state: 'failed', error: 'disk full' },
    ]);
    await scheduler.stop();
  });

  test('start: fires by the clock, and makes up once for what was missed', async () => {
    vi.useFakeTimers({ now: new Date('2024-05-05T10:07:30Z') });
    await journal.claim('seen', new Date('2024-05-05T09:40:00Z'));
    const fired: string[] = [];
    const run = (id: string) => async () => {
      fired.push(id);
    };
    const scheduler = new Scheduler({
      journal,
      logger,
      schedules: [
        { id: 'seen', cron: '*/10 * * * *', run: run('seen') },
        { id: 'new', cron: '*/10 * * * *', run: run('new') },
      ],
    });
    await scheduler.start();
    expect(fired).toEqual(['seen']);
    expect(await firings('seen')).toEqual([
      '05-05T09:40 running',
      '05-05T09:50 missed',
      '05-05T10:00 succeeded',
    ]);
    expect(await firings('new')).toEqual(['05-05T10:00 missed']);
    expect(await journal.last('seen')).toEqual(new Date('2024-05-05T10:00:00Z'));
    await vi.advanceTimersByTimeAsync(3 * 60_000);
    expect(fired).toEqual(['seen', 'seen', 'new']);
    await scheduler.stop();
    await vi.advanceTimersByTimeAsync(30 * 60_000);
    expect(fired).toHaveLength(3);
  });

  test('stop: tells what runs, and waits for it', async () => {
    let ended = false;
    const scheduler = new Scheduler({
      journal,
      logger,
      schedules: [
        {
          id: 'a',
          cron: '* * * * *',
          run: (signal) =>
            new Promise((resolve) => {
              signal.addEventListener('abort', () => {
                ended = true;
                resolve();
              });
            }),
        },
      ],
    });
    const running = scheduler.fire('a', new Date(0));
    await new Promise((resolve) => setImmediate(resolve));
    await scheduler.stop();
    expect(ended).toBe(true);
    expect(await running).toBe(true);
    expect(await scheduler.fire('a', new Date(60_000))).toBe(false);
  });
});

describe('the journal over restarts', () => {
  const hourly = (fired: string[]): Scheduler =>
    new Scheduler({
      journal,
      logger,
      schedules: [
        {
          id: 'h',
          cron: '0 * * * *',
          run: async () => {
            fired.push(new Date().toISOString().slice(11, 16));
          },
        },
      ],
    });

  test('days of firings missed → all written down, the last one made up for, once', async () => {
    vi.useFakeTimers({ now: new Date('2024-05-01T10:30:00Z') });
    const fired: string[] = [];
    const first = hourly(fired);
    await first.start();
    await vi.advanceTimersByTimeAsync(3_600_000);
    await first.stop();
    expect(fired).toEqual(['11:00']);
    vi.setSystemTime(new Date('2024-05-03T09:15:00Z'));
    journal = await openScheduleJournal(store.firings, await store.operations.enlist('local'));
    const second = hourly(fired);
    await second.start();
    expect(fired).toEqual(['11:00', '09:15']);
    const all = await firings('h');
    expect(all.slice(0, 3)).toEqual(['05-01T10:00 missed', '05-01T11:00 succeeded', '05-01T12:00 missed']);
    expect(all.slice(-2)).toEqual(['05-03T08:00 missed', '05-03T09:00 succeeded']);
    expect(all).toHaveLength(48);
    await second.stop();
    // At once again: nothing is due, nothing is written down twice.
    const third = hourly(fired);
    await third.start();
    await third.stop();
    expect(fired).toHaveLength(2);
    expect(await firings('h')).toEqual(all);
  });

  test('a firing that was cut off → failed as interrupted, and not run again', async () => {
    const at = new Date('2024-05-01T10:00:00Z');
    expect(await journal.claim('h', at)).toBe(true);
    journal = await openScheduleJournal(store.firings, await store.operations.enlist('local'));
    expect(await store.firings.last('h', 5)).toMatchObject([
      { state: 'failed', error: 'the service was restarted while this was not done' },
    ]);
    expect(await journal.claim('h', at)).toBe(false);
  });

  test('GET /schedules: → when each fires next, and its last firings', async () => {
    vi.useFakeTimers({ now: new Date('2024-05-01T10:30:00Z'), toFake: ['Date'] });
    const scheduler = hourly([]);
    await scheduler.start();
    await scheduler.fire('h', new Date('2024-05-01T10:15:00Z'));
    const app = await buildServiceOver(new FakeWorld(), {
      schedules: () => viewSchedules(scheduler, store.firings),
    });
    const answer = await app.inject('/api/v1/schedules');
    expect(answer.json()).toEqual({
      items: [
        {
          id: 'h',
          cron: '0 * * * *',
          next: '2024-05-01T11:00:00.000Z',
          firings: [
            { fireTime: '2024-05-01T10:15:00.000Z', state: 'succeeded', endedAt: '2024-05-01T10:30:00.000Z' },
            { fireTime: '2024-05-01T10:00:00.000Z', state: 'missed' },
          ],
        },
      ],
    });
    await app.close();
    await scheduler.stop();
  });
});

test('maintenanceSchedules: fired → captures beyond the limit go, the store is swept and verified', async () => {
  const world = new FakeWorld();
  for (let i = 0; i < 4; i++) world.addCapture({ id: `c${i}` }, { bytes: new Uint8Array(1), trace: null });
  let [swept, verified] = [0, 0];
  const scheduler = new Scheduler({
    journal,
    logger,
    schedules: maintenanceSchedules({
      schedules: DEFAULT_CONFIG.schedules,
      limits: { maxCaptures: 3 },
      captures: world.captures,
      sweepStore: async () => {
        swept += 1;
        return { chunks: 1, bytes: 1 };
      },
      verifyStore: async () => {
        verified += 1;
      },
      maxCapturesOfKey: async () => new Map(),
      pruneAudit: async () => 0,
      logger,
    }),
  });
  await scheduler.fire('retention', new Date(0));
  await scheduler.fire('store-sweep', new Date(0));
  await scheduler.fire('store-verify', new Date(0));
  expect([...world.capturesById.keys()]).toEqual(['c1', 'c2', 'c3']);
  expect([swept, verified]).toEqual([1, 1]);
  await scheduler.stop();
});
