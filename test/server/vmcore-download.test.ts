import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { arraySource } from '../../src/base/bytes.ts';
import { judgeConditions, MAX_RANGES, parseRange } from '../../src/server/http/shared/range.ts';
import { openLocalVmcoreStore } from '../../src/vmcore/store/index.ts';
import { synthVmcore } from '../synth/fleet.ts';
import { buildTestService, type TestService } from '../synth/service.ts';

const SIZE = 70_001;
const bytes = Buffer.from(synthVmcore(SIZE));
const sha256 = createHash('sha256').update(bytes).digest('hex');
const etag = `"${sha256}"`;
const { app, world } = await buildTestService();
world.addCapture({ id: 'c1' }, { bytes });
world.addCapture({ id: 'cut', vmcore: { bytes: SIZE, format: 'elf', sha256, incomplete: true } }, { bytes });
world.addCapture(
  { id: 'none', outcome: 'failed', phase: 'purgatory', reason: 'digest mismatch' },
  { bytes: null },
);
afterAll(() => app.close());

const URL = '/api/v1/captures/c1/vmcore';
const get = (headers: Record<string, string> = {}, url = URL) => app.inject({ url, headers });
const head = (headers: Record<string, string> = {}) => app.inject({ method: 'HEAD', url: URL, headers });

describe('GET vmcore', () => {
  test('whole → 200, its bytes, digest and name', async () => {
    const answer = await get();
    expect(answer.statusCode).toBe(200);
    expect(answer.rawPayload.equals(bytes)).toBe(true);
    expect(answer.headers).toMatchObject({
      etag,
      'accept-ranges': 'bytes',
      'content-length': String(SIZE),
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="vmcore"',
      'x-content-sha256': sha256,
      'repr-digest': `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`,
    });
    expect(answer.headers['content-encoding']).toBeUndefined();
  });

  test('cut short → named vmcore-incomplete', async () => {
    const answer = await get({}, '/api/v1/captures/cut/vmcore');
    expect(answer.headers['content-disposition']).toBe('attachment; filename="vmcore-incomplete"');
  });

  test('a crash without a dump → 404 with the reason', async () => {
    const answer = await get({}, '/api/v1/captures/none/vmcore');
    expect([answer.statusCode, answer.json().detail]).toEqual([404, 'This crash left no vmcore.']);
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-199', 100, 200],
    ['bytes=69990-', 69990, SIZE],
    ['bytes=-5', SIZE - 5, SIZE],
    ['bytes=-999999999999', 0, SIZE],
    ['bytes=10-999999999999999999999', 10, SIZE],
    ['BYTES = 4090-4100', 4090, 4101],
    ['bytes=0-9,5-19', 0, 20],
    ['bytes=10-19, 0-9', 0, 20],
    ['bytes=0-1,999999-', 0, 2],
  ])('%s → 206 with those bytes', async (range, start, end) => {
    const answer = await get({ range });
    expect(answer.statusCode).toBe(206);
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/${SIZE}`);
    expect(answer.headers['content-length']).toBe(String(end - start));
    expect(answer.rawPayload.equals(bytes.subarray(start, end))).toBe(true);
  });

  test('several ranges → 206 multipart, in the order asked for', async () => {
    const answer = await get({ range: 'bytes=1000-1099, 0-9, -7' });
    expect(answer.statusCode).toBe(206);
    const type = String(answer.headers['content-type']);
    const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(type)?.[1];
    expect(boundary).toBeDefined();
    const expected = Buffer.concat([
      ...[
        [1000, 1100],
        [0, 10],
        [SIZE - 7, SIZE],
      ].flatMap(([start = 0, end = 0]) => [
        Buffer.from(
          `\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes ${start}-${end - 1}/${SIZE}\r\n\r\n`,
        ),
        bytes.subarray(start, end),
      ]),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    expect(answer.rawPayload.equals(expected)).toBe(true);
    expect(answer.headers['content-length']).toBe(String(expected.length));
  });

  test.each([
    [`bytes=${SIZE}-`],
    ['bytes=9999999-99999999'],
    ['bytes=-0'],
    ['bytes=5-4'],
    ['bytes='],
    ['bytes=abc'],
    ['bytes=--5'],
    ['bytes=1-2-3'],
    ['bytes=0x10-0x20'],
    [`bytes=${Array.from({ length: MAX_RANGES + 1 }, (_, i) => `${i * 10}-${i * 10}`).join(',')}`],
  ])('%s → 416 with the size', async (range) => {
    const answer = await get({ range });
    expect(answer.statusCode).toBe(416);
    expect(answer.headers['content-range']).toBe(`bytes */${SIZE}`);
    expect(answer.json().type).toBe('urn:kdumpd:problem:range-not-satisfiable');
  });

  test.each([['pages=0-1'], ['bytes'], ['lines=abc']])('%s, a unit not known → 200 whole', async (range) => {
    expect((await get({ range })).statusCode).toBe(200);
  });

  test('If-Range: this tag → 206; another, a weak one or a date → 200 whole', async () => {
    const range = 'bytes=0-9';
    expect((await get({ range, 'if-range': etag })).statusCode).toBe(206);
    for (const other of ['"other"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
      const answer = await get({ range, 'if-range': other });
      expect([answer.statusCode, answer.rawPayload.length]).toEqual([200, SIZE]);
    }
  });

  test('If-None-Match: this tag → 304 without bytes; If-Match: another → 412', async () => {
    const same = await get({ 'if-none-match': `"x", W/${etag}` });
    expect([same.statusCode, same.rawPayload.length, same.headers.etag]).toEqual([304, 0, etag]);
    expect((await get({ 'if-match': '"x"' })).statusCode).toBe(412);
    expect((await get({ 'if-match': '*' })).statusCode).toBe(200);
  });

  test('a store that fails midway → the connection breaks, and the length tells', async () => {
    const broken = await buildTestService();
    broken.world.addCapture({ id: 'c1' }, { bytes });
    const source = await broken.world.captures.vmcore('c1');
    if (source === null) throw new Error('no source');
    broken.world.captures.vmcore = async () => ({
      ...source,
      async *read(start) {
        yield bytes.subarray(start, start + 4096);
        throw new Error('page lost');
      },
    });
    await broken.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = broken.app.server.address() as { port: number };
    const answer = await fetch(`http://127.0.0.1:${port}${URL}`);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    await broken.app.close();
  });
});

