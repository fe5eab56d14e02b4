/** Every route of the OpenAPI document is met with the same bad manners; the list is read from the document. */

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Refusal } from '../../src/panic/contract/index.ts';
import { buildTestService, type TestService } from '../synth/service.ts';

type Route = { readonly method: string; readonly url: string; readonly hasBody: boolean };

const service: TestService = await buildTestService();
const document = (await service.app.inject('/docs/json')).json() as {
  paths: Record<string, Record<string, { requestBody?: unknown }>>;
};
const routes: Route[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { requestBody }]) => ({
    method: method.toUpperCase(),
    url: path,
    hasBody: requestBody !== undefined,
  })),
);
const withId = routes.filter((route) => route.url.includes('{'));
const withBody = routes.filter((route) => route.hasBody);
const name = ({ method, url }: Route): string => `${method} ${url}`;
const fill = (url: string, id: string): string => url.replace(/\{(id|name)\}/, id);

function expectProblem(
  answer: { statusCode: number; headers: Record<string, unknown>; body: string },
  status: number,
): void {
  expect(answer.statusCode).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  // A HEAD has the head of the problem alone.
  if (answer.body === '') return;
  const problem = JSON.parse(answer.body);
  expect(problem).toMatchObject({ status, title: expect.any(String) });
  expect(problem.type).toMatch(/^urn:kdumpd:problem:[a-z-]+$/);
  expect(answer.body).not.toMatch(/\/src\/|node_modules|at [A-Za-z.]+ \(/);
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
const ask = (method: string, url: string, more: object = {}) =>
  service.app.inject({ method: method as Method, url, ...more });

beforeAll(() => expect(routes.length).toBeGreaterThan(25));
afterAll(() => service.app.close());

describe('ids', () => {
  test.each(withId.map((r) => [name(r), r] as const))('%s: an unknown id → 404', async (_name, route) => {
    const payload = route.url.endsWith('/panic')
      ? { trigger: 'nmi', dump: 'raw' }
      : /\/(kexec|restart|start|reset)$/.test(route.url)
        ? {}
        : route.hasBody
          ? { text: 'x' }
          : undefined;
    expectProblem(
      await ask(route.method, fill(route.url, 'nobody'), payload === undefined ? {} : { payload }),
      404,
    );
  });

  test.each(withId.map((r) => [name(r), r] as const))(
    '%s: ids that are paths or garbage → 400 or 404',
    async (_name, route) => {
      for (const id of [
        '..%2f..%2fetc%2fpasswd',
        '%2e%2e%5cx',
        '.hidden',
        'a%00b',
        "'%20or%201=1--",
        '%F0%9F%92%A5',
        'x'.repeat(65),
      ]) {
        const answer = await ask(
          route.method,
          fill(route.url, id),
          route.hasBody ? { payload: { text: 'x' } } : {},
        );
        expect([400, 404]).toContain(answer.statusCode);
        expectProblem(answer, answer.statusCode);
      }
    },
  );

  test('an id longer than any address part → 414 or 400', async () => {
    const answer = await ask('GET', `/api/v1/partitions/${'x'.repeat(2000)}`);
    expect([400, 404, 414]).toContain(answer.statusCode);
    expectProblem(answer, answer.statusCode);
  });
});

describe('bodies', () => {
  const cases = withBody.map((r) => [name(r), fill(r.url, 'p1'), r.method] as const);
  test.each(cases)('%s: malformed JSON → 400', async (_name, url, method) => {
    // Where nothing must be said, no body and an empty object are all there is to say.
    const empty = /\/(kexec|restart|start|reset)$/.test(url) ? [] : ['', '\ufeff{}'];
    for (const payload of ['{', '{"a":}', 'nothing', '{"__proto__":{"x":1}}', ...empty]) {
      expectProblem(
        await ask(method, url, { payload, headers: { 'content-type': 'application/json' } }),
        400,
      );
    }
  });
  test.each(cases)('%s: the wrong type of body → 415', async (_name, url, method) => {
    for (const type of [
      'application/xml',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      'garbage',
    ]) {
      expectProblem(await ask(method, url, { payload: 'a=b', headers: { 'content-type': type } }), 415);
    }
  });
  test.each(cases)('%s: wrong types of fields → 400', async (_name, url, method) => {
    for (const payload of [[], { text: 5 }, { trigger: {} }, { image: ['debian'] }, { kind: 'floppy' }]) {
      expectProblem(await ask(method, url, { payload }), 400);
    }
  });
  test.each(cases)('%s: an oversized body → 413', async (_name, url, method) => {
    const payload = JSON.stringify({ text: 'x'.repeat(300 << 10) });
    expectProblem(await ask(method, url, { payload, headers: { 'content-type': 'application/json' } }), 413);
  });
  test('text/plain where JSON is taken → 415', async () => {
    const answer = await ask('POST', '/api/v1/partitions/p1/panic', {
      payload: '{"trigger":"nmi","dump":"raw"}',
      headers: { 'content-type': 'text/plain' },
    });
    expectProblem(answer, 415);
  });
});

describe('methods and addresses', () => {
  const urls = [...new Set(routes.map((r) => r.url))].map((url) => [url] as const);
  test.each(urls)('%s: a method that it does not take → 405 with Allow', async (url) => {
    const taken = routes.filter((r) => r.url === url).map((r) => r.method);
    const method = ['PATCH', 'PUT'].find((m) => !taken.includes(m)) ?? 'PUT';
    const answer = await ask(method, fill(url, 'p1'));
    expectProblem(answer, 405);
    for (const m of taken) expect(String(answer.headers.allow).split(', ')).toContain(m);
  });

  test.each([
    ['/api/v1/'],
    ['/api/v2/partitions'],
    ['/api/v1/partitions/p1/nothing'],
    ['/nothing.php'],
    ['/api/v1/captures/../../x'],
  ])('%s → 404', async (url) => {
    expectProblem(await ask('GET', url), 404);
  });

  test('an address that is not well encoded → 400', async () => {
    expectProblem(await ask('GET', '/api/v1/partitions/%E0%A4%A'), 400);
  });
});

describe('queries', () => {
  test.each([
    ['limit=0'],
    ['limit=-1'],
    ['limit=1e2'],
    ['limit=9.5'],
    ['limit=true'],
    ['limit='],
    ['limit=201'],
    ['limit=1&limit=2'],
    ['cursor=%00'],
    ['cursor=..%2f'],
    ['outcome=maybe'],
    ['partitionId=../x'],
    ['nonsense=1'],
  ])('GET /captures?%s → 400', async (query) => {
    expectProblem(await ask('GET', `/api/v1/captures?${query}`), 400);
  });

  test('a cursor of nobody → 422', async () => {
    service.world.addCapture({ id: 'c1' });
    expectProblem(await ask('GET', '/api/v1/captures?cursor=c99'), 422);
  });
});

describe('who asks', () => {
  test('another web site that posts → 403; the dashboard itself → taken', async () => {
    const url = '/api/v1/partitions/p1/console';
    const post = (headers: Record<string, string>) =>
      ask('POST', url, { payload: { text: 'x' }, headers: { host: '127.0.0.1:8470', ...headers } });
    expectProblem(await post({ origin: 'https://example.com' }), 403);
    expectProblem(await post({ origin: 'null' }), 403);
    expectProblem(await post({ 'sec-fetch-site': 'cross-site' }), 403);
    expect(
      (await post({ origin: 'http://127.0.0.1:8470', 'sec-fetch-site': 'same-origin' })).statusCode,
    ).toBe(204);
    expect((await post({})).statusCode).toBe(204);
  });

  test('a host name that was rebound to us → 421', async () => {
    const guarded = await buildTestService({ allowedHosts: ['127.0.0.1', 'localhost'] });
    const get = (host: string) => guarded.app.inject({ url: '/api/v1/partitions', headers: { host } });
    expectProblem(await get('evil.example:8470'), 421);
    expect((await get('localhost:8470')).statusCode).toBe(200);
    await guarded.app.close();
  });

  test('every answer carries the security headers and a request id', async () => {
    const answer = await ask('GET', '/api/v1/partitions');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    expect(answer.headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('our own faults', () => {
  test('an error within → 500 that tells nothing but the request id', async () => {
    const broken = await buildTestService();
    broken.world.fleet.list = () => {
      throw new Error('secret: /var/lib/kdumpd/key');
    };
    const answer = await broken.app.inject('/api/v1/partitions');
    expectProblem(answer, 500);
    expect(answer.body).not.toContain('secret');
    expect(answer.json().requestId).toBe(answer.headers['x-request-id']);
    expect((await broken.app.inject('/healthz')).statusCode).toBe(200);
    await broken.app.close();
  });

  test('a refusal → its own status and text', async () => {
    const broken = await buildTestService();
    broken.world.fleet.get = () => {
      throw new Refusal('conflict', 'It is being removed.');
    };
    const answer = await broken.app.inject('/api/v1/partitions/p1');
    expectProblem(answer, 409);
    expect(answer.json().detail).toBe('It is being removed.');
    await broken.app.close();
  });
});

test('bytes that are no HTTP → 400, and the service goes on', async () => {
  const { app } = await buildTestService();
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const send = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(address.port, '127.0.0.1', () => socket.write(text));
      let got = '';
      socket.on('data', (bytes) => {
        got += bytes.toString('latin1');
      });
      socket.on('close', () => resolve(got));
      socket.on('error', reject);
    });
  expect(await send('GARBAGE\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json/,
  );
  const big = await send(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(64 << 10)}\r\n\r\n`);
  expect(big).toMatch(/^HTTP\/1\.1 431 /);
  expect((await fetch(`http://127.0.0.1:${address.port}/healthz`)).status).toBe(200);
  await app.close();
});
