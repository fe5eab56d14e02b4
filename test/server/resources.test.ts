/** Captures, operations, images and the service itself. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Capture } from '../../src/panic/contract/index.ts';
import { synthTrace } from '../synth/handoff-trace.ts';
import { buildTestService, type TestService } from '../synth/service.ts';

let service: TestService;
beforeEach(async () => {
  service = await buildTestService();
});
afterEach(() => service.app.close());
const get = (url: string) => service.app.inject(`/api/v1${url}`);
const send = (method: 'POST' | 'DELETE', url: string, payload?: object) =>
  service.app.inject({ method, url: `/api/v1${url}`, ...(payload === undefined ? {} : { payload }) });

const SYSRQ = '0123456789abcdef';
const CAUSE = { reason: 'sysrq triggered crash', backtrace: ['sysrq_handle_crash', '__handle_sysrq'] };

describe('captures', () => {
  test('GET /captures: pages newest first, each once', async () => {
    for (let i = 0; i < 7; i++) service.world.addCapture({ id: `c${i}` }, { bytes: new Uint8Array(1) });
    const seen: string[] = [];
    let url = '/captures?limit=3';
    for (;;) {
      const page = (await get(url)).json() as { items: Capture[]; next?: string };
      seen.push(...page.items.map((c) => c.id));
      if (page.next === undefined) break;
      url = `/captures?limit=3&cursor=${page.next}`;
    }
    expect(seen).toEqual(['c6', 'c5', 'c4', 'c3', 'c2', 'c1', 'c0']);
  });

  test('GET /captures: filters by partition and outcome', async () => {
    service.world.addCapture({ id: 'a', partitionId: 'p1' });
    service.world.addCapture({ id: 'b', partitionId: 'p2', outcome: 'failed' }, { bytes: null });
    expect((await get('/captures?partitionId=p2')).json().items).toHaveLength(1);
    expect((await get('/captures?outcome=captured')).json().items[0].id).toBe('a');
    expect((await get('/captures?outcome=failed&partitionId=p1')).json().items).toEqual([]);
  });

  test('GET /captures?signature=: → those of the same crash; what is no signature → 400', async () => {
    service.world.addCapture({ id: 'a', signature: SYSRQ, cause: CAUSE });
    service.world.addCapture({ id: 'b', signature: 'fedcba9876543210' });
    service.world.addCapture({ id: 'c' });
    const of = async (query: string) =>
      (await get(`/captures?${query}`)).json().items.map(({ id }: Capture) => id);
    expect(await of(`signature=${SYSRQ}`)).toEqual(['a']);
    expect(await of('signature=0000000000000000')).toEqual([]);
    expect(await of(`signature=${SYSRQ}&outcome=failed`)).toEqual([]);
    for (const bad of ['', 'x', `${SYSRQ}0`, SYSRQ.toUpperCase()])
      expect((await get(`/captures?signature=${bad}`)).statusCode).toBe(400);
  });

  test('GET /captures/:id: captured and failed → every field as stored', async () => {
    const good = service.world.addCapture({ id: 'good', signature: SYSRQ, cause: CAUSE });
    const bad = service.world.addCapture(
      { id: 'bad', outcome: 'failed', phase: 'handoff', reason: 'CPU 1 never stopped' },
      { bytes: null, trace: synthTrace({ ends: 't0' }) },
    );
    expect((await get('/captures/good')).json()).toEqual(good);
    expect((await get('/captures/bad')).json()).toEqual(bad);
    expect(bad.vmcore).toBe(null);
  });

  test('GET trace, rules, console: → as stored', async () => {
    const trace = synthTrace();
    service.world.addCapture({ id: 'c1' }, { trace, console: 'panic\r\n\u001b[31mred' });
    const answer = await get('/captures/c1/trace');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).toBe(JSON.stringify(trace));
    expect((await get('/captures/c1/rules')).json()).toEqual({ items: trace.rules });
    const console = await get('/captures/c1/console');
    expect(console.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(console.body).toBe('panic\r\n\u001b[31mred');
  });

  test('GET trace: none → 404 that says so', async () => {
    service.world.addCapture({ id: 'c1', outcome: 'failed' }, { trace: null, bytes: null });
    expect((await get('/captures/c1/trace')).json().detail).toBe('This crash ended before its trace began.');
  });

  test('DELETE /captures/:id: → 204, then 404', async () => {
    service.world.addCapture({ id: 'c1' });
    expect((await send('DELETE', '/captures/c1')).statusCode).toBe(204);
    expect((await send('DELETE', '/captures/c1')).statusCode).toBe(404);
    expect((await get('/captures/c1/vmcore')).statusCode).toBe(404);
  });
});

describe('operations', () => {
  test('cancel: queued → cancelled; running → 409', async () => {
    service.world.addOperation({ id: 'op-1', partitionId: 'p1' });
    expect((await send('POST', '/operations/op-1/cancel')).json()).toMatchObject({ state: 'cancelled' });
    expect((await send('POST', '/operations/op-1/cancel')).statusCode).toBe(409);
  });

  test('GET: a failed one → its error; list filters by partition', async () => {
    const failed = service.world.addOperation({
      id: 'op-1',
      state: 'failed',
      phase: 'handoff',
      partitionId: 'p1',
      captureId: 'c1',
      error: { code: 'panic/cpu-not-stopped', message: 'CPU 1 never stopped' },
    });
    service.world.addOperation({ id: 'op-2', kind: 'import' });
    expect((await get('/operations/op-1')).json()).toEqual(failed);
    expect((await get('/operations?partitionId=p1')).json().items).toEqual([failed]);
    expect((await get('/operations')).json().items).toHaveLength(2);
  });
});

describe('images', () => {
  test('import debian: → 202 operation; the same name again → 409', async () => {
    const answer = await send('POST', '/images/import', {
      kind: 'debian',
      name: 'new',
      kernel: '6.1.0-50-powerpc64le',
    });
    expect(answer.statusCode).toBe(202);
    expect((await service.app.inject(String(answer.headers.location))).json().kind).toBe('import');
    expect((await get('/images/new')).json()).toMatchObject({
      state: 'importing',
      detail: 'fetching packages',
    });
    expect((await send('POST', '/images/import', { kind: 'debian', name: 'new' })).statusCode).toBe(409);
  });

  test.each([
    ['6.12', 202],
    ['powerpc64le-64k', 202],
    ['/etc/shadow', 400],
    ['-o', 400],
  ])('import debian: kernel %s → %i', async (kernel, status) => {
    const answer = await send('POST', '/images/import', { kind: 'debian', name: 'new', kernel });
    expect(answer.statusCode).toBe(status);
  });

  test('DELETE: in use → 409; unused → 204', async () => {
    service.world.addImage({
      name: 'spare',
      kind: 'files',
      files: [{ role: 'kernel', bytes: 5, sha256: 'a'.repeat(64) }],
    });
    expect((await get('/images')).json().items).toHaveLength(2);
    expect((await send('DELETE', '/images/debian')).statusCode).toBe(409);
    expect((await send('DELETE', '/images/spare')).statusCode).toBe(204);
    expect((await get('/images')).json().items).toHaveLength(1);
  });

  test('import of a local path over REST → 400: files come by the command line', async () => {
    expect((await send('POST', '/images/import', { kind: 'files', kernel: '/etc/shadow' })).statusCode).toBe(
      400,
    );
  });
});

describe('service', () => {
  test('healthz: all well → 200; one check that fails → 503 with what and why', async () => {
    const well = await service.app.inject('/healthz');
    expect(well.statusCode).toBe(200);
    expect(well.json()).toEqual({ ready: true, status: 'ok', checks: [{ name: 'fleet', ok: true }] });
    const sick = await buildTestService({
      health: () => [
        { name: 'store', ok: true },
        { name: 'fleet', ok: false, detail: '1 of 2 partitions is starting' },
      ],
    });
    for (const url of ['/healthz', '/api/v1/healthz']) {
      const answer = await sick.app.inject(url);
      expect(answer.statusCode).toBe(503);
      expect(answer.json()).toEqual({
        ready: false,
        status: 'unavailable',
        checks: [
          { name: 'store', ok: true },
          { name: 'fleet', ok: false, detail: '1 of 2 partitions is starting' },
        ],
      });
    }
    await sick.app.close();
  });

  test('version: → name, version, API and Node', async () => {
    expect((await get('/version')).json()).toEqual({
      name: 'kdumpd',
      version: '0.0.0-test',
      api: 'v1',
      node: process.version,
    });
  });

  test('without a built dashboard: / says how to build it; /docs is there', async () => {
    expect((await service.app.inject('/')).json().detail).toContain('npm run build');
    const docs = await service.app.inject('/docs/');
    expect(docs.statusCode).toBe(200);
    expect(docs.headers['content-type']).toContain('text/html');
  });
});
