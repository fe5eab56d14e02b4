/**
 * The dashboard's client against a running service. Its types are generated from docs/openapi.json; every answer is held to
 * the same document (test/synth/documented.ts).
 */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RULES } from '../../src/panic/rules/index.ts';
import type { TraceV1 } from '../../src/panic/trace/index.ts';
import { upgradeTrace } from '../../src/panic/trace/index.ts';
import type { HealthCheck } from '../../src/server/http/shared/ports.ts';
import { type Api, ApiError, createApi } from '../../web/src/model/client.ts';
import { synthTrace } from '../synth/handoff-trace.ts';
import { buildTestService, openTestAccess, type TestService } from '../synth/service.ts';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let service: TestService;
let root = '';
let api: Api;
let checks: readonly HealthCheck[] = [{ name: 'fleet', ok: true }];

beforeAll(async () => {
  service = await buildTestService({ health: () => checks });
  root = await service.app.listen({ host: '127.0.0.1', port: 0 });
  api = createApi(root);
});
afterAll(() => service.app.close());

const refused = async (asked: Promise<unknown>): Promise<ApiError> => {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error(`not refused, but ${error}`);
  return error;
};

describe('the client', () => {
  test('a partition: → made, listed, started, typed at, and removed', async () => {
    const made = await api.createPartition({ image: 'debian', name: 'alpha', cpus: 2 });
    expect(made).toMatchObject({ name: 'alpha', cpus: 2, state: 'stopped' });
    expect((await api.partitions()).items.map(({ id }) => id)).toContain(made.id);
    expect(await api.act(made.id, 'start')).toMatchObject({ kind: 'start', partitionId: made.id });
    await api.type(made.id, 'ls\r');
    expect(service.world.typed).toEqual(['ls\r']);
    await api.act(made.id, 'stop');
    await api.removePartition(made.id);
    expect((await refused(api.removePartition(made.id))).status).toBe(404);
  });

  test('panic: → an operation, once for a key; its faults are sent', async () => {
    const request = { trigger: 'sysrq', dump: 'raw', faults: [{ kind: 'wedge', cpu: 1 }] } as const;
    const first = await api.panic('p1', request, 'key-1');
    expect(first).toMatchObject({ kind: 'panic', state: 'queued' });
    expect((await api.panic('p1', request, 'key-1')).id).toBe(first.id);
    expect(await api.operation(first.id)).toEqual(first);
    expect((await api.operations()).items.map(({ id }) => id)).toContain(first.id);
    expect((await api.cancel(first.id)).state).toBe('cancelled');
  });

  test.each(['kexec', 'restart'] as const)('%s: → an operation', async (path) => {
    service.world.addPartition({ id: `to-${path}` });
    expect((await api.leave(`to-${path}`, path, `key-${path}`)).kind).toBe(path);
  });

  test('images, rules and version: → as the service has them', async () => {
    expect((await api.images()).items.map(({ name }) => name)).toEqual(['debian']);
    expect((await refused(api.importDebian())).message).toBe('There is an image debian already.');
    service.world.imagesByName.delete('debian');
    expect((await api.importDebian()).kind).toBe('import');
    expect((await api.rules()).items).toEqual(RULES.map(({ judge: _judge, ...text }) => text));
    expect((await api.version()).api).toBe('v1');
  });

  test('captures: → a page, the next one, those of a crash; one, its trace, console; gone', async () => {
    for (let i = 0; i < 27; i++) service.world.addCapture({ id: `c${i}`, signature: '5fae1ac6deb31c85' });
    const first = await api.captures(undefined, '5fae1ac6deb31c85');
    expect(first.items.length).toBe(25);
    const second = await api.captures(first.next, '5fae1ac6deb31c85');
    expect(second.items.length).toBe(2);
    expect(second.next).toBeUndefined();
    expect((await api.capture('c1')).id).toBe('c1');
    expect(await api.trace('c1')).toEqual(synthTrace());
    expect(await api.captureConsole('c1')).toContain('Kernel panic');
    await api.removeCapture('c1');
    expect((await refused(api.capture('c1'))).status).toBe(404);
  });

  test('a trace that is stored in version 1: → version 2', async () => {
    const stored = JSON.parse(await readFile(fileOf('test/golden/trace-version-1.json'), 'utf8')) as TraceV1;
    service.world.addOperation({ id: 'o1', kind: 'restart', state: 'succeeded', traced: true });
    service.world.operationTraces.set('o1', stored);
    expect(await api.operationTrace('o1')).toEqual(upgradeTrace(stored));
  });

  test('health: → what the service says, with 503 as well', async () => {
    expect(await api.health()).toMatchObject({ ready: true, status: 'ok' });
    checks = [{ name: 'fleet', ok: false, detail: 'p2 failed' }];
    expect(await api.health()).toEqual({ ready: false, status: 'unavailable', checks });
    checks = [{ name: 'fleet', ok: true }];
  });

  test('a refusal: → its status and its words; of fields, which ones', async () => {
    const unknown = await refused(api.capture('nowhere'));
    expect(unknown).toMatchObject({ status: 404, message: 'There is no capture nowhere.' });
    const misfit = await refused(api.createPartition({ image: 'debian', cpus: 99 }));
    expect(misfit.status).toBe(400);
    expect(misfit.message).toMatch(/^cpus /);
  });

  test('nothing that answers: → status 0', async () => {
    const nobody = createApi('http://127.0.0.1:1');
    expect(await refused(nobody.version())).toMatchObject({
      status: 0,
      message: 'The daemon does not answer.',
    });
  });
});

