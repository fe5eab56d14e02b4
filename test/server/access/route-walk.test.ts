/**
 * Walks the route table: every route, the automatic HEAD of each, documentation, dashboard and streams, with every wrong way to
 * ask. A new route is walked without a word here; it only has to say who may use it.
 */

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Scope } from '../../../src/panic/contract/index.ts';
import { SCOPES } from '../../../src/panic/contract/index.ts';
import { mintSecret } from '../../../src/server/access/secret.ts';
import {
  type RouteEntry,
  type RouteTable,
  registerRouteTable,
} from '../../../src/server/http/plugins/route-table.ts';
import { buildTestService, openTestAccess } from '../../synth/service.ts';

const webRoot = mkdtempSync(join(tmpdir(), 'kdumpd-web-'));
mkdirSync(join(webRoot, 'assets'));
writeFileSync(join(webRoot, 'index.html'), '<!doctype html><title>x</title>');
writeFileSync(join(webRoot, 'assets', 'a-1.js'), '');

let now = Date.parse('2024-01-01T00:00:00Z');
const access = openTestAccess(true, () => now);
const tables: RouteTable[] = [];
const { app } = await buildTestService({
  access,
  webRoot,
  onRoutes: (table) => tables.push(table),
  // The walk fails more often than any client may.
  limits: { failuresPerMinute: 1e6, requestsPerMinute: 1e6 },
});
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;
const HERE = `127.0.0.1:${port}`;

type Case = { readonly method: string; readonly url: string; readonly access: RouteEntry['access'] };
const cases: readonly Case[] = tables
  .flatMap(({ routes }) => routes)
  .flatMap(({ url, methods, access: needed }) =>
    methods.map((method) => ({
      method,
      url: url.replace(/:(id|name)/g, 'p1').replace('*', 'x'),
      access: needed,
    })),
  );
const named = (some: readonly Case[]) => some.map((each) => [`${each.method} ${each.url}`, each] as const);
const guarded = named(cases.filter((each) => each.access !== 'public'));

const secrets = new Map<Scope | 'expired' | 'revoked' | 'unknown', string>();
beforeAll(async () => {
  for (const scope of SCOPES)
    secrets.set(scope, (await access.keys.create({ name: scope, scopes: [scope] })).secret);
  const expired = await access.keys.create({ name: 'expired', scopes: ['admin'], expiresInSeconds: 1 });
  now += 2000;
  const revoked = await access.keys.create({ name: 'revoked', scopes: ['admin'] });
  await access.keys.revoke(revoked.key.id);
  secrets.set('expired', expired.secret).set('revoked', revoked.secret);
  secrets.set('unknown', mintSecret(revoked.key.id).secret);
});
afterAll(async () => {
  await app.close();
  rmSync(webRoot, { recursive: true });
});

type Asked = { readonly status: number; readonly kind?: string; readonly headers: IncomingHttpHeaders };

/** The head of the answer; of a refusal also the kind of its problem. A stream that is let in is left at once. */
async function ask({ method, url }: Case, headers: Record<string, string>): Promise<Asked> {
  const sent = send({ host: '127.0.0.1', port, method, path: url, headers: { host: HERE, ...headers } });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const status = answer.statusCode ?? 0;
  let body = '';
  if (status >= 400) for await (const piece of answer.setEncoding('utf8')) body += piece;
  sent.destroy();
  const kind = /urn:kdumpd:problem:([a-z-]+)/.exec(body)?.[1];
  return { status, headers: answer.headers, ...(kind === undefined ? {} : { kind }) };
}

const bearer = (which: Parameters<typeof secrets.get>[0]) => ({
  authorization: `Bearer ${secrets.get(which)}`,
});

/** A HEAD has no body that could name the kind. */
function expectRefused(each: Case, asked: Asked, status: number, kind: string): void {
  expect(asked.status).toBe(status);
  if (each.method !== 'HEAD') expect(asked.kind).toBe(kind);
}

