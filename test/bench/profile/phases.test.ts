/** Moments of a guest made by hand, the phases that they bound, and the counts in them. */

import { describe, expect, it } from 'vitest';
import { groupsOf } from '../../../bench/profile/count-groups.ts';
import { countsAt, phasesOf, placesOf } from '../../../bench/profile/phases.ts';
import type { GuestRecord, Moment } from '../../../bench/profile/record.ts';

const moments: readonly Moment[] = [
  { at: 100, insn: 0, power: 'on', counts: [] },
  { at: 110, insn: 10, text: '[    0.0] Linux ver', counts: [1] },
  { at: 120, insn: 20, text: 'sion 6.1\r\n', counts: [2] },
  { at: 200, insn: 100, text: '[    1.0] Run /init as init process\n', counts: [3] },
  { at: 300, insn: 200, line: 'kdumpd-agent ready', counts: [4, 1] },
  { at: 310, insn: 210, line: 'ok load -l -d 31', counts: [4, 1] },
  { at: 400, insn: 300, text: '[    2.0] sysrq: Trigger a crash\n', counts: [4, 2] },
  { at: 500, insn: 400, text: "I'm in purgatory\n", counts: [4, 3] },
  { at: 600, insn: 600, text: '[    3.0] Run /init as init process\n', counts: [5, 4] },
  { at: 700, insn: 800, line: 'kdumpd-agent dump-done 1', counts: [6, 4] },
  // Reported when the power cycle ends: the last write.
  { at: 710, insn: 700, counts: [6, 4] },
  { at: 720, insn: 820, power: 'over', counts: [7, 4] },
];
const guest: GuestRecord = { moments, counted: ['exit fetch', 'hypercall H_CEDE'] };
const INSTANTS = {
  t0: { insn: 310 },
  t1: { insn: 400 },
  t2: { insn: 450 },
  t3: { insn: 650 },
  t4: { insn: 810 },
};
const STORING = { began: 800, ended: 900 };

describe('placesOf', () => {
  const places = placesOf(guest, INSTANTS, STORING);

  it('a line that comes in pieces → its mark is where it ends', () => {
    expect(places.get('start-kernel')).toMatchObject({ at: 120, insn: 20 });
  });
  it('two lines of /init → one of each kernel', () => {
    expect([places.get('init')?.at, places.get('crash-init')?.at]).toEqual([200, 600]);
  });
  it('instants of the trace → in proportion between moments, whatever lines say', () => {
    expect([places.get('t0')?.at, places.get('t1')?.at, places.get('t2')?.at]).toEqual([410, 500, 525]);
  });
  it('a moment of what had been earlier → is not taken for its time', () => {
    expect(places.get('t4')?.at).toBe(710);
  });
  it('a guest that did not end, a capture that was not stored → refused', () => {
    expect(() => placesOf({ ...guest, moments: moments.slice(0, -1) }, INSTANTS, STORING)).toThrow(
      'did not crash',
    );
    expect(() => placesOf(guest, INSTANTS, undefined)).toThrow('did not crash');
  });
});

describe('phasesOf', () => {
  it('all places → phases without gaps, from the start of the daemon to the end of storing', () => {
    const phases = phasesOf(50, placesOf(guest, INSTANTS, STORING));
    expect(phases.map(({ from, to }) => [from.at, to.at])).toEqual([
      [50, 100],
      [100, 120],
      [120, 200],
      [200, 300],
      [300, 410],
      [410, 500],
      [500, 525],
      [525, 600],
      [600, 625],
      [625, 710],
      [710, 720],
      [720, 800],
      [800, 900],
    ]);
  });
  it('a guest without lines of Linux → fewer phases, and no gap', () => {
    const plain = { ...guest, moments: moments.map(({ text, ...moment }) => moment) };
    const phases = phasesOf(50, placesOf(plain, INSTANTS, STORING));
    expect(phases[1]).toMatchObject({ name: 'power-on → agent ready, crash kernel loaded', to: { at: 300 } });
    expect(phases.every(({ from }, i) => i === 0 || from === phases[i - 1]?.to)).toBe(true);
  });
});

describe('countsAt', () => {
  it('a place → what had been counted by then', () => {
    const place = { at: 525, insn: 450 };
    expect(countsAt(guest, place)).toEqual(
      new Map([
        ['exit fetch', 4],
        ['hypercall H_CEDE', 3],
      ]),
    );
    expect(countsAt(guest, { at: 0, insn: 0 })).toEqual(
      new Map([
        ['exit fetch', 0],
        ['hypercall H_CEDE', 0],
      ]),
    );
  });
});

describe('groupsOf', () => {
  it('counts of phases → grouped by the beginning of their names, the most first, all kept', () => {
    const counts = [
      new Map([
        ['exit fetch', 1],
        ['exit fault', 5],
        ['instructions decoded', 2],
      ]),
      new Map([
        ['exit fetch', 3],
        ['RTAS power-off', 1],
        ['exit trap', 0],
      ]),
    ];
    expect(groupsOf(counts)).toEqual([
      { title: 'what happened', rows: [{ name: 'instructions decoded', values: [2, 0] }] },
      {
        title: 'exits from compiled code',
        rows: [
          { name: 'fault', values: [5, 0] },
          { name: 'fetch', values: [1, 3] },
        ],
      },
      { title: 'RTAS calls', rows: [{ name: 'power-off', values: [0, 1] }] },
    ]);
  });
});
