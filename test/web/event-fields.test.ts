/** The fields of each kind of event, as the page lists them. */

import { describe, expect, test } from 'vitest';
import { EVENT_KINDS, type TraceEventKind } from '../../src/panic/trace/index.ts';
import { type Field, fieldsOf, whereOf } from '../../web/src/handoff/event-fields.ts';
import { outline, styleOf } from '../../web/src/handoff/kinds.ts';
import { type Draft, eventOf } from '../synth/trace-events.ts';

type Own<Any> = Any extends Draft ? Omit<Any, 'cpu'> : never;

const A = '0x0000000000004000';
const B = '0x0000000000000001';
const place = { addr: A, symbol: 'panic+0x0' };
const PLACE: readonly Field[] = [
  ['symbol', 'panic+0x0'],
  ['address', A],
];

/** One event of each kind with every field that it can have. */
const EVENTS: Readonly<Record<TraceEventKind, readonly [Own<Draft>, readonly Field[]]>> = {
  fetch: [
    {
      kind: 'fetch',
      ...place,
      mark: { at: 'entry' },
      raddr: B,
      regs: { r1: A, r3: A, r4: A, r5: A, r6: A, lr: A, msr: B },
    },
    [
      ...PLACE,
      ['real address', B],
      ...['r1', 'r3', 'r4', 'r5', 'r6', 'lr'].map((name): Field => [name, A]),
      ['msr', B],
    ],
  ],
  store: [
    {
      kind: 'store',
      ...place,
      mark: { at: 'low' },
      length: 4,
      old: '00000000',
      new: '48000060',
      regs: { nia: A, r3: B },
    },
    [
      ['symbol', 'panic+0x0'],
      ['real address', A],
      ['bytes', '4'],
      ['before', '00000000'],
      ['after', '48000060'],
      ['nia', A],
      ['r3', B],
    ],
  ],
  msr: [
    { kind: 'msr', ...place, regs: { before: A, after: B, r3: A } },
    [...PLACE, ['before', A], ['after', B], ['r3', A]],
  ],
  hcall: [
    {
      kind: 'hcall',
      ...place,
      name: 'H_IPI',
      opcode: 0x6c,
      regs: { r4: A, r5: A, r6: A, r7: A, r8: A },
      status: B,
    },
    [
      ...PLACE,
      ['opcode', '0x6c'],
      ...['r4', 'r5', 'r6', 'r7', 'r8'].map((name): Field => [name, A]),
      ['status', B],
    ],
  ],
  rtas: [
    { kind: 'rtas', name: 'start-cpu', args: [1, 256] },
    [
      ['argument 0', '0x1'],
      ['argument 1', '0x100'],
    ],
  ],
  interrupt: [
    {
      kind: 'interrupt',
      ...place,
      vector: 0x100,
      requestedBy: 'outside',
      regs: { srr0: A, srr1: A, r1: A, dar: A, dsisr: B },
    },
    [...PLACE, ['requested by', 'outside'], ['srr0', A], ['srr1', A], ['r1', A], ['dar', A], ['dsisr', B]],
  ],
  eoi: [
    { kind: 'eoi', controller: 'xics', source: 2, cppr: 255 },
    [
      ['controller', 'XICS'],
      ['source', '0x2'],
      ['CPPR', '0xff'],
    ],
  ],
  syscall: [
    {
      kind: 'syscall',
      ...place,
      name: 'kexec_load',
      entry: A,
      flags: B,
      segments: [{ mem: A, memsz: 65536, bufsz: 12 }],
    },
    [...PLACE, ['entry', A], ['flags', B], ['segment 0', `${A}, 65\u202f536 bytes, 12 of them given`]],
  ],
  'syscall-return': [
    { kind: 'syscall-return', ...place, name: 'kexec_load', result: 'ok', regs: { r3: B } },
    [...PLACE, ['r3', B]],
  ],
  reset: [{ kind: 'reset' }, []],
  run: [
    { kind: 'run', ...place, change: 'started', regs: { msr: A, r3: B } },
    [...PLACE, ['msr', A], ['r3', B]],
  ],
  census: [
    { kind: 'census', ...place, state: 'parked', regs: { msr: A, r3: B } },
    [...PLACE, ['msr', A], ['r3', B]],
  ],
  disk: [
    { kind: 'disk', write: 'first', disk: 1, offset: 4096, length: 512 },
    [
      ['disk', '1'],
      ['offset', '4\u202f096'],
      ['bytes', '512'],
    ],
  ],
  fault: [
    { kind: 'fault', name: 'flip:kernel+0x0', damage: { kind: 'flip', raddr: A, old: 1, new: 254 } },
    [
      ['real address', A],
      ['before', '0x1'],
      ['after', '0xfe'],
    ],
  ],
};
const synthEvent = (own: Own<Draft>) => eventOf({ ...own, cpu: 0 }, 0, 0, B);

describe.each(EVENT_KINDS.map((kind) => [kind, ...EVENTS[kind]] as const))('%s', (kind, own, fields) => {
  test('fieldsOf: → every field of it, each label once', () => {
    const found = fieldsOf(synthEvent(own));
    expect(found).toEqual(fields);
    expect(new Set(found.map(([label]) => label)).size).toBe(found.length);
  });

  test('words, label and mark: → there, and the mark like no other', () => {
    expect(synthEvent(own).text).not.toBe('');
    const { label, shape, colour } = styleOf(kind);
    expect(label).not.toBe('');
    expect(outline(shape, 5)).toMatch(/^M/);
    const alike = EVENT_KINDS.filter(
      (each) => styleOf(each).shape === shape && styleOf(each).colour === colour,
    );
    expect(alike).toEqual([kind]);
  });
});

test('a wedge: → where the CPU was', () => {
  const damage = { kind: 'wedge', addr: A, msr: A, r1: B } as const;
  expect(fieldsOf(synthEvent({ kind: 'fault', name: 'wedge:1', damage }))).toEqual([
    ['address', A],
    ['msr', A],
    ['r1', B],
  ]);
});

test('whereOf: → symbol, else address, else nothing', () => {
  expect(whereOf(synthEvent(EVENTS.fetch[0]))).toBe('panic+0x0');
  expect(whereOf(synthEvent({ kind: 'run', addr: A, change: 'started', regs: { msr: A, r3: B } }))).toBe(A);
  expect(whereOf(synthEvent({ kind: 'reset' }))).toBe('');
});
