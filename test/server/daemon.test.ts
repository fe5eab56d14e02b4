/** The daemon as a whole, without the command line: over stores on disk, with the built-in guest or one that plays a script. */

import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Capture, Operation } from '../../src/panic/contract/index.ts';
import { type Daemon, type DaemonOptions, openDaemon } from '../../src/server/index.ts';
import { eventually } from '../support/eventually.ts';
import { crashablePartition } from '../synth/crashing-guest.ts';
import { CRASHES } from '../synth/fleet-world.ts';

let folder = '';
let open: Daemon[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kdumpd-daemon-'));
  await mkdir(join(folder, 'images'));
});
afterEach(async () => {
  for (const daemon of open.splice(0)) await daemon.close();
  await rm(folder, { recursive: true });
});

async function start(more: Partial<DaemonOptions> = {}): Promise<Daemon> {
  const daemon = await openDaemon({
    port: 0,
    data: folder,
    version: { name: 'kdumpd', version: '0.0.0-test' },
    logger: pino({ level: 'silent' }),
    ...more,
  });
  open.push(daemon);
  return daemon;
}

async function close(daemon: Daemon): Promise<void> {
  open = open.filter((each) => each !== daemon);
  await daemon.close();
}

async function ask<T>({ address }: Daemon, path: string, body?: object): Promise<T> {
  const answer = await fetch(`${address}/api/v1${path}`, {
    ...(body === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
        }),
  });
  return (await answer.json()) as T;
}

async function ended(daemon: Daemon, { id }: Operation): Promise<Operation> {
  return eventually(async () => {
    const operation = await ask<Operation>(daemon, `/operations/${id}`);
    return operation.state === 'queued' || operation.state === 'running' ? undefined : operation;
  });
}

const FLEET = {
  partitions: [{ name: 'one', image: 'built-in', cpus: 2, memory: '128M' }],
  make: 'when-empty',
} as const;

test('openDaemon: a fleet of one is started, crashed and closed; opened again → all of it is there', {
  timeout: 120_000,
}, async () => {
  const up: string[] = [];
  const first = await start({ onUp: (address) => up.push(address) });
  expect(await ask(first, '/partitions')).toEqual({ items: [] });
  expect(await first.startFleet(FLEET)).toEqual({ name: 'fleet', ok: true });
  expect(up).toEqual([first.address]);
  const [partition] = (await ask<{ items: { id: string }[] }>(first, '/partitions')).items;
  const path = `/partitions/${partition?.id}/panic`;
  const submitted = await ask<Operation>(first, path, { trigger: 'sysrq', dump: 'raw' });
  const done = await ended(first, submitted);
  expect(done).toMatchObject({ state: 'succeeded', captureId: expect.any(String) });
  await close(first);

  const second = await start();
  expect(await second.startFleet(FLEET)).toEqual({ name: 'fleet', ok: true });
  expect(await ask(second, path, { trigger: 'sysrq', dump: 'raw' })).toEqual(done);
  const captures = await ask<{ items: Capture[] }>(second, '/captures');
  expect(captures.items.map(({ id }) => id)).toEqual([done.captureId]);
  expect((await ask<{ items: object[] }>(second, '/partitions')).items).toMatchObject([
    { name: 'one', state: 'ready', crashes: 1 },
  ]);
  expect((await ask<{ items: object[] }>(second, '/schedules')).items).toHaveLength(3);
});

test('startFleet: a partition that cannot be made → reported, and the daemon serves', async () => {
  const troubles: string[] = [];
  const daemon = await start({ onTrouble: ({ name, state }) => troubles.push(`${name} ${state}`) });
  const check = await daemon.startFleet({ partitions: [{ name: 'two', image: 'nope' }], make: 'always' });
  expect([check.ok, troubles]).toEqual([false, ['two missing']]);
  expect((await fetch(`${daemon.address}/healthz`)).status).toBe(503);
});

test('memoryLimit: a fleet beyond it → what fits is up; a start beyond it → 409 with the figures', async () => {
  const daemon = await start({
    memoryLimit: 600 * 2 ** 20,
    openPartition: (config) => crashablePartition(CRASHES, config),
  });
  const partitions = ['one', 'two', 'three'].map((name) => ({ name, image: 'built-in', memory: '128M' }));
  const check = await daemon.startFleet({ partitions, make: 'always' });
  expect(check).toMatchObject({
    degraded: true,
    partitions: [{ name: 'three', state: 'failed', reason: expect.stringContaining('have 512 MiB') }],
  });
  const { items } = await ask<{ items: { id: string; name: string }[] }>(daemon, '/partitions');
  const id = items.find(({ name }) => name === 'three')?.id;
  const refused = await fetch(`${daemon.address}/api/v1/partitions/${id}/start`, { method: 'POST' });
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({
    type: 'urn:kdumpd:problem:quota-exceeded',
    detail: expect.stringMatching(/^Partition three may need 256 MiB .* 600 MiB\. Stop another one/),
  });
  const metrics = await (await fetch(`${daemon.address}/metrics`)).text();
  expect(metrics).toContain(`kdumpd_partition_memory_bytes{kind="reserved"} ${512 * 2 ** 20}\n`);
  expect(metrics).toContain(`kdumpd_partition_memory_bytes{kind="limit"} ${600 * 2 ** 20}\n`);
  expect(metrics).toContain('kdumpd_guest_unsupported_uses_total{kind="hcall"} 0\n');
});

test('startFleet: Debian is wanted and is not there → imported first, as an operation; a failure is told', async () => {
  const imports: string[] = [];
  const daemon = await start({
    importImage: async (_request, progress) => {
      progress({ step: 'index', done: 0, total: 1 });
      throw new Error('no packages');
    },
  });
  await daemon.startFleet({
    partitions: [{ name: 'one', image: 'debian' }],
    make: 'always',
    onImport: ({ failed }) => imports.push(failed ?? 'begins'),
  });
  expect(imports).toEqual(['begins', 'The import failed; the log of the daemon says why.']);
  const { items } = await ask<{ items: Operation[] }>(daemon, '/operations');
  expect(items).toMatchObject([{ kind: 'import', state: 'failed', phase: 'index' }]);
});

test('openDaemon: an address that is in use → the error of the system, and nothing stays open', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const address = holder.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await expect(start({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  holder.close();
  expect(await (await start()).startFleet({ partitions: [], make: 'always' })).toEqual({
    name: 'fleet',
    ok: true,
  });
});

test('close: while a crash is under way → the operation fails as interrupted, and nothing is stored', async () => {
  const daemon = await start({
    openPartition: (config) =>
      crashablePartition(
        {
          ...CRASHES,
          // What is typed is never read.
          onInput: () => undefined,
        },
        config,
      ),
  });
  await daemon.startFleet(FLEET);
  const [partition] = (await ask<{ items: { id: string }[] }>(daemon, '/partitions')).items;
  const operation = await ask<Operation>(daemon, `/partitions/${partition?.id}/panic`, {
    trigger: 'sysrq',
    dump: 'raw',
  });
  await close(daemon);
  const again = await start();
  expect(await ask(again, `/operations/${operation.id}`)).toMatchObject({
    state: 'failed',
    error: { code: 'interrupted' },
  });
  expect(await ask(again, '/captures')).toEqual({ items: [] });
});
