/** Damage of the store over REST: the capture, health, metrics, the operations that verify and repair. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { arraySource } from '../../src/base/bytes.ts';
import { Captures, type StoreKeeper } from '../../src/panic/captures/index.ts';
import type { Operation } from '../../src/panic/contract/index.ts';
import { MemoryBudget, randomId } from '../../src/panic/index.ts';
import { MemoryEventBus, OperationService } from '../../src/panic/operations/index.ts';
import { type MetadataStore, openMetadataStore, verifyStore } from '../../src/panic/store/index.ts';
import type { App } from '../../src/server/http/shared/context.ts';
import { serviceFigures, storeHealth, watchStore } from '../../src/server/store-watch.ts';
import { openLocalVmcoreStore, type VmcoreStore } from '../../src/vmcore/store/index.ts';
import { contents, pathsIn, type StoredPaths, writeStores } from '../panic/store/stored-world.ts';
import { eventually } from '../support/eventually.ts';
import { FakeWorld } from '../synth/fleet.ts';
import { buildServiceOver } from '../synth/service.ts';

let folder = '';
let paths: StoredPaths;
let metadata: MetadataStore;
let vmcores: VmcoreStore;
let operations: OperationService;
let keeper: StoreKeeper;
let app: App;
const logged: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kdumpd-store-rest-'));
  paths = pathsIn(folder);
  await writeStores(paths);
  metadata = openMetadataStore(paths.metadata);
  vmcores = openLocalVmcoreStore(paths.chunks);
  const bus = new MemoryEventBus();
  const worker = await metadata.operations.enlist('local');
  const onError = (error: Error): void => void logged.push(error.message);
  operations = new OperationService({ queue: metadata.operations, bus, worker, newId: randomId, onError });
  const logger = pino({ level: 'error' }, { write: (line) => void logged.push(line) });
  keeper = watchStore({ metadata, vmcores, paths, logger, onError });
  operations.serve(keeper.host);
  const world = new FakeWorld();
  const fleet = { list: () => world.fleet.list(), unsupportedUses: () => ({ hcall: 2 }) };
  app = await buildServiceOver(world, {
    captures: new Captures({ captures: metadata.captures, vmcores, keeper, bus, newId: randomId, onError }),
    operations,
    store: () => keeper.view(),
    figures: () => serviceFigures({ fleet, memory: new MemoryBudget(2 ** 30), metadata, keeper }),
    health: () => [storeHealth(keeper)],
  });
});
afterEach(async () => {
  await app.close();
  await operations.close();
  await vmcores.close();
  await metadata.close();
  await rm(folder, { recursive: true });
  logged.length = 0;
});

const get = async (path: string) => app.inject(path.startsWith('/metrics') ? path : `/api/v1${path}`);

function alter(file: string, sql: string): void {
  const db = new BetterSqlite3(file);
  expect(db.prepare(sql).run().changes).toBe(1);
  db.close();
}

async function run(kind: 'verify' | 'repair'): Promise<Operation> {
  const { id } = (await app.inject({ method: 'POST', url: `/api/v1/store/${kind}` })).json<Operation>();
  return eventually(async () => {
    const operation = (await get(`/operations/${id}`)).json<Operation>();
    return operation.state === 'queued' || operation.state === 'running' ? undefined : operation;
  });
}

test('a chunk that changed → 500, the capture says so, health, metrics and log too; verified; healed by the same content', async () => {
  expect((await get('/healthz')).json()).toMatchObject({ status: 'ok' });
  // Short: a repair looks for the one bit that changed.
  alter(paths.chunks, "UPDATE chunk SET codec = 0, data = x'00' WHERE id = 1");
  expect((await get('/captures/c2')).json()).not.toHaveProperty('damaged');
  const answer = await get('/captures/c2/vmcore');
  expect([answer.statusCode, answer.json()]).toMatchObject([500, { code: 'store/corrupt-chunk' }]);
  await keeper.refresh();
  const expected = { damaged: true, damage: '1 of its 9 chunks of 64 KiB is damaged' };
  expect((await get('/captures/c2')).json()).toMatchObject(expected);
  expect((await get('/captures')).json().items).toMatchObject([expected, expected, expected]);
  expect((await get('/healthz')).json()).toMatchObject({
    ready: true,
    status: 'degraded',
    checks: [{ name: 'store', ok: false, degraded: true, captures: ['c1', 'c2', 'c3'] }],
  });
  const { body: metrics } = await get('/metrics');
  expect(metrics).toContain('kdumpd_store_damage{kind="captures"} 3');
  expect(metrics).toContain('kdumpd_guest_unsupported_uses_total{kind="hcall"} 2');
  expect(metrics).toContain('kdumpd_guest_unsupported_uses_total{kind="rtas"} 0');
  const about = (id: string): number => logged.filter((line) => line.includes(`"capture":"${id}"`)).length;
  await keeper.refresh();
  expect([about('c1'), about('c2'), about('c3')]).toEqual([1, 1, 1]);

  expect(await run('verify')).toMatchObject({ state: 'succeeded', phase: '1 damaged' });
  expect((await get('/store')).json()).toMatchObject({
    quarantined: 1,
    vmcores: 3,
    damagedCaptures: [{ id: 'c1' }, { id: 'c2' }, { id: 'c3' }],
    last: { damage: [{ kind: 'chunk', id: '1', captures: ['c1', 'c2', 'c3'] }] },
  });
  expect(await run('repair')).toMatchObject({ state: 'failed', error: { code: 'store/damaged' } });

  await vmcores.writeVmcore(arraySource(contents()[0] ?? new Uint8Array(0)));
  expect(await run('verify')).toMatchObject({ state: 'succeeded', phase: 'no damage' });
  expect((await get('/captures/c2')).json()).not.toHaveProperty('damaged');
  expect(
    Buffer.compare((await get('/captures/c2/vmcore')).rawPayload, contents()[1] ?? new Uint8Array(0)),
  ).toBe(0);
  expect((await get('/healthz')).json()).toMatchObject({ status: 'ok' });
}, 120_000);

test('records that changed → 500 with their ids, left out of lists that name them, health names how many', async () => {
  alter(paths.metadata, "UPDATE capture SET record = replace(record, 'built-in', 'other') WHERE id = 'c2'");
  alter(paths.metadata, "UPDATE trace SET gzip = x'1f8b' WHERE capture_id = 'c1'");
  for (const [path, text] of [
    ['/captures/c2', 'c2'],
    ['/captures/c2/vmcore', 'c2'],
    ['/captures/c1/trace', 'c1'],
    ['/captures/c1/rules', 'c1'],
  ] as const) {
    const answer = await get(path);
    expect([answer.statusCode, answer.json()]).toMatchObject([
      500,
      { type: 'urn:kdumpd:problem:damaged', code: 'store/corrupt-record' },
    ]);
    expect(answer.json().detail).toContain(text);
  }
  const { items, damaged } = (await get('/captures')).json();
  expect([items.map(({ id }: { id: string }) => id), damaged]).toEqual([['c3', 'c1'], ['c2']]);
  await keeper.refresh();
  expect((await get('/healthz')).json()).toMatchObject({ status: 'degraded' });
  expect((await app.inject({ method: 'DELETE', url: '/api/v1/captures/c2' })).statusCode).toBe(204);
  expect((await get('/captures')).json()).not.toHaveProperty('damaged');
  expect((await verifyStore(paths)).report.vmcores).toBe(2);
});

test('two verifications at once → the second is refused; cancelled → it ends', async () => {
  const [one, two] = await Promise.all(
    ['verify', 'verify'].map((kind) => app.inject({ method: 'POST', url: `/api/v1/store/${kind}` })),
  );
  expect([one?.statusCode, two?.statusCode].sort()).toEqual([202, 409]);
  const id = [one, two].find((answer) => answer?.statusCode === 202)?.json<Operation>().id ?? '';
  await app.inject({ method: 'POST', url: `/api/v1/operations/${id}/cancel` });
  const state = await eventually(async () => {
    const operation = (await get(`/operations/${id}`)).json<Operation>();
    return operation.state === 'queued' || operation.state === 'running' ? undefined : operation.state;
  });
  expect(['cancelled', 'succeeded']).toContain(state);
  expect(await run('verify')).toMatchObject({ state: 'succeeded' });
});
