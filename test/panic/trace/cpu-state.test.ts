import { expect, it } from 'vitest';
import { MSR } from '../../../src/base/power.ts';
import { cpuStateOf } from '../../../src/panic/trace/index.ts';
import { REAL, VIRTUAL } from '../../synth/trace-events.ts';

it.each([
  ['at 0x60', 0x60n, REAL, 'parked'],
  ['in the loop of a little-endian kernel', 0xb0n, REAL | MSR.LE, 'parked'],
  ['in the vector behind it', 0x100n, REAL, 'running'],
  ['at the master’s entry', 0n, REAL, 'running'],
  ['in a program that lies there', 0x60n, VIRTUAL, 'running'],
] as const)('a CPU that the machine calls running, %s → %s', (_where, nia, msr, state) => {
  expect(cpuStateOf('running', nia, msr)).toBe(state);
});

it('any other state → as it is', () => {
  for (const state of ['stopped', 'ceded', 'wedged', 'parked'] as const)
    expect(cpuStateOf(state, 0x60n, REAL)).toBe(state);
});
