/** Sessions as a browser has them, and what ends them. */

import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Access } from '../../../src/server/access/index.ts';
import { atExpiry } from '../../../src/server/http/shared/expiry.ts';
import { cookieOf as cookieOfRequest } from '../../../src/server/http/shared/session-cookie.ts';
import { eventually } from '../../support/eventually.ts';
import { synthVmcore } from '../../synth/fleet.ts';
import { buildTestService, openTestAccess, type TestService } from '../../synth/service.ts';

let access: Access;
let service: TestService;
let secret = '';
let keyId = '';
const SAME = { host: 'localhost:8470', origin: 'http://localhost:8470', 'sec-fetch-site': 'same-origin' };
beforeEach(async () => {
  access = openTestAccess(true);
  service = await buildTestService({ access, allowedHosts: ['https://kdump.example'] });
  const made = await access.keys.create({ name: 'ops', scopes: ['view', 'panic'] });
  secret = made.secret;
  keyId = made.key.id;
});
afterEach(() => service.app.close());

const login = (key: string, headers: Record<string, string> = SAME) =>
  service.app.inject({ method: 'POST', url: '/api/v1/session', headers, payload: { key } });
const cookieOf = (answer: Awaited<ReturnType<typeof login>>): string =>
  String(answer.headers['set-cookie']).split(';')[0] ?? '';
const get = (url: string, cookie: string, headers: Record<string, string> = {}) =>
  service.app.inject({ url: `/api/v1${url}`, headers: { host: 'localhost:8470', cookie, ...headers } });
const reset = (cookie: string, headers: Record<string, string>) =>
  service.app.inject({
    method: 'POST',
    url: '/api/v1/partitions/p1/reset',
    headers: { host: 'localhost:8470', cookie, ...headers },
    payload: {},
  });

test('login: a good key → a cookie that no script and no other site has; a bad one → 401', async () => {
  const answer = await login(secret);
  expect(answer.json()).toMatchObject({
    keyNeeded: true,
    session: true,
    actor: { kind: 'key', name: 'ops' },
    scopes: ['view', 'panic'],
  });
  const cookie = String(answer.headers['set-cookie']);
  expect(cookie).toMatch(
    /^kdumpd_8470=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43\d\d\d$/,
  );
  expect(cookie).not.toContain(secret);
  expect((await get('/partitions', cookieOf(answer))).statusCode).toBe(200);
  expect((await get('/session', cookieOf(answer))).json()).toMatchObject({ session: true });
  expect((await login('kd_nonsense')).statusCode).toBe(401);
  expect((await login(secret, { host: 'localhost:8470', origin: 'https://evil.example' })).statusCode).toBe(
    403,
  );
});

test('login through a proxy with TLS that the operator allows → Secure and __Host-', async () => {
  const answer = await login(secret, { host: 'kdump.example', origin: 'https://kdump.example' });
  expect(String(answer.headers['set-cookie'])).toMatch(/^__Host-kdumpd_80=.*; Secure$/);
  expect((await get('/partitions', cookieOf(answer), { host: 'kdump.example' })).statusCode).toBe(200);
});

test('cookieOf: with TLS the cookie that no other host can set, alone', () => {
  const of = (protocol: 'http' | 'https', cookie: string) =>
    cookieOfRequest({ headers: { cookie }, protocol, port: 8470 } as FastifyRequest);
  expect(of('https', 'kdumpd_8470=theirs; __Host-kdumpd_8470=mine')).toBe('mine');
  expect(of('https', 'kdumpd_8470=theirs')).toBeUndefined();
  expect(of('http', 'kdumpd_8470=mine')).toBe('mine');
});

