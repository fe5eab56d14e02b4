import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import type { App } from '../../../src/server/http/shared/context.ts';
import type { LimitOptions } from '../../../src/server/http/shared/limits.ts';
import { eventually } from '../../support/eventually.ts';
import { synthVmcore } from '../../synth/fleet.ts';
import { buildTestService, openTestAccess, type TestService } from '../../synth/service.ts';

let service: TestService | undefined;
afterEach(async () => service?.app.close());

async function open(keyNeeded: boolean, limits: LimitOptions = {}) {
  const access = openTestAccess(keyNeeded);
  service = await buildTestService({ access, limits });
  const { app } = service;
  const ask = (secret?: string, url = '/api/v1/partitions') =>
    app.inject({ url, headers: secret === undefined ? {} : { authorization: `Bearer ${secret}` } });
  const key = async (name: string) => (await access.keys.create({ name, scopes: ['admin'] })).secret;
  return { access, app, ask, key, world: service.world };
}

describe('requests', () => {
  test('a key beyond its share → 429 with Retry-After; another key is served', async () => {
    const { ask, key } = await open(true, { requestsPerMinute: 5 });
    const [one, two] = [await key('one'), await key('two')];
    for (let i = 0; i < 5; i++) expect((await ask(one)).statusCode).toBe(200);
    const answer = await ask(one);
    expect(answer.json()).toMatchObject({
      status: 429,
      type: 'urn:kdumpd:problem:too-many-requests',
      detail: 'More than 5 requests in a minute.',
    });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect((await ask(two)).statusCode).toBe(200);
  });

  test('no key needed → no limit, unless one is given', async () => {
    const free = await open(false);
    for (let i = 0; i < 200; i++) expect((await free.ask()).statusCode).toBe(200);
    await service?.app.close();
    const held = await open(false, { requestsPerMinute: 3 });
    const codes = [];
    for (let i = 0; i < 4; i++) codes.push((await held.ask()).statusCode);
    expect(codes).toEqual([200, 200, 200, 429]);
  });
});

test('failed attempts, logins too → 429 after a few; a good key from the same address is let in', async () => {
  const { app, ask, key } = await open(true, { failuresPerMinute: 4 });
  const good = await key('good');
  const login = async () =>
    (await app.inject({ method: 'POST', url: '/api/v1/session', payload: { key: 'kd_nonsense' } }))
      .statusCode;
  const codes = [
    (await ask('nonsense')).statusCode,
    await login(),
    (await ask('nonsense')).statusCode,
    await login(),
  ];
  expect(codes).toEqual([401, 401, 401, 401]);
  expect((await ask('nonsense')).statusCode).toBe(429);
  expect(await login()).toBe(429);
  expect((await ask(good)).statusCode).toBe(200);
  expect((await ask()).statusCode).toBe(401);
});

describe('connections', () => {
  type Connection = { readonly client: Duplex; readonly server: Duplex };

  /** A connection of a client at `address`, as the system hands it over. Loopback addresses have no limit of their own. */
  function connect(app: App, address: string): Connection {
    const [client, server] = duplexPair();
    client.on('error', () => undefined);
    server.on('error', () => undefined);
    app.server.emit('connection', Object.assign(server, { remoteAddress: address }));
    return { client, server };
  }
  /** The status of an answer on a connection that stays open; undefined where the connection is closed instead. */
  async function statusOn({ client, server }: Connection): Promise<number | undefined> {
    if (server.destroyed) return undefined;
    client.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    return Number(answer.toString().split(' ')[1]);
  }
  const closed = async ({ server }: Connection): Promise<void> => {
    server.destroy();
    await once(server, 'close');
  };

  test('one address beyond its number → closed; those that it has, and other addresses, are served', async () => {
    const { app } = await open(false, { connectionsPerAddress: 2 });
    const [first, second, third] = [1, 2, 3].map(() => connect(app, '203.0.113.5')) as [
      Connection,
      Connection,
      Connection,
    ];
    expect(await statusOn(third)).toBeUndefined();
    expect([await statusOn(first), await statusOn(second)]).toEqual([200, 200]);
    const others = [connect(app, '203.0.113.6'), ...Array.from({ length: 5 }, () => connect(app, '::1'))];
    for (const other of others) expect(await statusOn(other)).toBe(200);
    await closed(first);
    const fourth = connect(app, '203.0.113.5');
    expect(await statusOn(fourth)).toBe(200);
    expect(await statusOn(connect(app, '203.0.113.5'))).toBeUndefined();
    for (const each of [second, fourth, ...others]) await closed(each);
  });

  test('all together beyond their number → closed; those that there are, are served', async () => {
    const { app } = await open(false, { connections: 2 });
    const base = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const agents = [1, 2, 3].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
    const ask = async (agent: Agent | undefined): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request(new URL('/healthz', base), { agent: agent as Agent }, (answer) =>
          answer.resume().on('end', () => resolve(answer.statusCode)),
        )
          .on('error', reject)
          .end();
      });
    const [one, two, three] = agents;
    expect([await ask(one), await ask(two)]).toEqual([200, 200]);
    await expect(ask(three)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect([await ask(one), await ask(two)]).toEqual([200, 200]);
    one?.destroy();
    await eventually(() => ask(three).catch(() => undefined));
    for (const agent of agents) agent.destroy();
  });
});

test('requests of a client that have not ended → as many as it may have at a time; those of another are served', async () => {
  const { app, key } = await open(true, { requestsAtOnce: 3 });
  const [one, two] = [await key('one'), await key('two')];
  const base = await app.listen({ host: '127.0.0.1', port: 0 });
  const get = (path: string, secret: string) =>
    fetch(`${base}/api/v1${path}`, { headers: { authorization: `Bearer ${secret}` } });
  const streams = [await get('/events', one), await get('/events', one), await get('/events', one)];
  const refused = await get('/partitions', one);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  expect((await get('/partitions', two)).status).toBe(200);
  for (const each of streams) await each.body?.cancel();
  for (let status = 429; status !== 200; ) status = (await get('/partitions', one)).status;
});

test('event streams and downloads of a client → as many as it may have at a time', {
  timeout: 60_000,
}, async () => {
  const { app, key, world } = await open(true, { streamsPerClient: 2, downloadsPerClient: 1 });
  world.addCapture({ id: 'c1' }, { bytes: synthVmcore(32 << 20) });
  const [one, two] = [await key('one'), await key('two')];
  const base = await app.listen({ host: '127.0.0.1', port: 0 });
  const get = (path: string, secret: string) =>
    fetch(`${base}/api/v1${path}`, { headers: { authorization: `Bearer ${secret}` } });
  const streams = [await get('/events', one), await get('/partitions/p1/console/stream', one)];
  expect(streams.map(({ status }) => status)).toEqual([200, 200]);
  const third = await get('/events', one);
  expect([third.status, third.headers.get('retry-after')]).toEqual([429, '10']);
  const others = await get('/events', two);
  expect(others.status).toBe(200);
  const download = await get('/captures/c1/vmcore', one);
  expect(download.status).toBe(200);
  expect((await get('/captures/c1/vmcore', one)).status).toBe(429);
  await download.body?.cancel();
  for (const each of [...streams, others]) await each.body?.cancel();
  for (let status = 429; status !== 200; ) {
    const again = await get('/captures/c1/vmcore', one);
    status = again.status;
    await again.body?.cancel();
  }
});
