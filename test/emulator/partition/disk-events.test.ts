/** `disk` events: the first write at once, the last one when the power cycle ends, with the instant of the write. */

import { describe, expect, it } from 'vitest';
import type { MachineEvent } from '../../../src/emulator/host/index.ts';
import { MachineWatch, type WatchedMachine } from '../../../src/emulator/partition/observe/watch.ts';
import { bareKernel } from '../../synth/bare-kernel.ts';
import { ATTN } from '../../synth/power-words.ts';

const EVERYTHING = { probes: [], stores: [], executes: [], msrMask: 0n, vectors: [], hcallsExcept: [] };

/** A watch over a machine whose clock the test sets. */
function watching(): { watch: MachineWatch; events: MachineEvent[]; at: (insn: number) => void } {
  const { partition } = bareKernel([ATTN]);
  const events: MachineEvent[] = [];
  let insn = 0;
  const machine: WatchedMachine = {
    ram: partition.ram,
    engine: partition.engine,
    vcpus: partition.vcpus,
    instructions: () => insn,
    timebase: () => BigInt(insn) * 2n,
    acting: () => -1,
  };
  const watch = new MachineWatch(machine, (event) => events.push(event));
  return { watch, events, at: (n) => (insn = n) };
}

describe('disk events', () => {
  it('several writes to two disks → a first and a last write of each, in the order of the reports', () => {
    const { watch, events, at } = watching();
    watch.set(EVERYTHING);
    for (const [insn, disk, offset] of [
      [100, 1, 0],
      [200, 0, 512],
      [300, 1, 1024],
      [400, 0, 2048],
    ] as const) {
      at(insn);
      watch.diskWritten(disk, offset, 512);
    }
    at(900);
    watch.powerCycleOver();
    const of = { cpu: -1, kind: 'disk', length: 512 } as const;
    expect(events).toEqual([
      { ...of, n: 0, write: 'first', insn: 100, tb: 200n, disk: 1, offset: 0 },
      { ...of, n: 1, write: 'first', insn: 200, tb: 400n, disk: 0, offset: 512 },
      { ...of, n: 2, write: 'last', insn: 400, tb: 800n, disk: 0, offset: 2048 },
      { ...of, n: 3, write: 'last', insn: 300, tb: 600n, disk: 1, offset: 1024 },
    ]);
  });

  it('one write → first and last are the same', () => {
    const { watch, events, at } = watching();
    watch.set(EVERYTHING);
    at(7);
    watch.diskWritten(0, 0, 512);
    at(8);
    watch.powerCycleOver();
    expect(events).toMatchObject([
      { kind: 'disk', write: 'first', insn: 7 },
      { kind: 'disk', write: 'last', insn: 7 },
    ]);
  });

  it('without a plan, or before a new one → nothing', () => {
    const { watch, events } = watching();
    watch.diskWritten(0, 0, 512);
    watch.set(EVERYTHING);
    watch.powerCycleOver();
    expect(events).toEqual([]);
  });
});
