/** Events in words: what people read on the page, in Perfetto and on the command line. */

import { expect, test } from 'vitest';
import { type Mark, markText, textOf, vectorText } from '../../../src/panic/trace/index.ts';
import { call as calling, type Draft } from '../../synth/trace-events.ts';

const A = '0x0000000000004000';
const B = '0x0000000000000001';
const MINUS_4 = '0xfffffffffffffffc';
const at = { n: 0, insn: 0, tb: B };

type Own<Any> = Any extends Draft ? Omit<Any, 'cpu'> : never;
const regs = { srr0: A, srr1: A, r1: A, dar: A, dsisr: A };
const place = { msr: A, r3: B };
const call = { kind: 'hcall', addr: A, opcode: 0x6c, regs: { r4: A, r5: A, r6: A, r7: A, r8: A } } as const;
const store = { kind: 'store', addr: A, mark: { at: 'note', cpu: 1 } } as const;

test.each<[string, Own<Draft>]>([
  ['panic', calling(0, 'panic')],
  ['note of CPU 1: 00000000 → 05000000', { ...store, length: 4, old: '00000000', new: '05000000' }],
  ['note of CPU 1: 16 bytes', { ...store, length: 16, old: '00'.repeat(16), new: '01'.repeat(16) }],
  ['note of CPU 1: 1 byte', { ...store, length: 1 }],
  [
    'IR DR RI on, EE off',
    { kind: 'msr', addr: A, regs: { before: '0x0000000000009000', after: '0x0000000000001032' } },
  ],
  ['H_IPI → -4', { ...call, name: 'H_IPI', status: MINUS_4 }],
  ['H_IPI', { ...call, name: 'H_IPI' }],
  ['hypercall 0x6c', call],
  ['start-cpu', { kind: 'rtas', name: 'start-cpu', args: [] }],
  ['0x100 system reset', { kind: 'interrupt', addr: A, vector: 0x100, requestedBy: 'guest', regs }],
  [
    '0x100 system reset, requested from outside',
    { kind: 'interrupt', addr: A, vector: 0x100, requestedBy: 'outside', regs },
  ],
  ['end of interrupt 0x2', { kind: 'eoi', controller: 'xics', source: 2 }],
  [
    'kexec_load, 1 segment',
    {
      kind: 'syscall',
      addr: A,
      name: 'kexec_load',
      entry: A,
      flags: B,
      segments: [{ mem: A, memsz: 1, bufsz: 1 }],
    },
  ],
  [
    'kexec_load, its list cannot be read',
    { kind: 'syscall', addr: A, name: 'kexec_load', entry: A, flags: B },
  ],
  [
    'kexec_load returned: EBUSY',
    { kind: 'syscall-return', addr: A, name: 'kexec_load', result: 'EBUSY', regs: { r3: A } },
  ],
  ['system reset from outside', { kind: 'reset' }],
  ['stopped', { kind: 'run', addr: A, change: 'stopped', regs: place }],
  ['is parked', { kind: 'census', addr: A, state: 'parked', regs: place }],
  ['last write to disk 1', { kind: 'disk', write: 'last', disk: 1, offset: 0, length: 1 }],
  ['wedge:1', { kind: 'fault', name: 'wedge:1', damage: { kind: 'wedge', addr: A, msr: A, r1: A } }],
])('textOf: → %s', (text, own) => {
  expect(textOf({ ...at, cpu: 0, ...own })).toBe(text);
});

test.each<[string, Mark]>([
  ['next kernel: start_kernel', { at: 'function', name: 'start_kernel', in: 'crash' }],
  ['next kernel at address 0: start_kernel', { at: 'function', name: 'start_kernel', in: 'moved' }],
  ['segment tree', { at: 'segment', role: 'tree' }],
  ['start of segment backup', { at: 'copy', role: 'backup' }],
  ['entry of the image', { at: 'entry' }],
  ['copy at 0', { at: 'low' }],
  ['above the vectors', { at: 'above-vectors' }],
  ['run-at-load word', { at: 'run-at-load' }],
  ['boot CPU of the tree', { at: 'boot-cpu' }],
  ['start of the next kernel', { at: 'kernel-head' }],
  ['release of the secondaries', { at: 'release' }],
])('markText: → %s', (text, mark) => {
  expect(markText(mark)).toBe(text);
});

test('vectorText: → the name of the Power ISA, or the number alone', () => {
  expect(vectorText(0x700)).toBe('0x700 program');
  expect(vectorText(0xf00)).toBe('0xf00 performance monitor');
  expect(vectorText(0x1234)).toBe('0x1234');
});
