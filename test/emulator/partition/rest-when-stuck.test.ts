/** A CPU that waits with its interrupts off for another one: an observer of that gets one report, at once. */

import { describe, expect, it } from 'vitest';
import { TIMEBASE_HZ } from '../../../src/base/power.ts';
import { type BareRun, bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, b, bc, dForm, li, lis, mtspr, SC1, xForm } from '../../synth/power-words.ts';

const DECREMENTER = 22;
const H_CEDE = 0xe0;
const VECTOR = 0x900;
const EE = 0x8000n;
/** 2^16 ticks of 512 MHz, so that a number of seconds fits the upper half of a word. */
const seconds = (n: number): number => Math.round((n * TIMEBASE_HZ) / 2 ** 16);
/** Below the kernel, and never executed. */
const FLAG = 0x3000;

/** CPU 0 waits until FLAG is not zero, and ends. */
const WAIT = [dForm(32, 3, 0, FLAG), dForm(11, 0, 3, 0), bc(12, 2, -8), ATTN]; // lwz, cmpwi, beq
/** CPU 1 cedes for a second. */
const CEDE = [lis(6, seconds(1)), mtspr(DECREMENTER, 6), li(3, H_CEDE), SC1, b(-16)];
/** Its tick a second later ends the wait. */
const TICK = [li(4, 1), dForm(36, 4, 0, FLAG), ...CEDE]; // li, stw

/** @param interrupts CPU 0 waits with them on */
function waiting(restWhenStuck: boolean, interrupts = false): BareRun {
  const enable = [xForm(7, 0, 0, 83), dForm(24, 7, 7, 0x8000), xForm(7, 1, 0, 178)]; // mfmsr, ori, mtmsrd r7,1
  const words = [...(interrupts ? enable : []), ...WAIT];
  const run = bareKernel([...words, ...CEDE], { restWhenStuck }, [], { cpus: 2 });
  const { partition } = run;
  const [first, second] = partition.vcpus;
  if (first === undefined || second === undefined) throw new Error('the partition has two vCPUs');
  for (const [i, word] of TICK.entries()) partition.ram.writeU32(VECTOR + 4 * i, word, false);
  second.nia = BigInt(KERNEL_ENTRY + 4 * words.length);
  second.msr = first.msr;
  second.state = 'running';
  return run;
}

const SECOND = 1e9;

describe('restWhenStuck', () => {
  it('a CPU spins with interrupts off while the other waits for its tick → rests before the tick', () => {
    const { partition } = waiting(true);
    expect(partition.run(SECOND)).toBe('resting');
    expect(partition.clock.now()).toBeLessThan(SECOND / 100);
    expect(partition.snapshot().map(({ state }) => state)).toEqual(['parked', 'ceded']);
    expect(partition.ram.readU32(FLAG, false)).toBe(0);
  });

  it('left unanswered → continues as if it had not rested: the same end at the same instruction and time', () => {
    const { partition: watched } = waiting(true);
    expect(watched.run(SECOND)).toBe('resting');
    expect(watched.run(SECOND)).toBe('ended');
    const { partition: alone } = waiting(false);
    expect(alone.run(SECOND)).toBe('ended');
    const ends = [watched, alone].map(({ ended, instructions, clock }) => ({
      ended,
      instructions,
      now: clock.now(),
    }));
    expect(ends[0]).toEqual(ends[1]);
    expect(ends[0]?.ended).toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/^attn at 0x0{12}400c$/),
    });
    expect(Number(ends[0]?.now) / SECOND).toBeCloseTo(1, 2);
  });

  it('not asked for → no rest before the tick', () => {
    const { partition } = waiting(false);
    expect(partition.run(SECOND)).toBe('ended');
    expect(partition.clock.now()).toBeGreaterThan(SECOND);
  });

  it('it waits with interrupts on → an interrupt may end that, and there is no rest', () => {
    const { partition } = waiting(true, true);
    expect(partition.run(SECOND)).toBe('ended');
    expect((partition.vcpus[0]?.msr ?? 0n) & EE).toBe(EE);
  });

  it('a new plan asks again → rests again', () => {
    const { partition } = waiting(true);
    partition.ram.writeU32(VECTOR + 4, li(4, 1), false); // The tick stores nothing.
    expect(partition.run(SECOND)).toBe('resting');
    const plan = { probes: [], stores: [], executes: [], msrMask: 0n, vectors: [], hcallsExcept: [] };
    partition.observe({ ...plan, restWhenStuck: true });
    const before = partition.clock.now();
    expect(partition.run(SECOND)).toBe('resting');
    expect(partition.clock.now()).toBe(before);
  });
});
