/** Instants of a partition: what is kept of the machine, who wrote after it, and that keeping it changes nothing. */

import { describe, expect, it } from 'vitest';
import type { EventMatch, ObservePlan } from '../../../src/emulator/host/index.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, bc, dForm, li, lis, mtspr, NOP } from '../../synth/power-words.ts';

const at = (word: number): number => KERNEL_ENTRY + 4 * word;

/** Stores to 0x200000 before T0, from T0 to T1 and after it; a loop that stores a thousand times. */
const WORDS = [
  lis(4, 0x20),
  li(5, 0x11),
  dForm(36, 5, 4, 0), // stw r5,0(r4)
  NOP, // T0
  li(5, 0x22),
  dForm(36, 5, 4, 0),
  NOP, // T1
  li(5, 0x33),
  dForm(36, 5, 4, 4), // word 8: the first after T1
  dForm(36, 5, 4, 0x5000), // another page, that nothing has written
  li(6, 1000),
  mtspr(9, 6),
  dForm(37, 5, 4, 8), // stwu r5,8(r4)
  bc(16, 0, -4),
  ATTN,
];
/** Numbers of the places that the plans watch. */
const MARK = { panic: 1, entry: 2, saves: 3, nowhere: 4 } as const;
const atMark = (mark: number): EventMatch => ({ kind: 'fetch', mark });
const PROBES: ObservePlan['probes'] = [
  { raddr: at(3), mark: MARK.panic },
  { raddr: at(6), mark: MARK.entry },
  { raddr: at(4), mark: MARK.saves },
];
const INSTANTS: Partial<ObservePlan> = {
  probes: PROBES,
  instants: [
    { name: 't0', at: [atMark(MARK.panic)] },
    { name: 't1', at: [atMark(MARK.entry)] },
  ],
  frames: [MARK.saves],
};

function run(plan: Partial<ObservePlan>) {
  const { partition, events } = bareKernel(WORDS, plan);
  expect(partition.run(1_000_000)).toBe('ended');
  return { partition, events };
}

describe('instants', () => {
  it('memory as it was at each, and who wrote after it', () => {
    const { partition } = run(INSTANTS);
    const word = (name: 't0' | 't1'): number => partition.readInstant(name, 0x200000, 4)[3] as number;
    expect([word('t0'), word('t1')]).toEqual([0x11, 0x22]);
    expect(partition.ram.read(0x200004, 4)[3]).toBe(0x33);
    expect(partition.changes('t0')[0]).toMatchObject({
      raddr: 0x200000,
      first: { by: 'cpu', cpu: 0, nia: BigInt(at(5)), insn: 5 },
      lastIsSure: true,
    });
    expect(partition.changes('t1')).toMatchObject([
      { raddr: 0x200000, first: { by: 'cpu', cpu: 0, nia: BigInt(at(8)), insn: 8 }, lastIsSure: false },
      { raddr: 0x201000, first: { nia: BigInt(at(12)) } },
      { raddr: 0x205000, first: { nia: BigInt(at(9)), insn: 9 } },
    ]);
  });

  it('registers of every vCPU before the instruction, and those at a probe of frames', () => {
    const { partition } = run(INSTANTS);
    const t0 = partition.instant('t0');
    const t1 = partition.instant('t1');
    expect(t0).toMatchObject({ by: atMark(MARK.panic), cpu: 0, insn: 3, saves: [] });
    expect(t0?.vcpus[0]).toMatchObject({ nia: BigInt(at(3)), state: 'running' });
    expect([t0?.vcpus[0]?.gpr[5], t1?.vcpus[0]?.gpr[5]]).toEqual([0x11n, 0x22n]);
    expect(t1?.saves).toMatchObject([
      { cpu: 0, at: { kind: 'probe', mark: MARK.saves }, insn: 4, regs: { nia: BigInt(at(4)) } },
    ]);
    expect(t1?.interrupts).toEqual([
      { cpu: 0, xisr: 0, mfrr: 0xff, cppr: 0, inService: [], unfinished: false, pending: [] },
    ]);
    expect(t1).toMatchObject({ areas: [], queues: [], crqs: 0, tces: 0, inFlight: 0 });
  });

  it('nothing of it changes the guest: same events, same memory, same count, with and without', () => {
    const [kept, plain] = [run(INSTANTS), run({ probes: PROBES })];
    expect(kept.events).toEqual(plain.events);
    expect(kept.partition.instructions).toBe(plain.partition.instructions);
    expect(kept.partition.snapshot()).toEqual(plain.partition.snapshot());
    const all = (which: typeof kept): Uint8Array => which.partition.ram.read(0, 4 * 2 ** 20);
    expect(Buffer.compare(all(kept), all(plain))).toBe(0);
  });

  it('a fault that was asked for is reported as such', () => {
    const { partition } = bareKernel([NOP, NOP, ATTN], {
      probes: [{ raddr: at(0), mark: MARK.entry }],
      instants: [{ name: 't1', at: [atMark(MARK.entry)] }],
    });
    partition.inject([
      {
        name: 'flip',
        damage: { kind: 'flip', raddr: 0x300000 },
        at: [atMark(MARK.entry)],
      },
    ]);
    expect(partition.run(1000)).toBe('ended');
    expect(partition.changes('t1')).toMatchObject([{ raddr: 0x300000, first: { by: 'fault' } }]);
  });

  describe('after', () => {
    /** The entry's place is executed, then what must come before it, then the entry's place again, twice. */
    const AGAIN = [NOP, NOP, NOP, NOP, ATTN];
    const [before, entry, later] = [1, 2, 3];
    const plan = (after?: readonly EventMatch[]): Partial<ObservePlan> => ({
      probes: [
        { raddr: at(0), mark: entry },
        { raddr: at(1), mark: before },
        { raddr: at(2), mark: entry },
        { raddr: at(3), mark: entry },
      ],
      instants: [{ name: 't1', at: [atMark(entry)], ...(after === undefined ? {} : { after }) }],
    });
    const keptAt = (after?: readonly EventMatch[]): number | undefined => {
      const { partition } = bareKernel(AGAIN, plan(after));
      expect(partition.run(1000)).toBe('ended');
      return partition.instant('t1')?.insn;
    };

    it('absent → the first event; given → the first event after it', () => {
      expect(keptAt()).toBe(0);
      expect(keptAt([atMark(before)])).toBe(2);
    });

    it('one of several; none that came → no record', () => {
      expect(keptAt([atMark(later), atMark(before)])).toBe(2);
      expect(keptAt([atMark(later)])).toBeUndefined();
    });

    it('the event that it must come after is not the instant itself', () => {
      expect(keptAt([atMark(entry)])).toBe(2);
    });
  });

  it('an instant that did not come: no record; a new plan forgets', () => {
    const { partition } = run({ probes: PROBES, instants: [{ name: 't1', at: [atMark(MARK.nowhere)] }] });
    expect(partition.instant('t1')).toBeUndefined();
    expect(() => partition.changes('t1')).toThrow('memory was not kept at t1');
  });
});
