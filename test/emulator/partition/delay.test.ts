/** Loops that wait for the timebase (partition/delay-loop.ts): helped on to the end of their wait, and not beyond. */

import { describe, expect, it } from 'vitest';
import { bareKernel } from '../../synth/bare-kernel.ts';
import { ATTN, bc, li, lis, mtspr, xForm } from '../../synth/power-words.ts';

const CTR = 9;
const MFTB = (rt: number): number => xForm(rt, 12, 8, 371);
const ORI = (ra: number, rs: number, value: number): number => (24 << 26) | (rs << 21) | (ra << 16) | value;
const BDNZ = (bytes: number): number => bc(16, 0, bytes);
const TICKS_PER_MICROSECOND = 512;

/** `count` waits of `ticks`, each as Linux's __delay makes it: by the difference from its start. */
function differences(count: number, ticks: number): number[] {
  return [
    li(0, 0),
    lis(6, count >> 16),
    ORI(6, 6, count & 0xffff),
    mtspr(CTR, 6),
    lis(4, ticks >> 16),
    ORI(4, 4, ticks & 0xffff),
    MFTB(3),
    MFTB(5),
    xForm(5, 3, 5, 40), // subf r5,r3,r5
    xForm(1, 5, 4, 32), // cmpld r5,r4
    bc(12, 0, -12),
    BDNZ(-20),
    ATTN,
  ];
}

/** The same by a sum and the difference's negative: subf r5,r5,r4; cmpdi r5,0. */
function remainders(count: number, ticks: number): number[] {
  const words = differences(count, ticks);
  words[6] = MFTB(3);
  words.splice(8, 3, xForm(5, 5, 7, 40), (11 << 26) | (1 << 21) | (5 << 16), bc(12, 1, -12));
  words.splice(7, 0, xForm(7, 4, 3, 266)); // add r7,r4,r3
  words[words.length - 2] = BDNZ(-24);
  return words;
}

/** Compares the low halves: its end is not known. */
function halves(count: number, ticks: number): number[] {
  const words = differences(count, ticks);
  words[9] = xForm(0, 5, 4, 32); // cmplw r5,r4
  return words;
}

function elapsed(words: readonly number[]): { us: number; instructions: number } {
  const { partition } = bareKernel(words);
  expect(partition.run(1e9)).toBe('ended');
  expect(partition.ended).toMatchObject({ message: expect.stringContaining('attn') });
  return { us: partition.clock.now() / 1000, instructions: partition.instructions };
}

describe('a loop that waits for the timebase', () => {
  it('5000 waits of 1 µs → 5 ms, no more than the loops around them take', () => {
    const { us } = elapsed(differences(5000, TICKS_PER_MICROSECOND));
    expect(us).toBeGreaterThan(5000);
    expect(us).toBeLessThan(5100);
  });

  it.each([
    ['the difference from its start', differences],
    ['what is left of it', remainders],
  ])('20 waits of 10 ms by %s → 200 ms, most of it not executed', (_, program) => {
    const { us, instructions } = elapsed(program(20, 10_000 * TICKS_PER_MICROSECOND));
    expect(us).toBeGreaterThan(200_000);
    expect(us).toBeLessThan(200_001);
    expect(instructions).toBeLessThan(5e6);
  });

  it('an end that is not known → helped step by step, later by less than one of them', () => {
    const { us, instructions } = elapsed(halves(1, 50_000 * TICKS_PER_MICROSECOND));
    expect(us).toBeGreaterThan(50_000);
    expect(us).toBeLessThan(50_101);
    expect(instructions).toBeLessThan(5e6);
  });
});
