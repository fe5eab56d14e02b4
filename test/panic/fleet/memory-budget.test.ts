/** How much of the host's memory the partitions of a fleet may need together, and when it is given back. */

import { afterEach, describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../src/panic/fleet/memory-budget.ts';
import { bootWithCrashKernel } from '../../synth/crashing-guest.ts';
import {
  CRASHES,
  closeFleetWorld,
  type FleetWorld,
  openFleetWorld,
  readyPartition,
  seen,
} from '../../synth/fleet-world.ts';
import type { GuestScript } from '../../synth/partition-handle.ts';

const GIB = 2 ** 30;
const WORKER = 2 ** 27;
/** What `readyPartition` needs: it has the usual memory. */
const ONE = GIB + WORKER;

const opened: FleetWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await closeFleetWorld(world);
});

async function world(limit: number, script: GuestScript = CRASHES) {
  const memory = new MemoryBudget(limit);
  const made = await openFleetWorld(script, { memory });
  opened.push(made);
  return { ...made, memory };
}

type World = Awaited<ReturnType<typeof world>>;

const made = async (w: World, name: string, memory = '1G'): Promise<string> =>
  (await w.fleet.create({ image: 'debian', cpus: 2, name, memory })).id;
const start = (w: World, partitionId: string) => w.operations.submit({ kind: 'start', partitionId });

async function ends(w: World, kind: 'start' | 'stop' | 'reset', partitionId: string): Promise<string> {
  const { id } = await w.operations.submit({ kind, partitionId });
  for (;;) {
    const { state } = await w.operations.get(id);
    if (state !== 'queued' && state !== 'running') return state;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

it('MemoryBudget: what does not fit → refused with the figures; given back once', () => {
  const budget = MemoryBudget.ofHost(4 * GIB);
  expect(budget.limitBytes).toBe(3 * GIB);
  const first = budget.take(2 * GIB, 'one');
  expect(budget.reservedBytes).toBe(2 * GIB + WORKER);
  expect(() => budget.take(GIB, 'two')).toThrow(
    "Partition two may need 1.1 GiB of the host's memory (1.0 GiB for the guest, 128 MiB for its worker): partitions that are on have 2.1 GiB, and all together may have 3.0 GiB. Stop another one, or start the daemon with a larger --memory-limit.",
  );
  const second = budget.take(GIB / 2, 'two');
  first();
  first();
  expect(budget.reservedBytes).toBe(GIB / 2 + WORKER);
  second();
  expect(budget.reservedBytes).toBe(0);
});

describe('a partition that does not fit beside those that are on', () => {
  it('start, reset: → refused before anything begins; it fits once another one is off', async () => {
    const w = await world(ONE + 2 ** 20);
    const id = await readyPartition(w);
    const other = await made(w, 'two');
    const operations = (await w.metadata.operations.list({ limit: 10 })).items.length;
    await expect(start(w, other)).rejects.toMatchObject({
      code: 'quota',
      message: expect.stringContaining('Partition two may need 1.1 GiB'),
    });
    await expect(w.operations.submit({ kind: 'reset', partitionId: other })).rejects.toThrow('may need');
    expect(w.fleet.get(other).state).toBe('stopped');
    expect((await w.metadata.operations.list({ limit: 10 })).items).toHaveLength(operations);
    expect(await ends(w, 'stop', id)).toBe('succeeded');
    expect([w.memory.reservedBytes, w.guests[0]?.closed]).toEqual([0, true]);
    expect(await ends(w, 'start', other)).toBe('succeeded');
    expect(w.memory.reservedBytes).toBe(ONE);
  });

  it('startAll: → it fails with its reason, the first and smaller ones are up', async () => {
    const w = await world(2 * ONE);
    const [one, two, three] = [await made(w, 'one'), await made(w, 'two', '2G'), await made(w, 'three')];
    await w.fleet.startAll();
    expect([one, two, three].map((id) => w.fleet.get(id).state)).toEqual(['ready', 'failed', 'ready']);
    expect(w.fleet.get(two).reason).toContain('Partition two may need 2.1 GiB');
    expect(w.memory.reservedBytes).toBe(2 * ONE);
  });
});

describe('memory is given back', () => {
  it('a guest that does not come up', async () => {
    const w = await world(ONE, { onStart: (guest) => guest.end({ kind: 'error', message: 'bad kernel' }) });
    const id = await made(w, 'one');
    expect(await ends(w, 'start', id)).toBe('failed');
    expect(w.memory.reservedBytes).toBe(0);
  });

  it('a guest that stands still before it is ready', async () => {
    const w = await world(ONE, { onStart: (guest) => guest.rest(), onInput: (guest) => guest.rest() });
    const id = await made(w, 'one');
    expect(await ends(w, 'start', id)).toBe('failed');
    expect([w.memory.reservedBytes, w.guests[0]?.closed]).toEqual([0, true]);
  });

  it.each([
    ['powers off', { kind: 'power-off' }, 'stopped'],
    ['prints too much', { kind: 'exceeded', vty: 0, message: 'much' }, 'failed'],
  ] as const)('a guest in service that %s; it starts again', async (_what, end, state) => {
    const w = await world(ONE);
    const id = await readyPartition(w);
    w.guests[0]?.end(end);
    await seen(w, { kind: 'partition', id, state });
    while (w.memory.reservedBytes > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(await ends(w, 'start', id)).toBe('succeeded');
    expect(w.memory.reservedBytes).toBe(ONE);
  });

  it('an operation that is cancelled before its turn', async () => {
    const w = await world(ONE, { onStart: bootWithCrashKernel });
    const id = await readyPartition(w);
    const reset = await w.operations.submit({ kind: 'reset', partitionId: id });
    const again = await w.operations.submit({ kind: 'reset', partitionId: id });
    await w.operations.cancel(again.id);
    await w.operations.cancel(reset.id).catch(() => undefined);
    await w.fleet.close();
    expect(w.memory.reservedBytes).toBe(0);
  });
});

it('a crash, and a reset of the machine → the same reservation', async () => {
  const w = await world(ONE);
  const id = await readyPartition(w);
  const { id: panic } = await w.operations.submit({
    kind: 'panic',
    partitionId: id,
    options: { trigger: 'sysrq', dump: 'raw' },
  });
  await seen(w, { kind: 'operation', id: panic, state: 'succeeded' });
  await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
  expect(w.memory.reservedBytes).toBe(ONE);
  const machines = w.guests.length;
  expect(await ends(w, 'reset', id)).toBe('succeeded');
  expect([w.memory.reservedBytes, w.guests.length]).toEqual([ONE, machines]);
});

it('a machine that dies → the next one has its reservation, whoever asks meanwhile', async () => {
  const w = await world(ONE);
  const id = await readyPartition(w);
  const other = await made(w, 'two');
  w.guests[0]?.end({ kind: 'error', message: 'gone' });
  await seen(w, { kind: 'partition', id, state: 'crashed' });
  await expect(start(w, other)).rejects.toThrow('may need');
  await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
  expect([w.memory.reservedBytes, w.guests.length]).toEqual([ONE, 2]);
});
