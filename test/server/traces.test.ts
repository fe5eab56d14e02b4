/** Parts of a trace, other formats, and operations that left a trace: what is answered, and what is refused. */

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { RULE_NAMES } from '../../src/panic/rules/index.ts';
import type { Trace, TraceV1 } from '../../src/panic/trace/index.ts';
import { upgradeTrace } from '../../src/panic/trace/index.ts';
import { synthTrace } from '../synth/handoff-trace.ts';
import { buildTestService } from '../synth/service.ts';

const { app, world } = await buildTestService();
const trace = synthTrace({ cpus: 4, master: 2, extraEvents: 1500 });
world.addPartition({ id: 'p1' });
world.addCapture({ id: 'long' }, { trace });
world.addCapture({ id: 'none', outcome: 'failed', phase: 'ready' }, { bytes: null, trace: null });
world.addOperation({ id: 'o-kexec', kind: 'kexec', state: 'succeeded', phase: 'up', traced: true });
world.addOperation({ id: 'o-stop', kind: 'stop', state: 'succeeded', phase: 'stopped' });
world.operationTraces.set('o-kexec', trace);
const before = JSON.parse(
  readFileSync(new URL('../golden/trace-version-1.json', import.meta.url), 'utf8'),
) as TraceV1;
world.addCapture({ id: 'before' }, { trace: before });
world.addOperation({ id: 'o-before', kind: 'restart', state: 'succeeded', phase: 'restarted', traced: true });
world.operationTraces.set('o-before', before);
afterAll(() => app.close());

const ask = (url: string) => app.inject({ url: `/api/v1${url}` });
const part = async (query: string): Promise<Trace & { next?: string }> => {
  const answer = await ask(`/captures/long/trace?${query}`);
  expect(answer.statusCode).toBe(200);
  return answer.json();
};

