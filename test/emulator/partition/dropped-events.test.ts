/**
 * Events beyond a place's limit are not reported; they are counted, per vCPU, place and kind, with the instant of the
 * first one.
 */

import { describe, expect, it } from 'vitest';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, bc, dForm, li, mtspr, NOP } from '../../synth/power-words.ts';

const WATCHED = 0x6000;
const [PLACE, OTHER] = [5, 6];
const CTR = 9;
const TURNS = 30;
const SET_UP = [li(4, WATCHED), li(5, 1), li(3, TURNS), mtspr(CTR, 3)];
const LOOP_AT = KERNEL_ENTRY + 4 * SET_UP.length;
/** Stores twice in every turn: to one place and to another one. */
const LOOP = [dForm(36, 5, 4, 0), dForm(36, 5, 4, 0x100), bc(16, 0, -8)];
/** Instructions before the first one of a turn. */
const insnOf = (turn: number): number => SET_UP.length + turn * LOOP.length;
const STORE = { raddr: WATCHED, length: 4, mark: PLACE };
const PROBE = { raddr: LOOP_AT, mark: PLACE };

const run = (plan: Parameters<typeof bareKernel>[1]) => {
  const made = bareKernel([...SET_UP, ...LOOP, ATTN], plan);
  expect(made.partition.run(10_000)).toBe('ended');
  return made;
};

describe('dropped', () => {
  it('within the limit → nothing is counted', () => {
    const { partition, events } = run({ stores: [{ ...STORE, limit: TURNS }] });
    expect(events).toHaveLength(TURNS);
    expect(partition.dropped).toEqual([]);
  });

  it('fetches and stores of one mark → counted apart, each against its own limit', () => {
    const { partition, events } = run({
      probes: [{ ...PROBE, limit: 2 }],
      stores: [{ ...STORE, limit: 10 }],
    });
    expect(events.filter(({ kind }) => kind === 'fetch')).toHaveLength(2);
    expect(events.filter(({ kind }) => kind === 'store')).toHaveLength(10);
    expect(partition.dropped).toEqual([
      { kind: 'fetch', cpu: 0, mark: PLACE, count: TURNS - 2, since: insnOf(2) },
      { kind: 'store', cpu: 0, mark: PLACE, count: TURNS - 10, since: insnOf(10) },
    ]);
  });

  it('two places, one of the default limit → counted per place; places of one mark together', () => {
    const two = run({ stores: [STORE, { raddr: WATCHED + 0x100, length: 4, mark: OTHER, limit: 29 }] });
    expect(two.partition.dropped).toEqual([
      { kind: 'store', cpu: 0, mark: PLACE, count: TURNS - 16, since: insnOf(16) },
      { kind: 'store', cpu: 0, mark: OTHER, count: 1, since: insnOf(29) + 1 },
    ]);
    const one = run({ stores: [STORE, { ...STORE, raddr: WATCHED + 0x100 }] });
    expect(one.partition.dropped).toEqual([
      { kind: 'store', cpu: 0, mark: PLACE, count: 2 * TURNS - 16, since: insnOf(8) },
    ]);
  });

  it('who writes from outside has a count of its own', () => {
    const { partition, events } = bareKernel([...SET_UP, NOP, ATTN], { stores: [{ ...STORE, limit: 1 }] });
    for (let i = 0; i < 3; i++) partition.ram.write(WATCHED, Uint8Array.of(i));
    expect(partition.dropped).toEqual([{ kind: 'store', cpu: -1, mark: PLACE, count: 2, since: 0 }]);
    partition.run(100);
    expect(events).toHaveLength(1);
  });

  it('no plan any more → the count stays; a new plan or power-on → it begins again', () => {
    const { partition } = run({ stores: [{ ...STORE, limit: 1 }] });
    const counted = [{ kind: 'store', cpu: 0, mark: PLACE, count: TURNS - 1, since: insnOf(1) }];
    expect(partition.dropped).toEqual(counted);
    partition.observe(undefined);
    expect(partition.dropped).toEqual(counted);
    partition.observe({ probes: [], stores: [], executes: [], msrMask: 0n, vectors: [], hcallsExcept: [] });
    expect(partition.dropped).toEqual([]);
  });

  it('an event that was dropped has no number: those that are reported are numbered in order', () => {
    const { events } = run({ probes: [{ ...PROBE, limit: 2 }], stores: [{ ...STORE, limit: 3 }] });
    expect(events.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
  });
});
