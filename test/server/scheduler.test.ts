import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { allowedHostsFor, DEFAULT_CONFIG } from '../../src/server/config.ts';
import { maintenanceSchedules } from '../../src/server/maintenance.ts';
import { sweepCaptures } from '../../src/server/retention.ts';
import { MemoryJournal, Scheduler } from '../../src/server/scheduler.ts';
import { FakeWorld } from '../synth/fleet.ts';

const logger = pino({ level: 'silent' });
afterEach(() => {
  vi.useRealTimers();
});

describe('sweepCaptures', () => {
  const worldOf = (count: number, bytes: number): FakeWorld => {
    const world = new FakeWorld();
    for (let i = 0; i < count; i++)
      world.addCapture({ id: `c${i}` }, { bytes: new Uint8Array(bytes), trace: null });
    return world;
  };
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
    const now = Date.parse([...world.capturesById.values()][2]?.capture.createdAt ?? '') + 1000;
    const result = await sweepCaptures(world.captures, { maxCaptures: 1, minAgeMs: 2000 }, now);
    expect(result.removed).toEqual(['c1', 'c0']);
  });
});

describe('Scheduler', () => {
  test('an expression that is none → refused at once', () => {
    const schedules = [{ id: 'a', cron: 'every day', run: async () => undefined }];
    expect(() => new Scheduler({ schedules, journal: new MemoryJournal(), logger })).toThrow(
      'no cron expression',
    );
  });

  test('fire: the same time twice → once; while it runs → not again', async () => {
    const runs: number[] = [];
    let finish = (): void => undefined;
    const scheduler = new Scheduler({
      journal: new MemoryJournal(),
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
    await scheduler.stop();
  });

  test('a run that throws → the next one runs', async () => {
    let runs = 0;
    const scheduler = new Scheduler({
      journal: new MemoryJournal(),
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
    await scheduler.stop();
  });

  test('start: fires by the clock, and makes up once for what was missed', async () => {
    vi.useFakeTimers({ now: new Date('2024-05-05T10:07:30Z') });
    const journal = new MemoryJournal();
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
      journal: new MemoryJournal(),
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

test('maintenanceSchedules: fired → captures beyond the limit go, the store is swept', async () => {
  const world = new FakeWorld();
  for (let i = 0; i < 4; i++) world.addCapture({ id: `c${i}` }, { bytes: new Uint8Array(1), trace: null });
  let swept = 0;
  const scheduler = new Scheduler({
    journal: new MemoryJournal(),
    logger,
    schedules: maintenanceSchedules({
      schedules: DEFAULT_CONFIG.schedules,
      limits: { maxCaptures: 3 },
      captures: world.captures,
      sweepStore: async () => {
        swept += 1;
        return { chunks: 1, bytes: 1 };
      },
      logger,
    }),
  });
  await scheduler.fire('retention', new Date(0));
  await scheduler.fire('store-sweep', new Date(0));
  expect([...world.capturesById.keys()]).toEqual(['c1', 'c2', 'c3']);
  expect(swept).toBe(1);
  await scheduler.stop();
});

test('allowedHostsFor: loopback → its own names; any other address → any', () => {
  expect(allowedHostsFor('127.0.0.1')).toContain('localhost');
  expect(allowedHostsFor('0.0.0.0')).toBeUndefined();
});
