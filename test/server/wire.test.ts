/** What is wrong with a request as HTTP itself, sent as bytes over a socket: each is a problem, and nothing hangs. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildTestService, type TestService } from '../synth/service.ts';

const PATIENCE_MS = 10_000;
let service: TestService;
let port = 0;
beforeAll(async () => {
  service = await buildTestService({ requestTimeoutMs: 2_000 });
  service.world.addCapture({ id: 'c1' }, { bytes: Buffer.alloc(8 << 20, 'v') });
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const address = service.app.server.address();
  if (address !== null && typeof address === 'object') port = address.port;
});
afterAll(() => service.app.close());

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** All that the service sends until it or `until` ends the connection. @throws Error where neither happens */
async function exchange(bytes: string, until: (got: string) => boolean = () => false): Promise<string> {
  const socket = await open();
  let got = '';
  const timer = setTimeout(() => socket.destroy(new Error('the service did not answer')), PATIENCE_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('data', (piece) => {
        got += piece.toString('latin1');
        if (until(got)) socket.destroy();
      });
      socket.on('close', () => resolve());
      socket.on('error', reject);
      socket.write(bytes, 'latin1');
    });
  } finally {
    clearTimeout(timer);
  }
  return got;
}

type Parsed = { readonly status: number; readonly type: string; readonly body: string };

/** The answers in `text`, each with a length or without a body. */
function answersIn(text: string): Parsed[] {
  const answers: Parsed[] = [];
  for (let rest = text; rest !== ''; ) {
    const cut = rest.indexOf('\r\n\r\n');
    expect(rest).toMatch(/^HTTP\/1\.1 \d{3} /);
    const head = rest.slice(0, cut);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    answers.push({
      status: Number(head.slice(9, 12)),
      type: /^content-type: (.*)$/im.exec(head)?.[1]?.trim() ?? '',
      body: rest.slice(cut + 4, cut + 4 + length),
    });
    rest = rest.slice(cut + 4 + length);
  }
  return answers;
}

function expectProblem(answer: Parsed | undefined, status: number, kind: string): void {
  expect(answer).toMatchObject({ status, type: 'application/problem+json; charset=utf-8' });
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status, type: `urn:kdumpd:problem:${kind}` });
}

const VERSION = '/api/v1/version';
const head = (first: string, ...fields: readonly string[]): string =>
  `${[first, ...fields].join('\r\n')}\r\n\r\n`;
const get = (...fields: readonly string[]): string => head(`GET ${VERSION} HTTP/1.1`, ...fields);
const type = (body: string, ...fields: readonly string[]): string =>
  head(
    'POST /api/v1/partitions/p1/console HTTP/1.1',
    'Host: localhost',
    'Content-Type: text/plain',
    ...fields,
  ) + body;
const CLOSE = 'Connection: close';

