/** What a daemon remembers when it starts again: the service over a fleet of scripted guests and stores on disk. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Capture, Operation, PartitionState } from '../../src/panic/contract/index.ts';
import { randomId } from '../../src/panic/index.ts';
import { openMetadataStore } from '../../src/panic/store/index.ts';
import type { App } from '../../src/server/http/shared/context.ts';
import { openLocalVmcoreStore } from '../../src/vmcore/store/index.ts';
import { bootWithCrashKernel, dump, enterKernel, handoff } from '../synth/crashing-guest.ts';
import { FakeWorld } from '../synth/fleet.ts';
import { closeFleetWorld, type FleetWorld, openFleetWorld } from '../synth/fleet-world.ts';
import type { GuestScript } from '../synth/partition-handle.ts';
import { buildServiceOver } from '../synth/service.ts';
import { elfDump } from '../synth/vmcore.ts';

type Daemon = FleetWorld & { readonly app: App };

const whole: GuestScript = {
  onStart: bootWithCrashKernel,
  onInput: (guest, vty, text) => {
    if (vty !== 0 || text !== '\x0fc') return guest.rest();
    handoff(guest, 1);
    enterKernel(guest, 1);
    setTimeout(() => dump(guest, elfDump()), 20);
  },
};
/** Its crash never gets further than the handoff. */
const stuck: GuestScript = {
  onStart: bootWithCrashKernel,
  onInput: (guest, vty, text) => (vty === 0 && text === '\x0fc' ? handoff(guest, 1) : guest.rest()),
};

let folder = '';
let open: Daemon[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kdumpd-restart-'));
});
afterEach(async () => {
  for (const daemon of open) await close(daemon);
  open = [];
  await rm(folder, { recursive: true });
});

async function start(script: GuestScript): Promise<Daemon> {
  const stores = {
    metadata: openMetadataStore(join(folder, 'meta.db')),
    vmcores: openLocalVmcoreStore(join(folder, 'chunks.db')),
  };
  const world = await openFleetWorld(script, { stores, newId: randomId });
  const { fleet, captures, operations } = world;
  const app = await buildServiceOver(new FakeWorld(), { fleet, captures, operations });
  const daemon = { ...world, app };
  open.push(daemon);
  return daemon;
}

async function close(daemon: Daemon): Promise<void> {
  open = open.filter((each) => each !== daemon);
  await daemon.app.close();
  await closeFleetWorld(daemon);
}

async function panic({ app }: Daemon, id: string, key: string): Promise<{ code: number; body: Operation }> {
  const answer = await app.inject({
    method: 'POST',
    url: `/api/v1/partitions/${id}/panic`,
    payload: { trigger: 'sysrq', dump: 'raw' },
    headers: { 'idempotency-key': key },
  });
  return { code: answer.statusCode, body: answer.json() };
}

async function until({ fleet }: Daemon, id: string, state: PartitionState): Promise<void> {
  while (fleet.get(id).state !== state) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function ended({ metadata }: Daemon, id: string): Promise<Operation> {
  for (;;) {
    const operation = await metadata.operations.get(id);
    if (operation !== null && operation.state !== 'queued' && operation.state !== 'running') return operation;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe('Idempotency-Key over a restart', () => {
  test('a panic that was captured → the same operation, whatever the partition does, and no second crash', async () => {
    const before = await start(whole);
    const { id } = await before.fleet.create({ image: 'debian', cpus: 2 });
    await before.fleet.startAll();
    const first = await panic(before, id, 'k');
    expect(first.code).toBe(202);
    const done = await ended(before, first.body.id);
    expect(done).toMatchObject({ state: 'succeeded', captureId: expect.any(String) });
    await close(before);

    const after = await start(whole);
    expect(after.fleet.get(id).state).toBe('stopped');
    expect(await panic(after, id, 'k')).toEqual({ code: 202, body: done });
    const starting = after.fleet.startAll();
    while (after.fleet.get(id).state === 'stopped') await new Promise((resolve) => setImmediate(resolve));
    expect(after.fleet.get(id).state).toBe('starting');
    expect(await panic(after, id, 'k')).toEqual({ code: 202, body: done });
    await starting;
    expect(await panic(after, id, 'k')).toEqual({ code: 202, body: done });
    expect(after.fleet.get(id)).toMatchObject({ state: 'ready', crashes: 1 });
    // Another key is another crash.
    const second = await panic(after, id, 'l');
    expect(second.code).toBe(202);
    expect(second.body.id).not.toBe(done.id);
    expect(await panic(after, id, 'k')).toEqual({ code: 202, body: done });
    expect((await panic(after, id, 'l')).body.id).toBe(second.body.id);
    await ended(after, second.body.id);
    await until(after, id, 'ready');
    expect(after.fleet.get(id).crashes).toBe(2);
    // The same crash twice: known by its signature.
    const list = async (query = ''): Promise<Capture[]> =>
      (await after.app.inject(`/api/v1/captures${query}`)).json().items;
    const [newer, older] = await list();
    expect(newer).toMatchObject({
      signature: older?.signature,
      cause: { backtrace: ['sysrq_handle_crash', '?'] },
    });
    expect(await list(`?signature=${older?.signature}`)).toEqual([newer, older]);
    expect(await list('?signature=0000000000000000')).toEqual([]);
  });

  test('a panic that the shutdown cut off → the same operation, failed as interrupted', async () => {
    const before = await start(stuck);
    const { id } = await before.fleet.create({ image: 'debian', cpus: 2 });
    await before.fleet.startAll();
    const first = await panic(before, id, 'k');
    await until(before, id, 'crashed');
    await close(before);

    const after = await start(stuck);
    await after.fleet.startAll();
    const again = await panic(after, id, 'k');
    expect(again).toMatchObject({
      code: 202,
      body: { id: first.body.id, state: 'failed', error: { code: 'interrupted' } },
    });
    expect(after.fleet.get(id).state).toBe('ready');
  });

  test('the same key at the same time, twice → one operation', async () => {
    const daemon = await start(whole);
    const { id } = await daemon.fleet.create({ image: 'debian', cpus: 2 });
    await daemon.fleet.startAll();
    const all = await Promise.all([1, 2, 3].map(() => panic(daemon, id, 'k')));
    expect(all.map(({ code }) => code)).toEqual([202, 202, 202]);
    expect(new Set(all.map(({ body }) => body.id)).size).toBe(1);
    await ended(daemon, all[0]?.body.id ?? '');
    await until(daemon, id, 'ready');
    expect(daemon.fleet.get(id).crashes).toBe(1);
  });
});
