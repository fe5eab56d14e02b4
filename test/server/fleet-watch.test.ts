import { expect, test } from 'vitest';
import { FleetWatch } from '../../src/server/fleet-watch.ts';
import type { TroubledPartition } from '../../src/server/http/shared/ports.ts';
import { FakeWorld } from '../synth/fleet.ts';
import { buildServiceOver } from '../synth/service.ts';

type Watched = {
  readonly world: FakeWorld;
  readonly watch: FleetWatch;
  readonly told: string[];
  ups: number;
};

function watched(slowMs = 60_000): Watched {
  const world = new FakeWorld();
  world.addImage({ name: 'debian' });
  const told: string[] = [];
  const made: Watched = {
    world,
    told,
    ups: 0,
    watch: new FleetWatch({
      fleet: world.fleet,
      operations: world.operations,
      events: world.bus,
      slowMs,
      onTrouble: ({ name, state, reason }: TroubledPartition) => told.push(`${name} ${state}: ${reason}`),
      onUp: () => {
        made.ups += 1;
      },
    }),
  };
  return made;
}

/** Starts as the fleet does: each partition comes up or fails. */
function startAll({ world }: Watched, failing: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const { id } of world.fleet.list()) world.setState(id, 'starting');
  for (const { id, name } of world.fleet.list())
    world.setState(id, failing[name] === undefined ? 'ready' : 'failed', failing[name]);
  return Promise.resolve();
}

test('every partition comes up → ok, told once', async () => {
  const w = watched();
  expect(w.watch.check()).toMatchObject({ ok: false, detail: 'the fleet is being made' });
  await w.watch.make([{ image: 'debian', name: 'one' }, { image: 'debian' }]);
  expect(w.ups).toBe(0);
  await w.watch.started(() => startAll(w));
  expect(w.watch.check()).toEqual({ name: 'fleet', ok: true });
  w.world.setState('p1', 'crashed');
  w.world.setState('p1', 'starting');
  expect(w.watch.check().ok).toBe(true);
  w.world.setState('p1', 'stopped');
  expect(w.watch.check().ok).toBe(true);
  expect([w.ups, w.told]).toEqual([1, []]);
});

test('one cannot be made, one fails, one runs → degraded with names and reasons; 200', async () => {
  const w = watched();
  await w.watch.make([
    { image: 'nope', name: 'one' },
    { image: 'debian', name: 'two' },
    { image: 'debian', name: 'three' },
  ]);
  await w.watch.started(() => startAll(w, { two: 'kernel: not an ELF file' }));
  const fleet = {
    name: 'fleet',
    ok: false,
    degraded: true,
    detail: '1 of 3 partitions is up',
    partitions: [
      { name: 'one', image: 'nope', state: 'missing', reason: 'There is no image nope.' },
      { id: 'p1', name: 'two', image: 'debian', state: 'failed', reason: 'kernel: not an ELF file' },
    ],
  };
  expect(w.watch.check()).toEqual(fleet);
  expect(w.told).toEqual(['one missing: There is no image nope.', 'two failed: kernel: not an ELF file']);
  expect(w.ups).toBe(0);
  const app = await buildServiceOver(w.world, { health: () => [w.watch.check()] });
  const answer = await app.inject('/healthz');
  expect([answer.statusCode, answer.json()]).toEqual([
    200,
    { ready: true, status: 'degraded', checks: [fleet] },
  ]);
  await app.close();
});

test('none is up → 503; repaired → ok, and then told', async () => {
  const w = watched();
  await w.watch.make([{ image: 'nope' }, { image: 'debian', name: 'two' }]);
  await w.watch.started(() => startAll(w, { two: 'no kernel' }));
  const app = await buildServiceOver(w.world, { health: () => [w.watch.check()] });
  const answer = await app.inject('/api/v1/healthz');
  expect([answer.statusCode, answer.json()]).toMatchObject([
    503,
    { ready: false, status: 'unavailable', checks: [{ detail: 'none of 2 partitions is up' }] },
  ]);
  expect(answer.json().checks[0].partitions[0].name).toBe('#1');
  w.world.addImage({ name: 'nope' });
  await w.watch.retry('nope');
  expect(w.world.fleet.get('p2').state).toBe('starting');
  w.world.setState('p2', 'ready');
  expect(w.ups).toBe(0);
  w.world.setState('p1', 'ready');
  expect(w.ups).toBe(1);
  expect((await app.inject('/healthz')).json()).toEqual({
    ready: true,
    status: 'ok',
    checks: [{ name: 'fleet', ok: true }],
  });
  await app.close();
});

test('one is slow to come up: the other works → degraded, not down; it is named, and the fleet is not up', async () => {
  const w = watched(10);
  await w.watch.make([
    { image: 'debian', name: 'one' },
    { image: 'debian', name: 'two' },
  ]);
  let finish = (): void => undefined;
  const starting = w.watch.started(() => {
    w.world.setState('p1', 'starting');
    w.world.setState('p2', 'starting');
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  expect(w.watch.check()).toMatchObject({ ok: false, detail: 'none of 2 partitions is up' });
  expect(w.watch.check().degraded).toBeUndefined();
  w.world.setState('p1', 'ready');
  expect(w.watch.check()).toMatchObject({ degraded: true, partitions: [{ id: 'p2', state: 'starting' }] });
  while (w.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect([w.told, w.ups]).toEqual([['two starting: it has not come up yet'], 0]);
  w.world.setState('p2', 'ready');
  finish();
  await starting;
  expect(w.ups).toBe(1);
});

test('a missing one is made by hand → well; told when it is up', async () => {
  const w = watched();
  await w.watch.make([
    { image: 'nope', name: 'one' },
    { image: 'debian', name: 'two' },
  ]);
  await w.watch.started(() => startAll(w));
  expect(w.watch.check().degraded).toBe(true);
  const { id } = await w.world.fleet.create({ image: 'debian', name: 'one' });
  w.world.setState(id, 'stopped');
  expect([w.watch.check().ok, w.ups]).toEqual([true, 0]);
  w.world.setState(id, 'starting');
  expect(w.ups).toBe(0);
  w.world.setState(id, 'ready');
  expect(w.ups).toBe(1);
});

test('make: a name that is there already → not made again; nameless ones only for an empty fleet', async () => {
  const w = watched();
  w.world.addPartition({ id: 'p1', name: 'one' });
  await w.watch.make([
    { image: 'debian', name: 'one' },
    { image: 'debian' },
    { image: 'debian', name: 'two' },
  ]);
  expect(w.world.fleet.list().map(({ name }) => name)).toEqual(['one', 'two']);
});

test('close: a fleet that is closed → nothing is told', async () => {
  const w = watched();
  await w.watch.make([{ image: 'debian', name: 'one' }]);
  await w.watch.started(async () => {
    w.world.setState('p1', 'starting');
    w.watch.close();
    w.world.setState('p1', 'stopped');
  });
  expect([w.ups, w.told]).toEqual([0, []]);
});
