import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../../src/panic/contract/index.ts';
import type { AuditStore } from '../../../src/panic/store/index.ts';
import { AuditLog, auditCheck } from '../../../src/server/access/index.ts';
import { memoryMetadataStore } from '../../panic/store/memory-metadata-store.ts';
import { eventually } from '../../support/eventually.ts';
import { synthVmcore } from '../../synth/fleet.ts';
import { buildTestService, openTestAccess, openTestAudit, type TestService } from '../../synth/service.ts';

const SIZE = 8 << 20;
let store: AuditStore;
let service: TestService;
let keys = {} as Record<'admin' | 'view' | 'download', string>;
beforeEach(async () => {
  store = memoryMetadataStore(Date.now).audit;
  const access = openTestAccess(true);
  service = await buildTestService({ access, audit: openTestAudit(store) });
  const made = async (scope: 'admin' | 'view' | 'download') =>
    (await access.keys.create({ name: scope, scopes: [scope] })).secret;
  keys = { admin: await made('admin'), view: await made('view'), download: await made('download') };
});
afterEach(() => service.app.close());

const entries = async (): Promise<readonly AuditEntry[]> => (await store.list({ limit: 200 })).items;

const logAt = (now: () => number): AuditLog =>
  new AuditLog({ store, newId: (prefix) => `${prefix}${now()}`, now, onLost: () => undefined });