describe('a trace', () => {
  test('without parameters: → the stored text, byte for byte', async () => {
    expect((await ask('/captures/long/trace')).body).toBe(JSON.stringify(trace));
    expect((await ask('/captures/long/trace?format=json')).body).toBe(JSON.stringify(trace));
  });

  test('cpu, kind, from, to: → the events that match all of them', async () => {
    const { events } = await part('cpu=0,1&kind=msr,store&from=t0&to=t1');
    expect(events.length).toBe(4);
    for (const { cpu, kind, insn } of events) {
      expect(['msr', 'store']).toContain(kind);
      expect([0, 1]).toContain(cpu);
      expect(insn).toBeLessThan(trace.instants.t1?.insn ?? 0);
    }
  });

  test('a part without a limit: → 1000 events and where to go on; pages together are the whole', async () => {
    const first = await part('cpu=0,1,2,3');
    expect(first.events.length).toBe(1000);
    const second = await part(`cpu=0,1,2,3&cursor=${first.next}`);
    expect(second.next).toBeUndefined();
    expect([...first.events, ...second.events]).toEqual(trace.events.filter(({ cpu }) => cpu >= 0));
  });

  test('format=perfetto: → a file in the Trace Event Format, of the events that match', async () => {
    const answer = await ask('/captures/long/trace?format=perfetto&cpu=0&kind=msr');
    expect(answer.headers['content-disposition']).toBe('attachment; filename="long-perfetto.json"');
    const { traceEvents } = answer.json();
    const marks = traceEvents.filter(({ ph, s }: { ph: string; s?: string }) => ph === 'i' && s === 't');
    expect(marks.length).toBe(1);
  });

  test.each([
    'cpu=x',
    'cpu=',
    'cpu=0,',
    'cpu=-2',
    `cpu=${'1,'.repeat(100)}1`,
    'cpu=0&cpu=1',
    'kind=FETCH',
    'kind=../../etc',
    `kind=${'a'.repeat(33)}`,
    'from=t5',
    'from=-1',
    'from=1e9',
    'to=0x10',
    'limit=0',
    'limit=10001',
    'limit=1.5',
    'cursor=abc',
    'cursor=1%00',
    'format=xml',
    'where=1',
  ])('%s: → 400', async (query) => {
    const answer = await ask(`/captures/long/trace?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ type: 'urn:kdumpd:problem:invalid-parameters' });
  });

  test.each(['limit=5', 'cursor=5'])('format=perfetto&%s: → 422', async (query) => {
    expect((await ask(`/captures/long/trace?format=perfetto&${query}`)).statusCode).toBe(422);
  });

  test('past the end, and nothing that matches: → no events', async () => {
    expect((await part('cursor=999999999999999')).events).toEqual([]);
    expect((await part('cpu=2047')).events).toEqual([]);
    expect((await part('from=999999999999999')).events).toEqual([]);
  });

  test('of a crash that left none: → 404', async () => {
    expect((await ask('/captures/none/trace?cpu=0')).statusCode).toBe(404);
  });
});

describe('a trace that an earlier release stored in version 1', () => {
  test.each(['/captures/before/trace', '/operations/o-before/trace', '/captures/before/trace?format=json'])(
    '%s: → the stored text, byte for byte',
    async (url) => {
      const answer = await ask(url);
      expect(answer.body).toBe(JSON.stringify(before));
      expect(answer.json().version).toBe(1);
    },
  );

  test('a part of it: → version 2, the events that match', async () => {
    const { version, events, rules } = (await ask('/captures/before/trace?kind=census,store&cpu=0')).json();
    expect(version).toBe(2);
    expect(rules).toEqual(before.rules);
    expect(events).toEqual(
      upgradeTrace(before).events.filter(({ kind, cpu }) => ['census', 'store'].includes(kind) && cpu === 0),
    );
    expect(events.length).toBeGreaterThan(2);
  });

  test('pages of it: → together every event', async () => {
    const first = (await ask('/captures/before/trace?limit=30')).json();
    const second = (await ask(`/captures/before/trace?limit=30&cursor=${first.next}`)).json();
    expect([...first.events, ...second.events]).toEqual(upgradeTrace(before).events);
  });

  test('format=perfetto: → made from version 2', async () => {
    const { traceEvents, otherData } = (await ask('/captures/before/trace?format=perfetto')).json();
    expect(otherData.version).toBe(2);
    const marks = traceEvents.filter(({ ph, s }: { ph: string; s?: string }) => ph === 'i' && s === 't');
    expect(marks.length).toBe(before.events.length);
  });

  test('its rules: → as they were judged', async () => {
    expect((await ask('/operations/o-before/rules')).json()).toEqual({ items: before.rules });
  });
});

describe('the trace of an operation', () => {
  test('of a kexec: → the same answers as of a capture', async () => {
    expect((await ask('/operations/o-kexec/trace')).body).toBe(JSON.stringify(trace));
    expect((await ask('/operations/o-kexec/trace?cpu=1&limit=2')).json().events.length).toBe(2);
    expect((await ask('/operations/o-kexec/rules')).json()).toEqual({ items: trace.rules });
    expect((await ask('/operations/o-kexec')).json()).toMatchObject({ kind: 'kexec', traced: true });
  });

  test.each([
    [
      'failed',
      { error: { code: 'kexec-failed', message: 'the agent refused' } },
      'there is no record: the agent refused',
    ],
    ['running', {}, 'there is no record: it has not ended'],
    ['succeeded', {}, 'there is no record: its trace is not kept any more'],
  ] as const)(
    'of a kexec that %s without one: → every rule is not evaluated, and why',
    async (state, more, note) => {
      world.addOperation({ id: `o-${state}`, kind: 'kexec', state, phase: 'loading', ...more });
      const { items } = (await ask(`/operations/o-${state}/rules`)).json();
      expect(items).toHaveLength(RULE_NAMES.length);
      for (const rule of items) expect(rule).toMatchObject({ verdict: 'not-evaluated', note });
    },
  );

  test('of a stop, which is no way out of a kernel: → 404, and no rules', async () => {
    expect((await ask('/operations/o-stop/trace')).statusCode).toBe(404);
    expect((await ask('/operations/o-stop/rules')).json()).toEqual({ items: [] });
  });
});

describe('a kexec and a restart', () => {
  test.each(['kexec', 'restart'])('%s: → an operation; a second one → 409', async (path) => {
    world.addPartition({ id: `p-${path}` });
    const url = `/api/v1/partitions/p-${path}/${path}`;
    const answer = await app.inject({ method: 'POST', url });
    expect(answer.statusCode).toBe(202);
    const operation = answer.json();
    expect(operation).toMatchObject({ kind: path, partitionId: `p-${path}` });
    expect(answer.headers.location).toBe(`/api/v1/operations/${operation.id}`);
    expect((await app.inject({ method: 'POST', url, payload: { timeoutSeconds: 60 } })).statusCode).toBe(409);
  });

  test.each([{ timeoutSeconds: 0 }, { timeoutSeconds: '60' }, { path: 'crash' }])(
    '%j: → 400',
    async (payload) => {
      const url = '/api/v1/partitions/p1/kexec';
      expect((await app.inject({ method: 'POST', url, payload })).statusCode).toBe(400);
    },
  );
});
