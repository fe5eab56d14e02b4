/**
 * Version 1 read as version 2. `test/golden/trace-version-1.json` is an excerpt of what the release before wrote for a crash
 * of Debian 12 on four CPUs: the first event of each kind and place, and those of the instants.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EventV1, Mark, TraceV1 } from '../../../src/panic/trace/index.ts';
import { upgradeTrace } from '../../../src/panic/trace/index.ts';
import { synthTrace } from '../../synth/handoff-trace.ts';

const stored = JSON.parse(
  readFileSync(new URL('../../golden/trace-version-1.json', import.meta.url), 'utf8'),
) as TraceV1;
const at = { n: 0, cpu: 1, insn: 5, tb: '0x0000000000000200' };
const hex = (value: number | bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

function upgradeOne(event: Omit<EventV1, 'n' | 'cpu' | 'insn' | 'tb'>) {
  const { events, more } = upgradeTrace({ ...stored, events: [{ ...at, ...event }] });
  return { event: events[0], more };
}
const regsOf = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, i) => [name, hex(i + 1)]));
const FETCH = regsOf(['nia', 'msr', 'lr', 'raddr', 'r1', 'r3', 'r4', 'r5', 'r6']);

describe('upgradeTrace', () => {
  test('a trace of version 2: → itself', () => {
    const trace = synthTrace();
    expect(upgradeTrace(trace)).toBe(trace);
  });

  test('a stored trace: → every event, in order; the head as it was', () => {
    const { events, version, more, ...head } = upgradeTrace(stored);
    expect(version).toBe(2);
    expect(more).toBeUndefined();
    expect(events.map(({ n }) => n)).toEqual(stored.events.map(({ n }) => n));
    const { events: _events, version: _version, ...before } = stored;
    expect(head).toEqual(before);
    expect(new Set(events.map(({ kind }) => kind))).toEqual(
      new Set(['fetch', 'store', 'msr', 'hcall', 'rtas', 'interrupt', 'run', 'census', 'disk']),
    );
  });

  test.each(stored.events.map((event): [string, EventV1] => [`${event.n} ${event.kind}`, event]))(
    'event %s: → every value is still there',
    (_name, before) => {
      const [after] = upgradeTrace({ ...stored, events: [before] }).events;
      const { kind: _kind, detail: _detail, regs = {}, ...common } = before;
      // Devices have no address; of joined stores `old` is that of the first alone.
      expect(after).toMatchObject(common);
      const values = numbersOf(after);
      for (const [name, value] of Object.entries(regs)) {
        if (before.kind === 'store' && name === 'old') continue;
        expect(values, `${name} ${value}`).toContain(BigInt(value));
      }
      expect(after?.text).not.toBe('');
    },
  );

  test.each<[string, string, Mark]>([
    ['a function', 'panic', { at: 'function', name: 'panic', in: 'production' }],
    [
      'of the next kernel',
      'crash kernel: start_kernel',
      { at: 'function', name: 'start_kernel', in: 'crash' },
    ],
    [
      'of the kernel at 0',
      'at address 0: start_secondary',
      { at: 'function', name: 'start_secondary', in: 'moved' },
    ],
    ['the entry', 'entry', { at: 'entry' }],
    ['the copy at 0', 'low 0x100', { at: 'low' }],
    ['above the vectors', 'above the vectors', { at: 'above-vectors' }],
    ['the flag', 'run at load', { at: 'run-at-load' }],
    ['the boot CPU', 'boot cpu', { at: 'boot-cpu' }],
    ['the head', 'head of the kernel', { at: 'kernel-head' }],
    ['a note', 'note of cpu 12', { at: 'note', cpu: 12 }],
    ['a segment', 'segment elfcorehdr', { at: 'segment', role: 'elfcorehdr' }],
    ['a copy', 'copy of backup', { at: 'copy', role: 'backup' }],
  ])('%s: → its mark', (_name, detail, mark) => {
    const { event, more } = upgradeOne({ kind: 'fetch', addr: hex(0x100), regs: FETCH, detail });
    expect(more).toBeUndefined();
    expect(event).toMatchObject({ kind: 'fetch', mark, addr: hex(0x100) });
  });

  test('kexec_load: → its segments', () => {
    const regs = {
      ...regsOf(['entry', 'segments', 'flags']),
      ...regsOf(['seg0_bufsz', 'seg0_mem', 'seg0_memsz', 'seg1_bufsz', 'seg1_mem', 'seg1_memsz']),
    };
    const addr = hex(0xc0de);
    expect(upgradeOne({ kind: 'syscall', detail: 'kexec_load', addr, regs }).event).toEqual({
      ...at,
      kind: 'syscall',
      addr,
      name: 'kexec_load',
      entry: hex(1),
      flags: hex(3),
      segments: [
        { bufsz: 1, mem: hex(2), memsz: 3 },
        { bufsz: 4, mem: hex(5), memsz: 6 },
      ],
      text: 'kexec_load, 2 segments',
    });
  });

  test('kexec_load whose list was not there: → no segments', () => {
    const regs = regsOf(['entry', 'segments', 'flags']);
    const { event } = upgradeOne({ kind: 'syscall', detail: 'kexec_load', addr: hex(4), regs });
    expect(event).toMatchObject({ kind: 'syscall', text: 'kexec_load, its list cannot be read' });
    expect(event).not.toHaveProperty('segments');
  });

  test.each([
    [0n, 0, 'ok'],
    [99n, 1, 'EADDRNOTAVAIL'],
    [26n, 1, 'ETXTBSY'],
    [5n, 1, 'errno 5'],
    [BigInt.asUintN(64, -22n), 0, 'EINVAL'],
    [BigInt.asUintN(64, -4096n), 0, 'ok'],
  ])('kexec_load that returned %i with so %i: → %s', (r3, so, result) => {
    const regs = { r3: hex(r3), so: hex(so) };
    const { event } = upgradeOne({ kind: 'syscall', detail: 'kexec_load result', addr: hex(4), regs });
    expect(event).toEqual({
      ...at,
      kind: 'syscall-return',
      addr: hex(4),
      name: 'kexec_load',
      result,
      regs: { r3: hex(r3) },
      text: `kexec_load returned: ${result}`,
    });
  });

  test('faults: → their damage', () => {
    const flip = { kind: 'fault', detail: 'flip:kernel+0x5f@t2', addr: hex(0x5f) };
    expect(
      upgradeOne({ ...flip, regs: { length: hex(1), old: hex(0x6e), new: hex(0x91) } }).event,
    ).toMatchObject({
      name: flip.detail,
      damage: { kind: 'flip', raddr: hex(0x5f), old: 0x6e, new: 0x91 },
    });
    const wedge = { kind: 'fault', detail: 'wedge:1', addr: hex(0x400), regs: regsOf(['msr', 'r1']) };
    expect(upgradeOne(wedge).event).toMatchObject({
      damage: { kind: 'wedge', addr: hex(0x400), msr: hex(1), r1: hex(2) },
    });
  });

  test('a system reset and a hypercall that has no name: → upgraded', () => {
    expect(upgradeOne({ kind: 'reset', detail: 'system reset from outside' }).event?.kind).toBe('reset');
    const regs = regsOf(['opcode', 'r4', 'r5', 'r6', 'r7', 'r8']);
    const { event } = upgradeOne({ kind: 'hcall', detail: '0x1', addr: hex(4), regs });
    expect(event).toMatchObject({ kind: 'hcall', opcode: 1, text: 'hypercall 0x1' });
    expect(event).not.toHaveProperty('name');
    expect(event).not.toHaveProperty('status');
  });

  test('what version 2 cannot express: → counted, by CPU and kind', () => {
    const events: readonly EventV1[] = [
      { ...at, kind: 'console', detail: 'text' },
      { ...at, kind: 'constructor' },
      { ...at, kind: 'fetch', detail: 'toString', addr: hex(1), regs: FETCH },
      { ...at, kind: 'fetch', detail: 'panic', addr: hex(1), regs: { r1: hex(1) } },
      { ...at, cpu: 2, kind: 'store', detail: 'entry', addr: hex(1) },
      { ...at, kind: 'reset' },
    ];
    const upgraded = upgradeTrace({ ...stored, events });
    expect(upgraded.events.map(({ kind }) => kind)).toEqual(['reset']);
    expect(upgraded.more).toEqual([
      { cpu: 1, count: 2 },
      { cpu: 1, kind: 'fetch', count: 2 },
      { cpu: 2, kind: 'store', count: 1 },
    ]);
  });
});

/** Every number in it, and every hex text as one. */
function numbersOf(value: unknown): readonly bigint[] {
  if (typeof value === 'number') return [BigInt(value)];
  if (typeof value === 'string') return /^0x[0-9a-f]+$/.test(value) ? [BigInt(value)] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(numbersOf);
}
