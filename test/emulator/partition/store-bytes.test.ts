/** `store` events carry memory before and after the store, whatever comes next and whatever writes. */

import { describe, expect, it } from 'vitest';
import type { MachineEvent, ObservePlan, StoreEvent } from '../../../src/emulator/contract/index.ts';
import { type BareRun, bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, b, dForm, li, li64, NOP, SC1, xForm } from '../../synth/power-words.ts';

const WATCHED = 0x6000;
const MARK = 7;
const OTHER = 8;
const WATCH = { raddr: WATCHED, length: 0x200, mark: MARK, limit: 100 };

const stw = (rs: number, ra: number, d: number): number => dForm(36, rs, ra, d);
const std = (rs: number, ra: number, d: number): number => dForm(62, rs, ra, d);
const SET_UP = [li(4, WATCHED), li(5, 0x11), li(6, 0x22)];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Offset of the first byte, old and new bytes. */
const seen = ({ raddr, old, new: now }: StoreEvent) => [raddr - WATCHED, hex(old), hex(now)];

function storesOf(events: readonly MachineEvent[]): readonly StoreEvent[] {
  return events.filter((event) => event.kind === 'store');
}

function run(words: readonly number[], plan: Partial<ObservePlan> = {}): BareRun {
  const made = bareKernel([...SET_UP, ...words, ATTN], { stores: [WATCH], ...plan });
  expect(made.partition.run(1_000_000)).toBe('ended');
  return made;
}

describe('old and new bytes', () => {
  it('two stores, one right after the other, to the same bytes → each has its own', () => {
    const { events } = run([stw(5, 4, 0), stw(6, 4, 0)]);
    expect(storesOf(events).map(seen)).toEqual([
      [0, '00000000', '00000011'],
      [0, '00000011', '00000022'],
    ]);
  });

  it('the same bytes twice → the second store changes nothing and is reported', () => {
    const { events } = run([stw(5, 4, 0), stw(5, 4, 0)]);
    expect(storesOf(events).map(seen)).toEqual([
      [0, '00000000', '00000011'],
      [0, '00000011', '00000011'],
    ]);
  });

  it('another event before the slice ends → the store is reported first, with what it wrote', () => {
    const at = KERNEL_ENTRY + 4 * (SET_UP.length + 1);
    const { events } = run([stw(5, 4, 0), stw(6, 4, 0)], { probes: [{ raddr: at, mark: OTHER }] });
    expect(events.map(({ kind, n }) => [kind, n])).toEqual([
      ['store', 0],
      ['fetch', 1],
      ['store', 2],
    ]);
    expect(storesOf(events).map(seen)).toEqual([
      [0, '00000000', '00000011'],
      [0, '00000011', '00000022'],
    ]);
  });

  it('a store to the same page, but not to the place, comes between → the first one is as it was written', () => {
    const { events } = run([std(5, 4, 0x1f8), std(6, 4, 0x200), std(6, 4, 0x1f8)]);
    expect(storesOf(events).map(seen)).toEqual([
      [0x1f8, '0000000000000000', '0000000000000011'],
      [0x1f8, '0000000000000011', '0000000000000022'],
    ]);
  });

  it('the last thing that the partition does before it ends → reported with the new bytes', () => {
    const { events, partition } = run([stw(5, 4, 0)]);
    expect(partition.ended?.kind).toBe('error');
    expect(storesOf(events).map(seen)).toEqual([[0, '00000000', '00000011']]);
  });

  it('the last thing before the partition rests, or is stopped → the same', () => {
    const { partition, events } = bareKernel([...SET_UP, stw(5, 4, 0), b(0)], { stores: [WATCH] });
    expect(partition.run(10_000_000_000)).toBe('resting');
    expect(storesOf(events).map(seen)).toEqual([[0, '00000000', '00000011']]);
    partition.stop();
    expect(storesOf(events)).toHaveLength(1);
  });

  it('a run that ends in mid-program → what was stored is reported by then', () => {
    const words = [...SET_UP, stw(5, 4, 0), NOP, dForm(14, 6, 6, 1), b(-8)];
    const { partition, events } = bareKernel(words, { stores: [WATCH] });
    expect(partition.run(10)).toBe('ran');
    expect(storesOf(events).map(seen)).toEqual([[0, '00000000', '00000011']]);
  });

  it('a store over two watched pages → each part with what was written there', () => {
    const [first, second] = [0x6ffc, 0x7000];
    const words = [...li64(5, 0x1122_3344_5566_7788n), li(4, first), std(5, 4, 0), ATTN];
    const { partition, events } = bareKernel(words, {
      stores: [
        { raddr: first, length: 4, mark: MARK },
        { raddr: second, length: 4, mark: OTHER },
      ],
    });
    expect(partition.run(1000)).toBe('ended');
    expect(hex(partition.ram.read(first, 8))).toBe('1122334455667788');
    expect(storesOf(events)).toMatchObject([
      { mark: MARK, raddr: first, length: 4, new: Uint8Array.of(0x11, 0x22, 0x33, 0x44) },
      { mark: OTHER, raddr: second, length: 4, new: Uint8Array.of(0x55, 0x66, 0x77, 0x88) },
    ]);
  });

  it('a cache block that is cleared, and several registers → all of their bytes', () => {
    const { events } = run([
      stw(5, 4, 0x84),
      li(9, WATCHED + 0x80),
      xForm(0, 0, 9, 1014), // dcbz 0,r9
      li(30, 0x30),
      li(31, 0x31),
      dForm(47, 30, 4, 0x40), // stmw r30
    ]);
    const [, cleared, multiple] = storesOf(events);
    expect(cleared).toMatchObject({ raddr: WATCHED + 0x80, length: 128, new: new Uint8Array(128) });
    expect(hex(cleared?.old ?? new Uint8Array(0))).toBe(`0000000000000011${'00'.repeat(120)}`);
    expect(multiple === undefined ? [] : seen(multiple)).toEqual([
      0x40,
      '0000000000000000',
      '0000003000000031',
    ]);
  });
});