test('a session changes something only where the browser vouches for the dashboard’s own page', async () => {
  const cookie = cookieOf(await login(secret));
  expect((await reset(cookie, { origin: SAME.origin })).statusCode).toBe(202);
  expect((await reset(cookie, { 'sec-fetch-site': 'same-origin' })).statusCode).toBe(202);
  const kind = async (headers: Record<string, string>) => (await reset(cookie, headers)).json().type;
  expect(await kind({})).toBe('urn:kdumpd:problem:foreign-origin');
  expect(await kind({ origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' })).toBe(
    'urn:kdumpd:problem:foreign-origin',
  );
});

test('the cookie of a session that has ended → refused, but the page and a login are not', async () => {
  const stale = `kdumpd_8470=${'x'.repeat(43)}`;
  for (let i = 0; i < 25; i++) await get('/partitions', stale);
  expect((await get('/partitions', stale)).statusCode).toBe(429);
  expect((await get('/session', stale)).statusCode).toBe(200);
  expect((await login(secret, { ...SAME, cookie: stale })).statusCode).toBe(200);
});

test('a session has its key’s scopes', async () => {
  const cookie = cookieOf(await login(secret));
  expect((await get('/keys', cookie)).json()).toMatchObject({
    status: 403,
    detail: 'This needs a key with the scope admin.',
  });
});

test('logout, and the key revoked → the cookie is worth nothing', async () => {
  const first = cookieOf(await login(secret));
  const second = cookieOf(await login(secret));
  const out = await service.app.inject({
    method: 'DELETE',
    url: '/api/v1/session',
    headers: { ...SAME, cookie: first },
  });
  expect(out.statusCode).toBe(204);
  expect(String(out.headers['set-cookie'])).toContain('Max-Age=0');
  expect((await get('/partitions', first)).statusCode).toBe(401);
  expect((await get('/partitions', second)).statusCode).toBe(200);
  await access.keys.revoke(keyId);
  expect((await get('/partitions', second)).statusCode).toBe(401);
});

test('a download that is under way ends when its key expires', { timeout: 60_000 }, async () => {
  service.world.addCapture({ id: 'c1' }, { bytes: synthVmcore(32 << 20) });
  const base = await service.app.listen({ host: '127.0.0.1', port: 0 });
  const short = await access.keys.create({ name: 'short', scopes: ['download'], expiresInSeconds: 4 });
  const answer = await fetch(`${base}/api/v1/captures/c1/vmcore`, {
    headers: { authorization: `Bearer ${short.secret}` },
  });
  expect(answer.status).toBe(200);
  // A client that takes its time: what is left is not handed over once the key has expired.
  await eventually(async () => Date.now() > Date.parse(short.key.expiresAt ?? '') + 500 || undefined);
  const end = await answer.arrayBuffer().then(
    ({ byteLength }) => byteLength,
    () => 'cut',
  );
  expect(end).toBe('cut');
});

test('atExpiry: at its time, also where no timer waits so long; never once it is forgotten', () => {
  vi.useFakeTimers();
  try {
    const day = 24 * 3600_000;
    const ends: string[] = [];
    atExpiry(Date.now() + 40 * day, () => ends.push('later'));
    atExpiry(Date.now() + 40 * day, () => ends.push('forgotten'))();
    atExpiry(undefined, () => ends.push('never'));
    vi.advanceTimersByTime(40 * day - 1);
    expect(ends).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(ends).toEqual(['later']);
  } finally {
    vi.useRealTimers();
  }
});

test('an event stream ends with the key that opened it; another key’s goes on', {
  timeout: 30_000,
}, async () => {
  const other = await access.keys.create({ name: 'other', scopes: ['view', 'admin'] });
  const base = await service.app.listen({ host: '127.0.0.1', port: 0 });
  const follow = async (key: string) => {
    const answer = await fetch(`${base}/api/v1/events`, { headers: { authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(200);
    return answer.body?.getReader();
  };
  const mine = await follow(secret);
  const others = await follow(other.secret);
  await mine?.read();
  await others?.read();
  const revoked = await fetch(`${base}/api/v1/keys/${keyId}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${other.secret}` },
  });
  expect(revoked.status).toBe(200);
  for (let end = false; !end; ) end = (await mine?.read())?.done ?? true;
  service.world.setState('p1', 'busy');
  expect(new TextDecoder().decode((await others?.read())?.value)).toContain('busy');
  await others?.cancel();
});
