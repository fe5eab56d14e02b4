/**
 * The export is held to a schema of the Trace Event Format's JSON Object Format, written down here from its
 * specification: what every phase must have, and what may be in no event.
 */

import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import type { Trace, TraceEvent } from '../../../src/panic/trace/index.ts';
import { formatTrace, toPerfetto } from '../../../src/panic/trace/index.ts';
import { synthTrace } from '../../synth/handoff-trace.ts';
import { call, type Draft, eventOf, fetch } from '../../synth/trace-events.ts';

const place = { pid: Type.Integer({ minimum: 1 }), tid: Type.Integer({ minimum: 1 }) };
const time = Type.Number({ minimum: 0 });
const args = Type.Object({}, { additionalProperties: true });
const closed = { additionalProperties: false };
const event = Type.Union([
  Type.Object(
    { ph: Type.Literal('X'), name: Type.String(), cat: Type.String(), ts: time, dur: time, args, ...place },
    closed,
  ),
  Type.Object(
    {
      ph: Type.Literal('i'),
      s: Type.Union([Type.Literal('g'), Type.Literal('p'), Type.Literal('t')]),
      name: Type.String({ minLength: 1 }),
      cat: Type.String(),
      ts: time,
      args,
      ...place,
    },
    closed,
  ),
  Type.Object(
    {
      ph: Type.Literal('M'),
      name: Type.Union([Type.Literal('process_name'), Type.Literal('thread_name')]),
      args: Type.Object({ name: Type.String({ minLength: 1 }) }, closed),
      ...place,
    },
    closed,
  ),
  Type.Object(
    {
      ph: Type.Literal('M'),
      name: Type.Literal('thread_sort_index'),
      args: Type.Object({ sort_index: Type.Integer() }, closed),
      ...place,
    },
    closed,
  ),
]);
const document = Compile(
  Type.Object(
    {
      traceEvents: Type.Array(event, { minItems: 1 }),
      displayTimeUnit: Type.Union([Type.Literal('ms'), Type.Literal('ns')]),
      otherData: args,
    },
    closed,
  ),
);

/** Events are a microsecond apart. */
const at = (n: number, draft: Draft): TraceEvent => eventOf(draft, n, n, hex64((n + 1) * 512));

type Slice = { name: string; ts: number; dur: number; tid: number };

function exported(trace: Trace) {
  const parsed: unknown = JSON.parse(formatTrace(trace, 'perfetto'));
  expect([...document.Errors(parsed)].slice(0, 3)).toEqual([]);
  const { traceEvents } = toPerfetto(trace);
  const slices = traceEvents.flatMap((each): Slice[] => (each.ph === 'X' ? [each] : []));
  const tracks = new Map(
    traceEvents.flatMap((each): [string, number][] =>
      each.ph === 'M' && each.name === 'thread_name' ? [[String(each.args.name), each.tid]] : [],
    ),
  );
  const marks = traceEvents.flatMap((each) => (each.ph === 'i' ? [each] : []));
  return { slices, tracks, marks };
}

