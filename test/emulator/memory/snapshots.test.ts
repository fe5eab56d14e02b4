/** Memory as it was: copies are made before the first write, shared between snapshots, and name who wrote. */

import { describe, expect, it } from 'vitest';
import { Arena } from '../../../src/emulator/memory/arena.ts';
import { OutsideMemory } from '../../../src/emulator/memory/contract.ts';
import { Ram } from '../../../src/emulator/memory/ram.ts';
import {
  CHANGES_AT_ONCE,
  MARK_SNAPSHOT,
  MemorySnapshots,
  type PageWriter,
} from '../../../src/emulator/memory/snapshots.ts';

const RANGES = [
  { base: 0, size: 0x20000 },
  { base: 0x1_0000_0000, size: 0x10000 },
];

function make() {
  const arena = new Arena(0x80000);
  const ram = new Ram(arena, RANGES);
  let insn = 0;
  let drops = 0;
  const writer = (): PageWriter => ({ by: 'cpu', cpu: 1, nia: 0x100n + BigInt(insn), insn: insn++ });
  const snapshots = new MemorySnapshots(ram, arena, writer, () => drops++);
  ram.observeWrites((page) => snapshots.written(page));
  return { arena, ram, snapshots, drops: () => drops };
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('MemorySnapshots', () => {
  it('written pages: old contents, others: present contents; also over the border of pages', () => {
    const { ram, snapshots, drops } = make();
    ram.write(0xffe, bytes(1, 2, 3, 4));
    ram.write(0x5000, bytes(9));
    snapshots.take('t0');
    expect(drops()).toBe(1);
    ram.write(0x1000, bytes(7, 7));
    expect([...snapshots.read('t0', 0xffe, 4)]).toEqual([1, 2, 3, 4]);
    expect([...ram.read(0xffe, 4)]).toEqual([1, 2, 7, 7]);
    expect([...snapshots.read('t0', 0x5000, 1)]).toEqual([9]);
    expect(snapshots.changes('t0').map(({ raddr }) => raddr)).toEqual([0x1000]);
  });

  it('a page made after the instant was zeros, also high above', () => {
    const { ram, snapshots } = make();
    snapshots.take('t0');
    ram.write(0x1_0000_1ffc, bytes(5, 5));
    expect([...snapshots.read('t0', 0x1_0000_1ffc, 2)]).toEqual([0, 0]);
    expect(snapshots.changes('t0')).toMatchObject([{ raddr: 0x1_0000_1000, first: { insn: 0, cpu: 1 } }]);
  });

  it('pages that were not zeros then → found, whatever they hold now', () => {
    const { ram, snapshots } = make();
    ram.write(0x1000, bytes(1));
    ram.write(0x2000, bytes(2));
    ram.write(0x3000, bytes(0));
    ram.write(0x4fff, bytes(4));
    snapshots.take('t0');
    ram.write(0x1000, bytes(0));
    ram.write(0x6000, bytes(6));
    expect(snapshots.notZero('t0', 0, 0x8000)).toEqual([0x1000, 0x2000, 0x4000]);
    expect(snapshots.notZero('t0', 0, 0x8000)).toEqual(snapshots.differing('t0', 0, new Uint8Array(0x8000)));
    expect(() => snapshots.notZero('t0', 0x1f000, 0x2000)).toThrow(OutsideMemory);
  });

  it('more pages than are listed at once: by address, the next ones from where a list ended', () => {
    const pages = CHANGES_AT_ONCE + 3;
    const size = (CHANGES_AT_ONCE + 16) * 4096;
    const arena = new Arena(size + 0x40000);
    const ram = new Ram(arena, [{ base: 0, size }]);
    const writer = (): PageWriter => ({ by: 'device', cpu: -1, nia: 0n, insn: 0 });
    const snapshots = new MemorySnapshots(ram, arena, writer, () => undefined);
    ram.observeWrites((page) => snapshots.written(page));
    snapshots.take('t0');
    for (let page = pages - 1; page >= 0; page--) ram.write(page * 4096, bytes(1));
    const first = snapshots.changes('t0').map(({ raddr }) => raddr);
    expect(first).toEqual(Array.from({ length: CHANGES_AT_ONCE }, (_, page) => page * 4096));
    const rest = snapshots.changes('t0', CHANGES_AT_ONCE * 4096).map(({ raddr }) => raddr);
    expect(rest).toEqual([0, 1, 2].map((page) => (CHANGES_AT_ONCE + page) * 4096));
    expect(snapshots.changes('t0', pages * 4096)).toEqual([]);
  });

  it('two instants: each has its own memory, and the writers of its own time', () => {
    const { ram, snapshots } = make();
    ram.write(0x3000, bytes(1));
    snapshots.take('t0');
    ram.write(0x3000, bytes(2));
    snapshots.take('t1');
    ram.write(0x3000, bytes(3));
    ram.write(0x4000, bytes(4));
    expect(['t0', 't1'].map((name) => snapshots.read(name, 0x3000, 1)[0])).toEqual([1, 2]);
    expect(ram.read(0x3000, 1)[0]).toBe(3);
    expect(snapshots.changes('t0')).toMatchObject([
      { raddr: 0x3000, first: { insn: 0 }, last: { insn: 0 }, lastIsSure: true },
      { raddr: 0x4000, first: { insn: 2 } },
    ]);
    expect(snapshots.changes('t1')).toMatchObject([
      { raddr: 0x3000, first: { insn: 1 } },
      { raddr: 0x4000, first: { insn: 2 } },
    ]);
  });

  it('many writes: the last one is known for a while, and then said not to be', () => {
    const { arena, ram, snapshots } = make();
    ram.write(0x3000, bytes(1));
    snapshots.take('t0');
    for (let i = 0; i < 3; i++) ram.write(0x3000, bytes(i));
    expect(snapshots.changes('t0')).toMatchObject([
      { first: { insn: 0 }, last: { insn: 2 }, lastIsSure: true },
    ]);
    for (let i = 0; i < 20; i++) ram.write(0x3000, bytes(i));
    expect(snapshots.changes('t0')).toMatchObject([{ first: { insn: 0 }, lastIsSure: false }]);
    const page = ram.locate(0x3000);
    expect(arena.bytes[page]).toBe(19);
    expect(ram.isMarkedBy(page, MARK_SNAPSHOT)).toBe(false);
  });

  it('differing: the pages that are not the bytes given, whether written since or not', () => {
    const { ram, snapshots } = make();
    ram.write(0x2000, bytes(1));
    ram.write(0x3000, bytes(2));
    snapshots.take('t0');
    ram.write(0x2000, bytes(8));
    const was = snapshots.read('t0', 0, 0x6000);
    expect(snapshots.differing('t0', 0, was)).toEqual([]);
    was[0x2001] = 1;
    was[0x3000] = 1;
    was[0x5fff] = 1;
    expect(snapshots.differing('t0', 0, was)).toEqual([0x2000, 0x3000, 0x5000]);
  });

  it('clear: nothing is kept and nothing marked; an instant that did not come cannot be read', () => {
    const { ram, snapshots } = make();
    ram.write(0x2000, bytes(1));
    snapshots.take('t0');
    snapshots.clear();
    expect(ram.isMarked(ram.locate(0x2000))).toBe(false);
    expect(ram.isMarked(ram.locate(0x7000))).toBe(false);
    expect(() => snapshots.read('t0', 0, 1)).toThrow('memory was not kept at t0');
    snapshots.take('t0');
    expect(() => snapshots.read('t0', 0x1fff0, 0x20)).toThrow(OutsideMemory);
  });
});
