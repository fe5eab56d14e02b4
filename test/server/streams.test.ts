/** Server-sent events over a real connection: an injected request never ends. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildTestService, type TestService } from '../synth/service.ts';

type Message = { readonly id?: string; readonly event?: string; readonly data: unknown };

let service: TestService;
let base = '';
const abort = { controller: new AbortController() };

beforeEach(async () => {
  service = await buildTestService({ heartbeatMs: 20 });
  base = await service.app.listen({ host: '127.0.0.1', port: 0 });
  abort.controller = new AbortController();
});
afterEach(async () => {
  abort.controller.abort();
  await service.app.close();
});

/** Reads messages as they come. */
async function* follow(path: string, headers: Record<string, string> = {}): AsyncGenerator<Message> {
  const answer = await fetch(`${base}/api/v1${path}`, { headers, signal: abort.controller.signal });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of answer.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const fields = Object.fromEntries(
        lines
          .filter((line) => !line.startsWith(':'))
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      if (fields.data !== undefined) yield { ...fields, data: JSON.parse(fields.data) };
    }
  }
}

async function next(messages: AsyncGenerator<Message>): Promise<Message> {
  const { value, done } = await messages.next();
  if (done === true) throw new Error('the stream ended');
  return value;
}

const textOf = (message: Message): string =>
  Buffer.from((message.data as { base64: string }).base64, 'base64').toString('utf8');

describe('GET /events', () => {
  test('a new client → hello, then events in order with ids', async () => {
    const events = follow('/events');
    expect((await next(events)).event).toBe('hello');
    service.world.setState('p1', 'busy');
    service.world.emit({ kind: 'capture', id: 'c1', partitionId: 'p1' });
    const first = await next(events);
    expect(first).toMatchObject({ event: 'partition', data: { kind: 'partition', id: 'p1', state: 'busy' } });
    expect((await next(events)).event).toBe('capture');
    expect(first.id).toMatch(/^[0-9a-f]+-1$/);
  });

  test('Last-Event-ID → exactly what was missed', async () => {
    const events = follow('/events');
    const hello = await next(events);
    for (const state of ['busy', 'starting', 'ready'] as const) service.world.setState('p1', state);
    const seen = await next(events);
    const again = follow('/events', { 'last-event-id': String(seen.id) });
    expect((await next(again)).data).toMatchObject({ state: 'starting' });
    expect((await next(again)).data).toMatchObject({ state: 'ready' });
    const fromHello = follow('/events', { 'last-event-id': String(hello.id) });
    expect((await next(fromHello)).data).toMatchObject({ state: 'busy' });
  });

  test.each([
    ['of another daemon', 'ffffffffffff-1'],
    ['of the future', 'x'],
    ['garbage', '../../etc'],
  ])('Last-Event-ID %s → lost', async (_what, id) => {
    const events = follow('/events', { 'last-event-id': id });
    expect((await next(events)).event).toBe('lost');
  });

  test('Accept: application/json → 406 problem', async () => {
    const answer = await fetch(`${base}/api/v1/events`, { headers: { accept: 'application/json' } });
    expect(answer.status).toBe(406);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });
});

describe('GET /partitions/:id/console/stream', () => {
  test('→ the console so far, then what comes, whole and in order', async () => {
    service.world.print('p1', 'before\r\n');
    const console = follow('/partitions/p1/console/stream');
    const snapshot = await next(console);
    expect([snapshot.event, textOf(snapshot)]).toEqual(['snapshot', 'before\r\n']);
    const expected = Array.from({ length: 200 }, (_, i) => `line ${i} é\r\n`);
    for (const line of expected) service.world.print('p1', line);
    let got = '';
    while (got.length < expected.join('').length) {
      const message = await next(console);
      expect(message.event).toBe('output');
      got += textOf(message);
    }
    expect(got).toBe(expected.join(''));
  });

  test('typing → echoed on the stream', async () => {
    const console = follow('/partitions/p1/console/stream');
    await next(console);
    for (const [type, body] of [
      ['application/json', '{"text":"ls\\r"}'],
      ['text/plain', 'ps\r'],
      ['application/octet-stream', '\x03'],
    ] as const) {
      const answer = await fetch(`${base}/api/v1/partitions/p1/console`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
      expect(answer.status).toBe(204);
    }
    expect(service.world.typed).toEqual(['ls\r', 'ps\r', '\x03']);
    expect(textOf(await next(console))).toContain('ls\r\n');
  });

  test('a new life → `life`, after what the old one still said', async () => {
    const console = follow('/partitions/p1/console/stream');
    await next(console);
    service.world.print('p1', 'last words');
    service.world.setState('p1', 'starting');
    service.world.print('p1', 'SLOF');
    expect(textOf(await next(console))).toBe('last words');
    expect((await next(console)).event).toBe('life');
    expect(textOf(await next(console))).toBe('SLOF');
  });

  test('a client that leaves → nothing watches for it any more', async () => {
    const console = follow('/partitions/p1/console/stream');
    await next(console);
    expect(service.world.machine('p1').watchers.size).toBe(1);
    abort.controller.abort();
    await expect.poll(() => service.world.machine('p1').watchers.size).toBe(0);
  });

  test('an unknown partition → 404 problem, no stream', async () => {
    const answer = await fetch(`${base}/api/v1/partitions/p9/console/stream`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ type: 'urn:kdumpd:problem:not-found' });
  });
});

test('close: open streams end, and the fleet is let go', async () => {
  const events = follow('/events');
  const console = follow('/partitions/p1/console/stream');
  await Promise.all([next(events), next(console)]);
  await service.app.close();
  expect((await events.next()).done).toBe(true);
  expect((await console.next()).done).toBe(true);
  expect(service.world.listenerCount).toBe(0);
  expect(service.world.machine('p1').watchers.size).toBe(0);
});

test('close: a connection that never asked anything → does not hold it up', async () => {
  const socket = connect(Number(new URL(base).port), '127.0.0.1');
  await once(socket, 'connect');
  expect((await fetch(`${base}/healthz`)).status).toBe(200);
  const begun = performance.now();
  await service.app.close();
  expect(performance.now() - begun).toBeLessThan(2000);
  socket.destroy();
});