test.each<readonly [string, string, number, string]>([
  [
    'an expectation other than 100-continue',
    get('Host: localhost', 'Expect: tea', CLOSE),
    417,
    'expectation-failed',
  ],
  ['no Host', get(), 400, 'malformed'],
  ['an empty Host', get('Host:'), 400, 'malformed'],
  // It names no host that is answered; HTTP/1.1 without Host is malformed.
  ['HTTP/1.0 without Host', `GET ${VERSION} HTTP/1.0\r\n\r\n`, 421, 'misdirected'],
  ['two Hosts', get('Host: a', 'Host: b'), 400, 'malformed'],
  ['a Host that is none', get('Host: a b/c'), 400, 'malformed'],
  ['HTTP/0.9', `GET ${VERSION}\r\n\r\n`, 505, 'version-not-supported'],
  ['HTTP/2.0', head(`GET ${VERSION} HTTP/2.0`, 'Host: localhost'), 505, 'version-not-supported'],
  ['HTTP/9.9', head(`GET ${VERSION} HTTP/9.9`, 'Host: localhost'), 505, 'version-not-supported'],
  ['HTTP/2 itself', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed'],
  ['a proxy', head('CONNECT example.com:80 HTTP/1.1', 'Host: example.com:80'), 405, 'method-not-allowed'],
  ['TRACE', head(`TRACE ${VERSION} HTTP/1.1`, 'Host: localhost', CLOSE), 405, 'method-not-allowed'],
  ['OPTIONS', head(`OPTIONS ${VERSION} HTTP/1.1`, 'Host: localhost', CLOSE), 405, 'method-not-allowed'],
  ['OPTIONS of all', head('OPTIONS * HTTP/1.1', 'Host: localhost', CLOSE), 404, 'not-found'],
  ['a method of its own', head(`BREW ${VERSION} HTTP/1.1`, 'Host: localhost'), 400, 'malformed'],
  ['a chunk that is none', type('zz\r\nls\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'), 400, 'malformed'],
  ['a chunk of 2^68', type('fffffffffffffffff\r\n', 'Transfer-Encoding: chunked'), 400, 'malformed'],
  [
    'a chunk with a long extension',
    type(`2;${'x'.repeat(20_000)}\r\nls\r\n0\r\n\r\n`, 'Transfer-Encoding: chunked'),
    413,
    'too-large',
  ],
  ['a length below 0', type('', 'Content-Length: -1'), 400, 'malformed'],
  ['two lengths', type('ab', 'Content-Length: 1', 'Content-Length: 2'), 400, 'malformed'],
  [
    'a length and chunks',
    type('0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    400,
    'malformed',
  ],
  ['another coding', type('0\r\n\r\n', 'Transfer-Encoding: gzip, chunked'), 400, 'malformed'],
  ['a length of 10^14', type('ab', 'Content-Length: 99999999999999'), 413, 'too-large'],
  [
    'an address without end',
    head(`GET /${'a'.repeat(20_000)} HTTP/1.1`, 'Host: localhost'),
    414,
    'uri-too-long',
  ],
  ['a field without end', get('Host: localhost', `X: ${'y'.repeat(20_000)}`), 431, 'headers-too-large'],
  [
    'fields without end',
    get('Host: localhost', ...Array.from({ length: 3000 }, (_, i) => `a${i}: 1`)),
    431,
    'headers-too-large',
  ],
  ['a NUL in a field', get('Host: localhost', 'a\0b: c'), 400, 'malformed'],
  ['a folded field', get('Host: localhost', 'a: b\r\n c'), 400, 'malformed'],
  ['lines without returns', `GET ${VERSION} HTTP/1.1\nHost: localhost\n\n`, 400, 'malformed'],
  ['a bell in the address', head('GET /api/v1/ver\x07sion HTTP/1.1', 'Host: localhost'), 400, 'malformed'],
  ['a body that does not come', type('', 'Content-Length: 5'), 408, 'timeout'],
  ['a head that does not end', `GET ${VERSION} HTTP/1.1\r\nHost: localhost\r\n`, 408, 'timeout'],
  [
    'no body and no type',
    head('POST /api/v1/partitions/p1/console HTTP/1.1', 'Host: localhost', CLOSE),
    400,
    'malformed',
  ],
])('%s → a problem', async (_what, bytes, status, kind) => {
  const answers = answersIn(await exchange(bytes));
  expect(answers).toHaveLength(1);
  expectProblem(answers[0], status, kind);
});

test.each<readonly [string, string]>([
  ['HTTP/1.0 with Host', head(`GET ${VERSION} HTTP/1.0`, 'Host: localhost')],
  ['a whole address', head(`GET http://x${VERSION} HTTP/1.1`, 'Host: localhost', CLOSE)],
  ['an IPv6 Host', get('Host: [::1]:8470', CLOSE)],
  [
    'an upgrade that is not known',
    get('Host: localhost', 'Connection: Upgrade, close', 'Upgrade: websocket'),
  ],
])('%s → 200', async (_what, bytes) => {
  expect(answersIn(await exchange(bytes))).toMatchObject([{ status: 200 }]);
});

test('Expect: 100-continue → 100, then the answer', async () => {
  const bytes = type('ls', 'Expect: 100-continue', 'Content-Length: 2', CLOSE);
  expect(answersIn(await exchange(bytes)).map(({ status }) => status)).toEqual([100, 204]);
});

describe('several requests on one connection', () => {
  test('another protocol is asked for: → HTTP/1.1 answers, and nothing that follows is left without an answer', async () => {
    const got = await exchange(get('Host: localhost', 'Connection: upgrade', 'Upgrade: h2c'));
    expect(answersIn(got).map(({ status }) => status)).toEqual([200]);
    expect(got).toMatch(/^connection: close$/im);
  });

  test('good, unknown, garbage → an answer to each in order, then the end', async () => {
    const bytes = `${get('Host: localhost')}${head('GET /api/v1/nothing HTTP/1.1', 'Host: localhost')}GARBAGE\r\n\r\n`;
    const answers = answersIn(await exchange(bytes));
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 400]);
    expectProblem(answers[2], 400, 'malformed');
  });

  test('garbage while a download is under way → no byte of the problem inside the vmcore', async () => {
    const bytes = `${head('GET /api/v1/captures/c1/vmcore HTTP/1.1', 'Host: localhost')}GARBAGE\r\n\r\n`;
    const [download, problem] = answersIn(await exchange(bytes));
    expect(download?.body).toBe('v'.repeat(8 << 20));
    expectProblem(problem, 400, 'malformed');
  });
});

