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
    watch.ended();
    const regs = (disk: bigint, offset: bigint) => ({ disk, offset, length: 512n });
    expect(events).toEqual([
      { n: 0, cpu: -1, kind: 'disk', detail: 'first write', insn: 100, tb: 200n, regs: regs(1n, 0n) },
      { n: 1, cpu: -1, kind: 'disk', detail: 'first write', insn: 200, tb: 400n, regs: regs(0n, 512n) },
      { n: 2, cpu: -1, kind: 'disk', detail: 'last write', insn: 400, tb: 800n, regs: regs(0n, 2048n) },
      { n: 3, cpu: -1, kind: 'disk', detail: 'last write', insn: 300, tb: 600n, regs: regs(1n, 1024n) },
    ]);
  });

  it('one write → first and last are the same', () => {
    const { watch, events, at } = watching();
    watch.set(EVERYTHING);
    at(7);
    watch.diskWritten(0, 0, 512);
    at(8);
    watch.ended();
    expect(events.map(({ detail, insn }) => [detail, insn])).toEqual([
      ['first write', 7],
      ['last write', 7],
    ]);
  });

  it('without a plan, or before a new one → nothing', () => {
    const { watch, events } = watching();
    watch.diskWritten(0, 0, 512);
    watch.set(EVERYTHING);
    watch.ended();
    expect(events).toEqual([]);
  });
});