test('web/src/model/openapi.d.ts: is what docs/openapi.json gives (npm run client rewrites it)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kdumpd-client-'));
  try {
    const made = join(folder, 'openapi.d.ts');
    const generator = fileOf('node_modules/openapi-typescript/bin/cli.js');
    const { scripts } = JSON.parse(await readFile(fileOf('package.json'), 'utf8')) as {
      scripts: { client: string };
    };
    const [, , , ...words] = scripts.client.split(' ');
    const args = words.map((word) => (word.endsWith('.d.ts') ? made : word));
    await promisify(execFile)(process.execPath, [generator, ...args], { cwd: fileOf('.') });
    expect(await readFile(fileOf('web/src/model/openapi.d.ts'), 'utf8')).toBe(await readFile(made, 'utf8'));
  } finally {
    await rm(folder, { recursive: true });
  }
}, 30_000);

describe('a session', () => {
  test('login, who is logged in, logout; a request without one → the page is told, a wrong key is only refused', async () => {
    const access = openTestAccess(true);
    const guarded = await buildTestService({ access });
    const base = await guarded.app.listen({ host: '127.0.0.1', port: 0 });
    let asked = 0;
    // Node's fetch keeps no cookies, as a browser does.
    let cookie = '';
    const fetchOf = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const request = new Request(input, init);
      request.headers.set('sec-fetch-site', 'same-origin');
      if (cookie !== '') request.headers.set('cookie', cookie);
      const answer = await fetchOf(request);
      cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie;
      return answer;
    };
    try {
      const page = createApi(base, () => {
        asked += 1;
      });
      const { secret } = await access.keys.create({ name: 'ops', scopes: ['view'] });
      expect(await page.session()).toMatchObject({ keyNeeded: true, actor: { kind: 'anonymous' } });
      expect((await refused(page.logIn('kd_nonsense'))).status).toBe(401);
      expect(asked).toBe(0);
      expect((await refused(page.partitions())).status).toBe(401);
      expect(asked).toBe(1);
      expect(await page.logIn(secret)).toMatchObject({ session: true, scopes: ['view'] });
      expect((await page.partitions()).items).toHaveLength(1);
      expect((await refused(page.act('p1', 'reset'))).status).toBe(403);
      await page.logOut();
      expect((await refused(page.partitions())).status).toBe(401);
      expect(asked).toBe(2);
    } finally {
      globalThis.fetch = fetchOf;
      await guarded.app.close();
    }
  });
});
