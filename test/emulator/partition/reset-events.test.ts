/** Who asked for a system reset, and the instant that waits for one from outside. */

import { describe, expect, it } from 'vitest';
import { VECTOR } from '../../../src/base/power.ts';
import type { MachineEvent, ObservePlan } from '../../../src/emulator/contract/index.ts';
import { OPCODE } from '../../../src/emulator/platform/contract/opcodes.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { b, li, NOP, SC1 } from '../../synth/power-words.ts';
import { rtasCall } from '../../synth/rtas-call.ts';

const START_CPU = 0x2006;
const OTHER = 1;
/** `b .`, which the machine takes for waiting, so that it rests. */
const STAY = b(0);

const PLAN: Partial<ObservePlan> = {
  vectors: [VECTOR.systemReset],
  hcallsExcept: ['H_RTAS', 'H_SIGNAL_SYS_RESET'],
  instants: [{ name: 't0', at: [{ kind: 'interrupt', vector: VECTOR.systemReset, requestedBy: 'outside' }] }],
};

/** H_SIGNAL_SYS_RESET for the CPU of a hardware id; negative: PAPR's -1 for all. */
const signal = (target: number): number[] => [li(4, target), li(3, OPCODE.H_SIGNAL_SYS_RESET), SC1];

/** RTAS start-cpu of the second CPU at `entry`. */
function startOther(entry: number): number[] {
  return rtasCall([START_CPU, 3, 1, OTHER, entry, 0]);
}

/** A machine of two CPUs, of which the second one is stopped. A system reset ends in `b .` for good. */
function machine(words: readonly number[]) {
  const made = bareKernel(words, PLAN, [], { cpus: 2 });
  made.partition.ram.writeU32(VECTOR.systemReset, STAY, false);
  return made;
}

function resetsOf(events: readonly MachineEvent[]) {
  return events
    .filter((event) => event.kind === 'interrupt')
    .map(({ cpu, vector, requestedBy }) => [cpu, vector, requestedBy]);
}

/** More than it takes to rest. */
const rests = 10_000_000_000;

describe('requestedBy', () => {
  it('the operator → outside; the event of the request comes before', () => {
    const { partition, events } = machine([STAY]);
    partition.nmi([0]);
    expect(partition.run(rests)).toBe('resting');
    expect(events.map(({ kind, cpu }) => [kind, cpu])).toEqual([
      ['reset', 0],
      ['run', 0],
      ['interrupt', 0],
    ]);
    expect(resetsOf(events)).toEqual([[0, VECTOR.systemReset, 'outside']]);
  });

  it('a CPU of the guest, for itself or for another one → guest', () => {
    const { partition, events } = machine(signal(0));
    expect(partition.run(rests)).toBe('resting');
    expect(resetsOf(events)).toEqual([[0, VECTOR.systemReset, 'guest']]);
    const words = [...startOther(KERNEL_ENTRY + 0x400), ...signal(OTHER), STAY];
    const two = machine([...words, ...new Array<number>(0x100 - words.length).fill(NOP), STAY]);
    expect(two.partition.run(rests)).toBe('resting');
    expect(resetsOf(two.events)).toEqual([[1, VECTOR.systemReset, 'guest']]);
  });

  it('the operator, then a CPU of the guest → each its own', () => {
    const { partition, events } = machine([STAY]);
    partition.nmi([0]);
    expect(partition.run(rests)).toBe('resting');
    for (const [i, word] of [...signal(0), STAY].entries())
      partition.ram.writeU32(VECTOR.systemReset + 4 * i, word, false);
    partition.nmi([0]);
    // Every system reset asks for the next one.
    expect(partition.run(3000)).toBe('ran');
    expect(resetsOf(events).slice(0, 3)).toEqual([
      [0, VECTOR.systemReset, 'outside'],
      [0, VECTOR.systemReset, 'outside'],
      [0, VECTOR.systemReset, 'guest'],
    ]);
  });

  it('from outside to a stopped CPU, which does not take it; started and reset by the guest → guest', () => {
    const words = [...startOther(KERNEL_ENTRY + 0x400), ...signal(OTHER), STAY];
    const { partition, events } = machine([
      ...words,
      ...new Array<number>(0x100 - words.length).fill(NOP),
      STAY,
    ]);
    partition.nmi([OTHER]);
    expect(partition.run(rests)).toBe('resting');
    expect(events[0]).toMatchObject({ kind: 'reset', cpu: OTHER });
    expect(resetsOf(events)).toEqual([[OTHER, VECTOR.systemReset, 'guest']]);
  });

  it('another vector → nobody', () => {
    const { partition, events } = bareKernel([0x0fe00000], { vectors: [VECTOR.program] });
    partition.run(1000);
    expect(events).toMatchObject([{ kind: 'interrupt', vector: VECTOR.program }]);
    expect(events[0]).not.toHaveProperty('requestedBy');
  });
});

describe('an instant that waits for a system reset from outside', () => {
  it('kept when it is delivered, on the CPU that takes it: nothing of the handler was executed', () => {
    const words = [...startOther(KERNEL_ENTRY + 0x400), STAY];
    const { partition, events } = machine([
      ...words,
      ...new Array<number>(0x100 - words.length).fill(NOP),
      STAY,
    ]);
    expect(partition.run(rests)).toBe('resting');
    expect(partition.instant('t0')).toBeUndefined();
    partition.nmi([OTHER]);
    expect(partition.instant('t0')).toBeUndefined();
    partition.run(rests);
    const taken = events.find((event) => event.kind === 'interrupt');
    expect(taken?.cpu).toBe(OTHER);
    expect(partition.instant('t0')).toMatchObject({
      by: { kind: 'interrupt', vector: VECTOR.systemReset, requestedBy: 'outside' },
      cpu: OTHER,
      insn: taken?.insn,
    });
    expect(partition.instant('t0')?.vcpus[OTHER]?.nia).toBe(BigInt(VECTOR.systemReset));
  });

  it('one that the guest asks for → not kept', () => {
    const { partition, events } = machine(signal(0));
    partition.run(rests);
    expect(resetsOf(events)).toHaveLength(1);
    expect(partition.instant('t0')).toBeUndefined();
  });
});
