/** When a partition rests (docs/adr/003), and what it must not do before it is on. */

import { describe, expect, it } from 'vitest';
import { BugError } from '../../../src/base/errors.ts';
import { TIMEBASE_HZ } from '../../../src/base/power.ts';
import { Partition } from '../../../src/emulator/partition/index.ts';
import { bareKernel } from '../../synth/bare-kernel.ts';
import { ATTN, b, bc, li, lis, mtspr, SC1, xForm } from '../../synth/power-words.ts';

const DECREMENTER = 22;
const H_CEDE = 0xe0;
/** 2^16 ticks of 512 MHz, so that a number of seconds fits the upper half of a word. */
const seconds = (n: number): number => Math.round((n * TIMEBASE_HZ) / 2 ** 16);

/** Waits for `n` seconds by reading the timebase: busy, and silent. */
function delay(n: number): number[] {
  return [
    xForm(3, 12, 8, 371), // mftb r3
    lis(4, seconds(n)),
    xForm(4, 4, 3, 266), // add r4,r4,r3
    xForm(5, 12, 8, 371),
    xForm(1, 5, 4, 32), // cmpld r5,r4
    bc(12, 0, -8),
  ];
}
/** Waits for `n` seconds or an interrupt. */
function cede(n: number): number[] {
  return [lis(6, seconds(n)), mtspr(DECREMENTER, 6), li(3, H_CEDE), SC1];
}

describe('resting', () => {
  it('a guest that computed for 4 s in silence and then waits for 1 s → continues', () => {
    const { partition } = bareKernel([...delay(4), ...cede(1), ATTN]);
    expect(partition.run(1e9)).toBe('ended');
    expect(partition.ended).toEqual({ kind: 'error', message: 'attn at 0x0000000000000900' });
    expect(partition.clock.now() / 1e9).toBeCloseTo(5, 2);
  });

  it('a guest that waits for 4 s → rests at once', () => {
    const { partition } = bareKernel([...cede(4), ATTN]);
    expect(partition.run(1e9)).toBe('resting');
    expect(partition.clock.now()).toBeLessThan(1e6);
  });

  it('ticks of some instructions each second → rests before the tick that comes 3 s after the wait began', () => {
    const { partition } = bareKernel([...cede(1), ATTN]);
    const tick = [...cede(1), b(-16)];
    for (const [i, word] of tick.entries()) partition.ram.writeU32(0x900 + 4 * i, word, false);
    expect(partition.run(1e9)).toBe('resting');
    expect(partition.clock.now() / 1e9).toBeCloseTo(2, 2);
  });

  it('ticks that compute for 20 ms each → no rest', () => {
    const { partition } = bareKernel([...cede(1), ATTN]);
    const tick = [...delay(0.02), ...cede(1), b(-16)];
    for (const [i, word] of tick.entries()) partition.ram.writeU32(0x900 + 4 * i, word, false);
    expect(partition.run(4e6)).toBe('ran');
    expect(partition.clock.now()).toBeGreaterThan(3e9);
  });
});

describe('before power-on', () => {
  it('darn → a bug, not predictable bytes', () => {
    const { config } = bareKernel([ATTN]).partition;
    const listener = { console: () => undefined, unsupported: () => undefined, event: () => undefined };
    const off = new Partition(config, [], listener);
    const [vcpu] = off.vcpus;
    if (vcpu === undefined) throw new Error('a partition has a vCPU');
    off.ram.writeU32(0, xForm(3, 0, 0, 755), false); // darn r3,0
    vcpu.state = 'running';
    expect(() => off.run(100)).toThrow(BugError);
  });
});