describe('HEAD', async () => {
  const { app } = await buildTestService();
  const paths = Object.entries(
    (await app.inject('/docs/json')).json().paths as Record<string, Record<string, unknown>>,
  ).flatMap(([path, methods]) => (methods.get === undefined ? [] : [path]));
  await app.close();
  const streams = ['/api/v1/events', '/api/v1/partitions/{id}/console/stream'];

  test('the route table has the streams', () => expect(paths).toEqual(expect.arrayContaining(streams)));

  test.each([...paths, '/', '/healthz', '/version', '/docs'].map((path) => [path] as const))(
    '%s → a head alone, at once',
    async (path) => {
      const url = path.replace(/\{(id|name)\}/, path.includes('/captures') ? 'c1' : 'p1');
      const got = await exchange(head(`HEAD ${url} HTTP/1.1`, 'Host: localhost', CLOSE));
      expect(got).toMatch(/^HTTP\/1\.1 [2-4]\d\d /);
      expect(got.indexOf('\r\n\r\n')).toBe(got.length - 4);
      if (!streams.includes(path)) return;
      expect(got).toMatch(/^HTTP\/1\.1 200 .*^content-type: text\/event-stream/ims);
      expect(got).not.toMatch(/^content-length:/im);
    },
  );
  test('streams: nothing is fed to a HEAD', () => expect(service.world.listenerCount).toBe(0));
});

test.each(['/events', '/partitions/p1/console/stream'])(
  'GET %s by a client that leaves at once → nothing is fed any more',
  async (path) => {
    for (let i = 0; i < 20; i++) {
      const socket = await open();
      socket.write(head(`GET /api/v1${path} HTTP/1.1`, 'Host: localhost'));
      if (i % 2 === 0) socket.resetAndDestroy();
      else socket.end();
    }
    await expect.poll(() => service.world.listenerCount, { timeout: PATIENCE_MS }).toBe(0);
    expect(service.world.machine('p1').watchers.size).toBe(0);
  },
);

test('a packet of a thousand requests → a few are begun, the next is refused, and the connection ends', async () => {
  const answers = answersIn(
    await exchange('GET /api/v1/partitions HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000)),
  );
  const codes = answers.map(({ status }) => status);
  expect(codes.length).toBeLessThan(25);
  expect(codes.slice(0, -1).every((status) => status === 200)).toBe(true);
  expect(codes.at(-1)).toBe(429);
});
