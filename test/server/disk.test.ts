/** The daemon on a disk that is full or fails: what it refuses, what it keeps, what it says, and that it goes on. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Operation } from '../../src/panic/contract/index.ts';
import type { Health } from '../../src/server/http/shared/ports.ts';
import { type Daemon, type DaemonOptions, openDaemon } from '../../src/server/index.ts';
import { eventually } from '../support/eventually.ts';
import { crashablePartition } from '../synth/crashing-guest.ts';
import { CRASHES } from '../synth/fleet-world.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;

let folder = '';
const open: Daemon[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kdumpd-disk-'));
});
afterEach(async () => {
  for (const daemon of open.splice(0)) await daemon.close();
  await rm(folder, { recursive: true });
});

async function start(more: Partial<DaemonOptions> = {}): Promise<Daemon> {
  const daemon = await openDaemon({
    port: 0,
    data: join(folder, 'data'),
    version: { name: 'kdumpd', version: '0.0.0-test' },
    logger: pino({ level: 'silent' }),
    openPartition: (config) => crashablePartition(CRASHES, config),
    ...more,
  });
  open.push(daemon);
  await daemon.startFleet({
    partitions: [{ name: 'one', image: 'built-in', memory: '128M', cpus: 2 }],
    make: 'when-empty',
  });
  return daemon;
}

async function ask<T>({ address }: Daemon, path: string, body?: object): Promise<{ code: number; body: T }> {
  const answer = await fetch(`${address}/api/v1${path}`, {
    ...(body === undefined
      ? {}
      : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { code: answer.status, body: (await answer.json()) as T };
}

async function panicPath(daemon: Daemon): Promise<string> {
  const { body } = await ask<{ items: { id: string }[] }>(daemon, '/partitions');
  return `/partitions/${body.items[0]?.id}/panic`;
}

async function ended(daemon: Daemon, id: string): Promise<Operation> {
  return eventually(async () => {
    const { body } = await ask<Operation>(daemon, `/operations/${id}`);
    return body.state === 'queued' || body.state === 'running' ? undefined : body;
  });
}

const SYSRQ = { trigger: 'sysrq', dump: 'raw' };

test('panic: less room than a capture may need → 507 with the figures and the partition stays ready; with room → accepted', async () => {
  let free = 400 * MIB;
  const daemon = await start({ freeRoom: () => free, minFreeBytes: 64 * MIB });
  const path = await panicPath(daemon);
  const refused = await ask<{ detail: string; type: string }>(daemon, path, SYSRQ);
  expect(refused).toMatchObject({
    code: 507,
    body: {
      type: 'urn:kdumpd:problem:insufficient-storage',
      detail:
        "A capture of partition one may need 384 MiB on the data folder's disk: 400 MiB are free, 64.0 MiB stay free. Remove captures or images, or make room.",
    },
  });
  expect((await ask<{ items: object[] }>(daemon, '/partitions')).body.items).toMatchObject([
    { state: 'ready', crashes: 0 },
  ]);
  expect((await ask<{ items: object[] }>(daemon, '/operations')).body.items).toEqual([]);
  free = GIB;
  const { body } = await ask<Operation>(daemon, path, SYSRQ);
  await ended(daemon, body.id);
  // What was promised to the first is given back: 384 MiB fit again.
  free = 449 * MIB;
  await eventually(async () => {
    const { items } = (await ask<{ items: { state: string }[] }>(daemon, '/partitions')).body;
    return items[0]?.state === 'ready' || undefined;
  });
  expect((await ask(daemon, path, SYSRQ)).code).toBe(202);
});

test('panic: room is promised to a crash that runs → a second one is refused, and says so', async () => {
  const daemon = await start({ freeRoom: () => 700 * MIB, minFreeBytes: 64 * MIB });
  await ask(daemon, '/partitions', { name: 'two', image: 'built-in', memory: '128M' });
  const { items } = (await ask<{ items: { id: string; name: string }[] }>(daemon, '/partitions')).body;
  const two = items.find(({ name }) => name === 'two')?.id;
  await ask(daemon, `/partitions/${two}/start`, {});
  await eventually(async () => {
    const { state } = (await ask<{ state: string }>(daemon, `/partitions/${two}`)).body;
    return state === 'ready' || undefined;
  });
  const [first, second] = await Promise.all([
    ask<Operation>(daemon, await panicPath(daemon), SYSRQ),
    ask<{ detail: string }>(daemon, `/partitions/${two}/panic`, SYSRQ),
  ]);
  expect([first.code, second.code].sort()).toEqual([202, 507]);
  const refused = [first, second].find(({ code }) => code === 507)?.body as { detail: string };
  expect(refused.detail).toContain('384 MiB are promised to work that runs');
});

test('import: less room than it may need → 507, and nothing is imported', async () => {
  const daemon = await start({
    freeRoom: () => 100 * MIB,
    importImage: async () => {
      throw new Error('it was imported');
    },
  });
  expect(await ask(daemon, '/images/import', { kind: 'debian' })).toMatchObject({
    code: 507,
    body: { detail: expect.stringContaining('An import of debian may need 400 MiB') },
  });
});

test('healthz: less than what stays free → degraded with the figures, 200; room again → ok', async () => {
  let free = 10 * MIB;
  const daemon = await start({ freeRoom: () => free, minFreeBytes: 64 * MIB });
  const low = await ask<Health>(daemon, '/healthz');
  expect(low).toMatchObject({ code: 200, body: { ready: true, status: 'degraded' } });
  expect(low.body.checks.find(({ name }) => name === 'disk')).toEqual({
    name: 'disk',
    ok: false,
    degraded: true,
    detail: 'no room for captures and imports: 10.0 MiB free, 64.0 MiB wanted',
  });
  free = GIB;
  expect((await ask<Health>(daemon, '/healthz')).body.checks).toContainEqual({ name: 'disk', ok: true });
});