describe('who writes', () => {
  /** RTAS: token, one argument, two answers. The answers come from the hypervisor. */
  const QUERY_CPU_STOPPED_STATE = 0x2005;

  it('the hypervisor, for a hypercall → the new bytes, by the instruction that called', () => {
    const at = WATCHED + 0x40;
    const cells = [QUERY_CPU_STOPPED_STATE, 1, 2, 0];
    const { events, partition } = run([
      ...cells.flatMap((cell, i) => [li(7, cell), stw(7, 4, 0x40 + 4 * i)]),
      li(3, -0x1000), // H_RTAS: 0xf000
      dForm(28, 3, 3, 0xf000), // andi. r3,r3,0xf000
      dForm(14, 4, 0, at),
      SC1,
    ]);
    const answers = storesOf(events).slice(cells.length);
    expect(answers.map(seen)).toEqual([
      [0x50, '00000000', '00000000'],
      [0x54, '00000000', '00000002'],
    ]);
    const call = KERNEL_ENTRY + 4 * (SET_UP.length + 2 * cells.length + 3);
    for (const { cpu, by } of answers) expect([cpu, by?.nia]).toEqual([0, BigInt(call)]);
    expect(partition.unsupported.size).toBe(0);
  });

  it('a fault, in mid-program → the new byte, by no vCPU', () => {
    const words = [...SET_UP, stw(5, 4, 0), NOP, ATTN];
    const { partition, events } = bareKernel(words, {
      stores: [WATCH],
      probes: [{ raddr: KERNEL_ENTRY + 4 * (words.length - 2), mark: OTHER }],
    });
    partition.inject([
      { name: 'flip', damage: { kind: 'flip', raddr: WATCHED + 3 }, at: [{ kind: 'fetch', mark: OTHER }] },
    ]);
    expect(partition.run(1000)).toBe('ended');
    expect(events.map(({ kind, cpu }) => [kind, cpu])).toEqual([
      ['store', 0],
      ['fetch', 0],
      ['store', -1],
      ['fault', -1],
    ]);
    const flipped = storesOf(events)[1];
    expect(flipped === undefined ? [] : seen(flipped)).toEqual([3, '11', 'ee']);
    expect(flipped?.by).toBeUndefined();
  });

  it('the host, between two runs → reported when the next run begins at the latest', () => {
    const { partition, events } = bareKernel([...SET_UP, b(0)], { stores: [WATCH] });
    partition.ram.write(WATCHED, Uint8Array.of(1, 2, 3));
    partition.ram.write(WATCHED, Uint8Array.of(4, 5, 6));
    partition.run(10);
    expect(storesOf(events).map(seen)).toEqual([
      [0, '000000', '010203'],
      [0, '010203', '040506'],
    ]);
    expect(storesOf(events).map(({ cpu }) => cpu)).toEqual([-1, -1]);
  });

  it('more than an event shows → the first bytes, and the whole length', () => {
    const { partition, events } = bareKernel([...SET_UP, b(0)], { stores: [WATCH] });
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff);
    partition.ram.write(WATCHED, bytes);
    partition.run(10);
    const [event] = storesOf(events);
    expect(event).toMatchObject({ length: 300, old: new Uint8Array(256), new: bytes.subarray(0, 256) });
  });
});
