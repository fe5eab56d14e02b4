/** A guest whose interrupt handlers raise interrupts: it runs for ever, as on hardware, and its owner is heard. */

import { describe, expect, it } from 'vitest';
import { STORM } from '../../../src/emulator/cpu/vcpu.ts';
import type { Partition } from '../../../src/emulator/partition/index.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { b, NOP } from '../../synth/power-words.ts';
import { rtasCall } from '../../synth/rtas-call.ts';

/** Not an instruction. */
const ILLEGAL = 0;
const START_CPU = 0x2006;
const OTHER = 1;

function illegalHandler(): Partition {
  const { partition } = bareKernel([ILLEGAL]);
  partition.ram.writeU32(0x700, ILLEGAL, false);
  return partition;
}

describe('a program interrupt at the first instruction of its own handler', () => {
  it('time passes, one tick an interrupt, and the run ends at its limit', () => {
    const partition = illegalHandler();
    expect(partition.run(1000)).toBe('ran');
    expect(partition.instructions).toBe(1000);
    expect(partition.clock.now()).toBe(1000);
    expect(partition.vcpus[0]?.nia).toBe(0x700n);
  });

  it('a run of any length → ended by a watch on the time', () => {
    const partition = illegalHandler();
    let looks = 0;
    expect(partition.run(1e12, () => ++looks > 100)).toBe('ran');
    expect(partition.instructions).toBeLessThan(200);
  });

  it('too many of them → the partition rests, and says so of the CPU; woken, it continues for as many more', () => {
    const partition = illegalHandler();
    expect(partition.run(1e12)).toBe('resting');
    const { instructions } = partition;
    expect(partition.snapshot()).toMatchObject([{ state: 'running', nia: 0x700n, storm: STORM }]);
    expect(partition.run(1e12)).toBe('resting');
    expect(partition.instructions).toBe(2 * instructions);
    expect(partition.snapshot()).toMatchObject([{ storm: 2 * STORM }]);
  });

  it('beside a CPU that waits for good in a loop → it rests as well', () => {
    const start = rtasCall([START_CPU, 3, 1, OTHER, KERNEL_ENTRY + 0x400, 0]);
    const words = [...start, ILLEGAL];
    const { partition } = bareKernel(
      [...words, ...new Array<number>(0x100 - words.length).fill(NOP), b(0)],
      {},
      [],
      { cpus: 2 },
    );
    partition.ram.writeU32(0x700, ILLEGAL, false);
    expect(partition.run(1e12)).toBe('resting');
    expect(partition.snapshot()).toMatchObject([{ storm: STORM }, { state: 'parked' }]);
  });

  it('a system reset is taken out of it', () => {
    const partition = illegalHandler();
    expect(partition.run(1e12)).toBe('resting');
    partition.nmi([0]);
    expect(partition.run(1e12)).toBe('ended');
    expect(partition.vcpus[0]?.nia).toBe(0x100n);
  });
});