async function ask(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  key?: keyof typeof keys,
  payload?: object,
) {
  const headers = key === undefined ? {} : { authorization: `Bearer ${keys[key]}` };
  return service.app.inject({
    method,
    url: `/api/v1${url}`,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
}

describe('what is recorded', () => {
  test('actions, with who did them, to what, and what was made; not reading', async () => {
    const panic = await ask('POST', '/partitions/p1/panic', 'admin', { trigger: 'nmi', dump: 'raw' });
    expect(panic.statusCode).toBe(202);
    await ask('GET', '/partitions', 'admin');
    const made = await ask('POST', '/partitions', 'admin', { image: 'debian', name: 'node-2' });
    await ask('DELETE', '/partitions/p1', 'admin');
    await ask('POST', '/keys', 'admin', { name: 'ci', scopes: ['view'] });
    expect(await entries()).toMatchObject([
      {
        action: 'key.create',
        target: 'ci',
        outcome: 'done',
        status: 201,
        result: expect.stringMatching(/keys\/k/),
      },
      { action: 'partition.remove', target: 'p1', outcome: 'failed', status: 409, problem: 'conflict' },
      { action: 'partition.create', target: 'node-2', outcome: 'done', result: made.headers.location },
      {
        action: 'partition.panic',
        target: 'p1',
        outcome: 'done',
        status: 202,
        actor: { kind: 'key', name: 'admin' },
        result: panic.headers.location,
        requestId: panic.headers['x-request-id'],
        address: '127.0.0.1',
      },
    ]);
    expect(JSON.stringify(await entries())).not.toContain(keys.admin);
  });

  test('refusals: who, what and why; a flood of them is one entry a minute with a count', async () => {
    for (let i = 0; i < 30; i++)
      await ask('POST', '/partitions/p1/panic', 'view', { trigger: 'nmi', dump: 'raw' });
    for (let i = 0; i < 30; i++) await ask('GET', '/partitions');
    expect(await entries()).toMatchObject([
      { action: 'read', outcome: 'refused', problem: 'unauthenticated', actor: { kind: 'anonymous' } },
      { action: 'partition.panic', outcome: 'refused', problem: 'forbidden', actor: { name: 'view' } },
    ]);
    expect(await entries()).toHaveLength(2);
  });

  test('it is there before the answer is', async () => {
    let stored = false;
    const { add } = store;
    store.add = async (entry) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      await add.call(store, entry);
      stored = true;
    };
    await ask('POST', '/partitions/p1/reset', 'admin', {});
    expect(stored).toBe(true);
  });

  test('an entry that cannot be stored → the action’s own answer; the log has it, and health says so', async () => {
    const lost: AuditEntry[] = [];
    store.add = () => Promise.reject(new Error('disk full'));
    const audit = new AuditLog({
      store,
      newId: (prefix) => `${prefix}1`,
      onLost: (entry) => lost.push(entry),
    });
    expect(auditCheck(audit)).toEqual([]);
    await service.app.close();
    service = await buildTestService({ audit });
    expect((await ask('POST', '/partitions/p1/reset', undefined, {})).statusCode).toBe(202);
    expect(lost).toMatchObject([{ action: 'partition.reset', target: 'p1' }]);
    expect(auditCheck(audit)).toMatchObject([{ name: 'audit', ok: false, degraded: true }]);
  });

  test('failures: a flood of them is one entry a minute, whatever names the client makes up', async () => {
    for (let i = 0; i < 30; i++) await ask('DELETE', `/partitions/made-up-${i}`, 'admin');
    expect(await entries()).toMatchObject([{ action: 'partition.remove', outcome: 'failed', status: 404 }]);
  });

  test('the clock is set back → the next refusal has an entry', async () => {
    let now = Date.parse('2026-05-01T12:00:00Z');
    const audit = logAt(() => now);
    const refused = {
      actor: { kind: 'anonymous' },
      action: 'read',
      outcome: 'refused',
      address: '192.0.2.1',
    } as const;
    await audit.record(refused);
    now -= 3600_000;
    await audit.record(refused);
    await audit.record(refused);
    expect(await entries()).toMatchObject([
      { at: '2026-05-01T11:00:00.000Z' },
      { at: '2026-05-01T12:00:00.000Z' },
    ]);
  });

  test('typing: one entry a minute, with a count', async () => {
    let now = 0;
    const audit = logAt(() => now);
    const typed = {
      actor: { kind: 'local' },
      action: 'partition.type',
      outcome: 'done',
      target: 'p1',
    } as const;
    for (; now < 61_000; now += 1000) await audit.record(typed);
    await audit.record({ ...typed, target: 'p2' });
    expect(await entries()).toMatchObject([{ target: 'p2' }, { repeated: 59 }, { target: 'p1' }]);
  });
});

describe('downloads', () => {
  beforeEach(() => {
    service.world.addCapture({ id: 'c1' }, { bytes: synthVmcore(SIZE) });
  });

  test('a whole one, a range, and a 304 → bytes that were handed over; nothing for the 304', async () => {
    const base = await service.app.listen({ host: '127.0.0.1', port: 0 });
    const get = async (more: Record<string, string>) => {
      const headers = { authorization: `Bearer ${keys.download}`, ...more };
      const answer = await fetch(`${base}/api/v1/captures/c1/vmcore`, { headers });
      await answer.arrayBuffer();
      return answer;
    };
    const recorded = (count: number) =>
      eventually(async () => ((await entries()).length >= count ? count : undefined));
    const whole = await get({});
    await recorded(1);
    expect((await get({ 'if-none-match': String(whole.headers.get('etag')) })).status).toBe(304);
    await get({ range: 'bytes=0-99' });
    await recorded(2);
    expect(await entries()).toMatchObject([
      { action: 'capture.download', target: 'c1', status: 206, bytes: 100, complete: true, outcome: 'done' },
      { action: 'capture.download', target: 'c1', status: 200, bytes: SIZE, complete: true },
    ]);
    expect(await entries()).toHaveLength(2);
  });

  test('one that the client leaves → recorded as not complete, with fewer bytes', async () => {
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = service.app.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `GET /api/v1/captures/c1/vmcore HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${keys.download}\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    const [entry] = await eventually(async () => {
      const found = await entries();
      return found.length > 0 ? found : undefined;
    });
    expect(entry).toMatchObject({ action: 'capture.download', outcome: 'failed', complete: false });
    expect(entry?.bytes).toBeLessThan(SIZE);
  });
});

test('GET /audit: for admin alone, by action, outcome and key, page by page', async () => {
  await ask('POST', '/partitions/p1/reset', 'admin', {});
  await ask('POST', '/partitions/p1/panic', 'admin', { trigger: 'nmi', dump: 'raw' });
  const list = async (query: string) => (await ask('GET', `/audit${query}`, 'admin')).json();
  const actions = async (query: string) =>
    ((await list(query)).items as AuditEntry[]).map(({ action }) => action);
  expect(await actions('')).toEqual(['partition.panic', 'partition.reset']);
  expect(await actions('?action=partition.reset')).toEqual(['partition.reset']);
  expect(await actions('?outcome=refused')).toEqual([]);
  expect(await actions('?keyId=absent')).toEqual([]);
  const { next } = await list('?limit=1');
  expect(await actions(`?limit=1&cursor=${next}`)).toEqual(['partition.reset']);
  expect((await ask('GET', '/audit?action=nonsense', 'admin')).statusCode).toBe(400);
});
