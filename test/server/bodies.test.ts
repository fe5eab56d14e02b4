/** Every route with a body, read from the OpenAPI document, is sent what it is not for: nothing at all, other types, other JSON. */

import { afterAll, describe, expect, test } from 'vitest';
import { Refusal } from '../../src/panic/contract/index.ts';
import { buildServiceOver, buildTestService } from '../synth/service.ts';

const { app, world } = await buildTestService();
afterAll(() => app.close());

type Operation = {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: object }>> };
};
const document = (await app.inject('/docs/json')).json() as {
  paths: Record<string, Record<string, Operation>>;
};
const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { requestBody }]) =>
    requestBody === undefined
      ? []
      : [{ method: method.toUpperCase() as 'POST', url: path.replace(/\{(id|name)\}/, 'p1'), requestBody }],
  ),
);
/** There is nothing that must be said: no body is an empty one. */
const MAY_BE_ABSENT = /\/(start|reset|kexec|restart)$/;
const JSON_TYPE = 'application/json';

const send = (route: (typeof routes)[number], headers: Record<string, string>, payload?: string | Buffer) =>
  app.inject({
    method: route.method,
    url: route.url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });

test('the document has routes with bodies', () => expect(routes.length).toBeGreaterThanOrEqual(6));

describe.each(routes.map((route) => [`${route.method} ${route.url}`, route] as const))(
  '%s',
  (_name, route) => {
    const types = Object.keys(route.requestBody.content);

    const mayBeAbsent = MAY_BE_ABSENT.test(route.url);
    test(`no body, with and without a type → ${mayBeAbsent ? 'taken as an empty one' : '400'}`, async () => {
      for (const headers of [{}, { 'content-length': '0' }, { 'content-type': JSON_TYPE }]) {
        const answer = await send(route, headers as Record<string, string>);
        if (mayBeAbsent && !('content-type' in headers)) {
          expect([202, 409]).toContain(answer.statusCode);
          continue;
        }
        expect(answer.statusCode).toBe(400);
        expect(answer.json()).toMatchObject({ type: 'urn:kdumpd:problem:malformed' });
      }
    });

    test('types that it does not take → 415', async () => {
      for (const type of [
        'text/plain',
        'application/octet-stream',
        'text/xml',
        '*/*',
        'application/json5',
        ';',
      ]) {
        if (types.includes(type)) continue;
        expect((await send(route, { 'content-type': type }, '{}')).statusCode).toBe(415);
      }
    });

    test.each([
      'null',
      'true',
      '0',
      '-0',
      '1e400',
      '"text"',
      '[]',
      '[{}]',
      '{"__proto__":{}}',
      '{"constructor":{"prototype":{}}}',
    ])('JSON that is %s → 400', async (payload) => {
      expect((await send(route, { 'content-type': JSON_TYPE }, payload)).statusCode).toBe(400);
    });

    test('deep JSON → 400', async () => {
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        // 64 KiB are as much as the console takes.
        const depth = open.length === 1 ? 25_000 : 10_000;
        const payload = `${open.repeat(depth)}0${close.repeat(depth)}`;
        expect((await send(route, { 'content-type': JSON_TYPE }, payload)).statusCode).toBe(400);
      }
    });

    test('JSON that is no UTF-8, or has half of a surrogate pair → 400 that says so', async () => {
      const bad: readonly [Buffer, string][] = [
        [Buffer.from('{"text":"\xff"}', 'latin1'), 'The body is not UTF-8.'],
        [Buffer.from('{"text":"\\ud800"}'), 'A string of the body has half of a surrogate pair.'],
        [Buffer.from('{"\\udfff":1}'), 'A string of the body has half of a surrogate pair.'],
      ];
      for (const [payload, detail] of bad) {
        const answer = await send(route, { 'content-type': JSON_TYPE }, payload);
        expect([answer.statusCode, answer.json().detail]).toEqual([400, detail]);
      }
    });
  },
);

test('POST console: a guest that does not read → 409 terminal-full, with what to do', async () => {
  const detail = 'The guest does not read its terminal. Nothing was typed; wait.';
  const full = await buildServiceOver(world, {
    fleet: { ...world.fleet, type: () => Promise.reject(new Refusal('terminal-full', detail)) },
  });
  const answer = await full.inject({
    method: 'POST',
    url: '/api/v1/partitions/p1/console',
    payload: { text: 'x' },
  });
  expect(answer.statusCode).toBe(409);
  expect(answer.json()).toMatchObject({ type: 'urn:kdumpd:problem:terminal-full', detail });
  await full.close();
});

test('POST console: bytes that are no text, NULs and characters outside the BMP → typed as they are', async () => {
  const url = '/api/v1/partitions/p1/console';
  world.typed.length = 0;
  const json = JSON.stringify({ text: 'a\u0000b😀' });
  for (const [type, payload] of [
    [JSON_TYPE, json],
    ['text/plain', 'x\u0000y'],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload });
    expect(answer.statusCode).toBe(204);
  }
  expect(world.typed).toEqual(['a\u0000b😀', 'x\u0000y']);
});