describe('toPerfetto', () => {
  test.each([
    ['a whole crash', synthTrace()],
    ['four CPUs', synthTrace({ cpus: 4, master: 3, extraEvents: 200 })],
    ['one CPU', synthTrace({ cpus: 1, master: 0 })],
    ['a crash that ends at T0', synthTrace({ ends: 't0' })],
    ['a crash that ends at T1', synthTrace({ ends: 't1' })],
    ['no events', { ...synthTrace(), events: [], instants: {} }],
  ])('%s: → the Trace Event Format', (_name, trace) => {
    const { tracks, marks } = exported(trace);
    expect(tracks.size).toBe(trace.machine.cpus.length + 1);
    expect(marks.filter(({ s }) => s === 't').length).toBe(trace.events.length);
    expect(marks.filter(({ s }) => s === 'p').length).toBe(Object.keys(trace.instants).length);
  });

  test('times: → the timebase in µs, 512 ticks each', () => {
    const trace = synthTrace();
    const { marks } = exported(trace);
    const [first] = trace.events;
    expect(marks.find(({ args: { n }, s }) => n === 0 && s === 't')?.ts).toBe(
      Number(BigInt(first?.tb ?? '0')) / 512,
    );
  });

  test('phases: → one after another, on their own track and on the master’s', () => {
    const trace = synthTrace({ cpus: 2, master: 1 });
    const { slices, tracks } = exported(trace);
    const own = slices.filter(({ tid }) => tid === tracks.get('handoff'));
    expect(own.map(({ name }) => name)).toEqual([
      'the old kernel leaves',
      'purgatory',
      'the new kernel starts',
      'dump',
    ]);
    for (const [i, slice] of own.entries()) {
      const next = own[i + 1];
      if (next !== undefined) expect(slice.ts + slice.dur).toBeCloseTo(next.ts, 6);
    }
    const master = [...tracks].find(([name]) => name.includes('master'))?.[1];
    expect(slices.filter(({ tid }) => tid === master).map(({ name }) => name)).toEqual(
      own.map(({ name }) => name),
    );
  });

  test('a secondary: → what it was in, without overlap', () => {
    const trace: Trace = {
      ...synthTrace({ ends: 't0' }),
      events: [
        at(0, call(1, 'kernel_kexec')),
        at(1, call(0, 'kexec_smp_down')),
        at(2, call(0, 'kexec_wait')),
        at(3, fetch(0, 'low')),
        at(4, fetch(0, { at: 'function', name: 'start_secondary', in: 'moved' })),
      ],
      instants: { t0: { event: 0, insn: 0, tb: '0x0000000000000200', cpu: 1 } },
    };
    const { slices, tracks } = exported(trace);
    const own = slices.filter(({ tid }) => tid === tracks.get('CPU 0 (thread 0)'));
    expect(own.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['going down', 2, 1],
      ['parked', 3, 1],
      ['released', 4, 1],
      ['in the new kernel', 5, 0],
    ]);
  });

  test('a kexec that begins on another CPU than its master: → slices of no track cut each other', () => {
    const trace: Trace = {
      ...synthTrace({ ends: 't0' }),
      events: [
        at(0, call(1, 'kernel_kexec')),
        at(1, call(1, 'kexec_wait')),
        at(2, fetch(1, 'low')),
        at(3, fetch(0, 'entry')),
        at(4, fetch(0, { at: 'segment', role: 'kernel' })),
      ],
      instants: {
        t0: { event: 0, insn: 0, tb: '0x0000000000000200', cpu: 1 },
        t1: { event: 3, insn: 3, tb: '0x0000000000000800', cpu: 0 },
        t2: { event: 4, insn: 4, tb: '0x0000000000000a00', cpu: 0 },
      },
    };
    const { slices } = exported(trace);
    for (const a of slices)
      for (const b of slices.filter(({ tid }) => tid === a.tid)) {
        const apart = a.ts + a.dur <= b.ts || b.ts + b.dur <= a.ts;
        const within =
          (a.ts <= b.ts && b.ts + b.dur <= a.ts + a.dur) || (b.ts <= a.ts && a.ts + a.dur <= b.ts + b.dur);
        expect(apart || within, `${a.name} and ${b.name}`).toBe(true);
      }
  });

  test('events of a device: → a track of their own', () => {
    const trace = synthTrace();
    const disk = at(trace.events.length, {
      kind: 'disk',
      cpu: -1,
      write: 'last',
      disk: 0,
      offset: 0,
      length: 512,
    });
    const { tracks, marks } = exported({ ...trace, events: [...trace.events, disk] });
    expect(marks.at(-1)?.tid).toBe(tracks.get('devices'));
  });

  test('an event: → its kind and words as name, its registers by name as arguments', () => {
    const draft = call(0, 'panic', 'production', { addr: 0x4000n, symbol: 'panic+0x0', r3: 0x63n });
    const { marks } = exported({ ...synthTrace(), events: [at(0, draft)], instants: {} });
    expect(marks[0]).toMatchObject({ name: 'fetch panic', cat: 'fetch' });
    expect(marks[0]?.args).toMatchObject({
      n: 0,
      insn: 0,
      addr: hex64(0x4000),
      symbol: 'panic+0x0',
      r3: hex64(0x63),
      mark: { at: 'function', name: 'panic', in: 'production' },
    });
  });

  test('twice: → the same bytes', () => {
    expect(formatTrace(synthTrace(), 'perfetto')).toBe(formatTrace(synthTrace(), 'perfetto'));
  });
});
