/** Faults are done between two instructions, and what the guest does next shows them. */

import { describe, expect, it } from 'vitest';
import type { MachineFault } from '../../../src/emulator/host/index.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, b, dForm, li, NOP } from '../../synth/power-words.ts';

/** Where the program loads from: a word whose bytes are 0x0000002a, in a word of its own. */
const DATA = KERNEL_ENTRY + 0x10;
/** Numbers of places that a plan watches. */
const MARK = { load: 1, start: 2, other: 3 } as const;
const LOAD = [NOP, dForm(32, 3, 0, DATA), ATTN, NOP, 42] as const; // lwz r3,DATA(0)

function flip(more: Partial<MachineFault> = {}): MachineFault {
  return { name: 'flip', damage: { kind: 'flip', raddr: DATA + 3 }, ...more };
}

describe('inject', () => {
  it('flip at once → the guest loads the byte inverted; reported as an event', () => {
    const { partition, events } = bareKernel([...LOAD]);
    partition.inject([flip()]);
    expect(partition.run(1000)).toBe('ended');
    expect(partition.vcpus[0]?.gpr(3)).toBe(0xd5n);
    expect(events.filter(({ kind }) => kind === 'fault')).toMatchObject([
      { cpu: -1, name: 'flip', damage: { kind: 'flip', raddr: DATA + 3, old: 0x2a, new: 0xd5 } },
    ]);
  });

  it('flip at an event → done once, right after it and before the next instruction', () => {
    const probes = [{ raddr: KERNEL_ENTRY + 4, mark: MARK.load }];
    const { partition, events } = bareKernel([...LOAD], { probes });
    partition.inject([flip({ at: [{ kind: 'fetch', mark: MARK.load }] })]);
    partition.run(1000);
    expect(partition.vcpus[0]?.gpr(3)).toBe(0xd5n);
    expect(events.map(({ kind }) => kind)).toEqual(['fetch', 'fault']);
    expect(events[1]?.insn).toBe(events[0]?.insn);
  });

  it('flip of the next instruction itself → the flipped one is executed', () => {
    const probes = [{ raddr: KERNEL_ENTRY, mark: MARK.start }];
    const { partition } = bareKernel([NOP, li(3, 1), ATTN], { probes });
    const fault = { raddr: KERNEL_ENTRY + 7 }; // li r3,1 → li r3,0xfe
    partition.inject([
      flip({ damage: { kind: 'flip', ...fault }, at: [{ kind: 'fetch', mark: MARK.start }] }),
    ]);
    partition.run(1000);
    expect(partition.vcpus[0]?.gpr(3)).toBe(0xfen);
  });

  it('an event that does not come → nothing happens; power-off forgets the fault', () => {
    const { partition, events } = bareKernel([...LOAD]);
    partition.inject([flip({ at: [{ kind: 'fetch', mark: MARK.other }] })]);
    partition.run(1000);
    expect(partition.vcpus[0]?.gpr(3)).toBe(42n);
    expect(events).toEqual([]);
  });

  it('wedge → the vCPU executes nothing more, and a system reset does not reach it', () => {
    const { partition, events } = bareKernel([b(0)]);
    partition.inject([{ name: 'wedge', damage: { kind: 'wedge', cpu: 0 } }]);
    partition.nmi([0]);
    expect(partition.run(1000)).toBe('resting');
    expect(partition.instructions).toBe(0);
    expect(partition.snapshot()[0]).toMatchObject({ state: 'wedged', nia: BigInt(KERNEL_ENTRY) });
    expect(events.map(({ kind }) => kind)).toContain('fault');
  });

  it('memory or a vCPU that is not there → refused, and nothing else is done', () => {
    const { partition, events } = bareKernel([...LOAD]);
    const nowhere = flip({ damage: { kind: 'flip', raddr: 2 ** 40 } });
    expect(() => partition.inject([flip(), nowhere])).toThrow();
    expect(() => partition.inject([flip(), { name: 'w', damage: { kind: 'wedge', cpu: 1 } }])).toThrow(
      'no CPU 1',
    );
    expect(events).toEqual([]);
  });
});