describe('GET vmcore of which a chunk in the store changed', () => {
  const DIGESTS = ['etag', 'repr-digest', 'x-content-sha256', 'cache-control', 'content-disposition'];
  const whole = Buffer.concat(Array.from({ length: 64 }, (_, n) => synthVmcore(65_536, n)));
  const chunkAt = (n: number): Buffer =>
    createHash('sha256')
      .update(whole.subarray(n * 65_536, (n + 1) * 65_536))
      .digest();
  const zeroed = 'UPDATE chunk SET data = zeroblob(length(data)) WHERE hash = ?';

  /** A service whose one capture is in a real store, of which chunk `n` is changed. */
  async function serveDamaged(
    n: number,
  ): Promise<{ readonly service: TestService; readonly close: () => Promise<void> }> {
    const dir = mkdtempSync(join(tmpdir(), 'kdumpd-damaged-'));
    const store = openLocalVmcoreStore(join(dir, 'chunks.db'));
    const { manifestId } = await store.writeVmcore(arraySource(whole));
    const db = new BetterSqlite3(join(dir, 'chunks.db'));
    expect(db.prepare(zeroed).run(chunkAt(n)).changes).toBe(1);
    db.close();
    const service = await buildTestService();
    service.world.addCapture({ id: 'c1' }, { bytes: whole });
    const source = await service.world.captures.vmcore('c1');
    if (source === null) throw new Error('no source');
    service.world.captures.vmcore = async () => ({
      ...source,
      read: (start, end) => store.readVmcore(manifestId, { start, end }),
    });
    return {
      service,
      close: async () => {
        await service.app.close();
        await store.close();
        rmSync(dir, { recursive: true });
      },
    };
  }

  test.each([{}, { range: 'bytes=5-90' }, { range: 'bytes=5-90,200-300' }] as Record<string, string>[])(
    'in the first piece (%j) → 500 damaged with its code, and no field of a vmcore',
    async (headers) => {
      const { service, close } = await serveDamaged(0);
      const answer = await service.app.inject({ url: URL, headers });
      expect([answer.statusCode, answer.json()]).toEqual([
        500,
        expect.objectContaining({ type: 'urn:kdumpd:problem:damaged', code: 'store/corrupt-chunk' }),
      ]);
      for (const field of DIGESTS) expect(answer.headers[field]).toBeUndefined();
      await close();
    },
  );

  test('further on → the connection breaks before Content-Length; a range without it is served', async () => {
    const { service, close } = await serveDamaged(40);
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = service.app.server.address() as { port: number };
    const answer = await fetch(`http://127.0.0.1:${port}${URL}`);
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, String(whole.length)]);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    const part = await fetch(`http://127.0.0.1:${port}${URL}`, { headers: { range: 'bytes=0-2000000' } });
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(0, 2_000_001))).toBe(true);
    await close();
  });
});

test('HEAD vmcore: → what GET would say, no bytes, Range ignored, nothing read', async () => {
  const answer = await head({ range: 'bytes=0-9' });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({ etag, 'content-length': String(SIZE), 'accept-ranges': 'bytes' });
  expect(answer.rawPayload.length).toBe(0);
  expect((await head({ 'if-none-match': etag })).statusCode).toBe(304);
  expect((await head({ 'if-match': '"x"' })).statusCode).toBe(412);
});

test('parseRange: any field → ranges inside the representation, or a refusal', () => {
  const spec = fc.oneof(
    fc.tuple(fc.nat(200), fc.nat(200)).map(([a, b]) => `${a}-${b}`),
    fc.nat(200).map((a) => `${a}-`),
    fc.nat(200).map((a) => `-${a}`),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(spec, { maxLength: 20 }), fc.nat(150), (specs, size) => {
      const answer = parseRange(`bytes=${specs.join(',')}`, size);
      if (answer.kind !== 'ranges') return;
      const seen = new Set<number>();
      for (const { start, end } of answer.ranges) {
        expect(start).toBeLessThan(end);
        expect(end).toBeLessThanOrEqual(size);
        for (let at = start; at < end; at++) {
          expect(seen.has(at)).toBe(false);
          seen.add(at);
        }
      }
    }),
  );
});

test('parseRange: nothing of nothing → unsatisfiable; no field → whole', () => {
  expect(parseRange('bytes=0-', 0).kind).toBe('unsatisfiable');
  expect(parseRange('bytes=-1', 0).kind).toBe('unsatisfiable');
  expect(parseRange(undefined, 0).kind).toBe('whole');
});

test('judgeConditions: If-Match goes before If-None-Match', () => {
  expect(judgeConditions({ ifMatch: '"a"', ifNoneMatch: '"b"' }, '"b"').verdict).toBe('failed');
  expect(judgeConditions({ ifMatch: 'W/"b"' }, '"b"').verdict).toBe('failed');
});