test('the walk meets every kind of route', () => {
  const has = (method: string, url: string) =>
    expect(cases.map((each) => `${each.method} ${each.url}`)).toContain(`${method} ${url}`);
  has('POST', '/api/v1/partitions/p1/panic');
  has('HEAD', '/api/v1/captures/p1/vmcore');
  has('GET', '/api/v1/events');
  has('HEAD', '/api/v1/partitions');
  has('GET', '/docs/json');
  has('GET', '/healthz');
  has('GET', '/index.html');
  expect(cases.length).toBeGreaterThan(60);
});

test('what is public: the dashboard’s files, health without details, the session; nothing else', async () => {
  const open = cases.filter((each) => each.access === 'public').map(({ method, url }) => `${method} ${url}`);
  expect(open.filter((each) => !/^(GET|HEAD) \/(index\.html|assets\/a-1\.js)?$/.test(each)).sort()).toEqual([
    'DELETE /api/v1/session',
    'GET /api/v1/healthz',
    'GET /api/v1/session',
    'GET /healthz',
    'HEAD /api/v1/healthz',
    'HEAD /api/v1/session',
    'HEAD /healthz',
    'POST /api/v1/session',
  ]);
  const health = async (headers: object) => (await fetch(`http://${HERE}/healthz`, { headers })).json();
  expect(await health({})).toEqual({ ready: true, status: 'ok', checks: [] });
  expect(await health({ ...bearer('view') })).toMatchObject({ checks: [{ name: 'fleet', ok: true }] });
});

describe('without a valid key', () => {
  test.each(guarded)('%s → 401 and how to ask', async (_name, each) => {
    const none = await ask(each, {});
    expectRefused(each, none, 401, 'unauthenticated');
    expect(none.headers['www-authenticate']).toBe('Bearer realm="kdumpd"');
    for (const which of ['unknown', 'expired', 'revoked'] as const) {
      const asked = await ask(each, bearer(which));
      expectRefused(each, asked, 401, 'unauthenticated');
      expect(asked.headers['www-authenticate']).toBe('Bearer realm="kdumpd", error="invalid_token"');
    }
    expectRefused(each, await ask(each, { cookie: `kdumpd_${port}=nonsense` }), 401, 'unauthenticated');
  });
});

describe('scopes', () => {
  test.each(guarded)('%s: every scope but its own and admin → 403', async (_name, each) => {
    for (const scope of SCOPES) {
      const asked = await ask(each, bearer(scope));
      if (scope !== each.access && scope !== 'admin') {
        expectRefused(each, asked, 403, 'forbidden');
        continue;
      }
      // What another has made takes admin to remove.
      const othersToo = scope === 'admin' || each.method !== 'DELETE';
      expect(othersToo ? [401, 403, 421, 429] : [401, 421, 429]).not.toContain(asked.status);
    }
  });
});

describe('web sites', () => {
  test.each(named(cases))('%s: of a foreign origin, with a good key → 403', async (_name, each) => {
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `http://127.0.0.1:${port + 1}`, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    ];
    for (const headers of foreign)
      expectRefused(each, await ask(each, { ...bearer('admin'), ...headers }), 403, 'foreign-origin');
  });

  test.each(named(cases))('%s: for a foreign host name, with a good key → 421', async (_name, each) => {
    for (const host of [`evil.example:${port}`, '0.0.0.0', `127.0.0.1.evil.example:${port}`, '10.1.2.3'])
      expectRefused(each, await ask(each, { ...bearer('admin'), host }), 421, 'misdirected');
  });
});

test('registerRouteTable: a route that does not say who may use it → the server does not start', async () => {
  const bare = fastify();
  registerRouteTable(bare as unknown as typeof app);
  bare.get('/forgotten', () => 'x');
  await expect(bare.ready()).rejects.toThrow('the route GET /forgotten does not say who may use it');
});
