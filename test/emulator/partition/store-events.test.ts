/** `store` events name the very instruction that stores and how many came before it, whatever way it stores. */

import { describe, expect, it } from 'vitest';
import type { MachineEvent } from '../../../src/emulator/host/index.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, b, bc, dForm, li, mtspr, NOP, xForm } from '../../synth/power-words.ts';

const WATCHED = 0x6000;
/** The number of the watched place. */
const MARK = 7;
const WATCH = { raddr: WATCHED, length: 0x200, mark: MARK, limit: 100 };

/** The place of the word that stored, what came before it, and the bytes: offset and length. */
type Store = { readonly word: number; readonly insn: number; readonly at: number; readonly length: number };

function storesOf(events: readonly MachineEvent[]): Store[] {
  return events
    .filter((event) => event.kind === 'store')
    .map(({ raddr, insn, length, by }) => ({
      word: (Number(by?.nia) - KERNEL_ENTRY) / 4,
      insn,
      at: raddr - WATCHED,
      length,
    }));
}

/** Runs set-up and then the words; stores are reported with word and insn counted from the first of them. */
function run(words: readonly number[], setUp: readonly number[] = []): Store[] {
  const { partition, events } = bareKernel([...setUp, ...words, ATTN], { stores: [WATCH] });
  expect(partition.run(1_000_000)).toBe('ended');
  expect(partition.ended).toMatchObject({ kind: 'error', message: expect.stringContaining('attn') });
  return storesOf(events).map((each) => ({
    ...each,
    word: each.word - setUp.length,
    insn: each.insn - setUp.length,
  }));
}

const SET_UP = [li(4, WATCHED), li(5, 1), li(6, 8), li(8, WATCHED + 0x20)];

describe('store events', () => {
  it('plain, update, byte-reversed and atomic stores', () => {
    const words = [
      dForm(36, 5, 4, 0), // stw r5,0(r4)
      NOP,
      dForm(62, 5, 4, 8 | 1), // stdu r5,8(r4)
      xForm(5, 4, 6, 183), // stwux r5,r4,r6
      dForm(45, 5, 4, 2), // sthu r5,2(r4)
      xForm(5, 0, 4, 918), // sthbrx r5,0,r4
      xForm(5, 8, 0, 710), // stwat r5,r8,0
    ];
    expect(run(words, SET_UP)).toEqual([
      { word: 0, insn: 0, at: 0, length: 4 },
      { word: 2, insn: 2, at: 8, length: 8 },
      { word: 3, insn: 3, at: 0x10, length: 4 },
      { word: 4, insn: 4, at: 0x12, length: 2 },
      { word: 5, insn: 5, at: 0x12, length: 2 },
      { word: 6, insn: 6, at: 0x20, length: 4 },
    ]);
  });

  it('stwcx.: the one that stores, and not the one that fails', () => {
    const words = [
      xForm(7, 0, 8, 20), // lwarx r7,0,r8
      xForm(5, 0, 8, 150, 1), // stwcx. r5,0,r8
      xForm(5, 0, 8, 150, 1),
    ];
    expect(run(words, SET_UP)).toEqual([{ word: 1, insn: 1, at: 0x20, length: 4 }]);
  });

  it('several registers, a string, a cache block, a quadword: one event each', () => {
    const words = [
      dForm(47, 30, 0, WATCHED + 0x40), // stmw r30
      xForm(5, 8, 12, 725), // stswi r5,r8,12
      li(9, WATCHED + 0x85),
      xForm(0, 0, 9, 1014), // dcbz 0,r9
      dForm(62, 4, 8, 2), // stq r4,0(r8)
    ];
    expect(run(words, SET_UP)).toEqual([
      { word: 0, insn: 0, at: 0x40, length: 8 },
      { word: 1, insn: 1, at: 0x20, length: 12 },
      { word: 3, insn: 3, at: 0x80, length: 128 },
      { word: 4, insn: 4, at: 0x20, length: 16 },
    ]);
  });

  it('vectors and floating-point registers', () => {
    // mfmsr r10; oris r10,r10,0x0280; ori r10,r10,0x2000; mtmsrd r10: VEC, VSX and FP.
    const facilities = [
      xForm(10, 0, 0, 83),
      dForm(25, 10, 10, 0x280),
      dForm(24, 10, 10, 0x2000),
      xForm(10, 0, 0, 178),
    ];
    const words = [
      xForm(0, 0, 8, 231), // stvx v0,0,r8
      xForm(0, 0, 8, 199), // stvewx v0,0,r8
      xForm(0, 0, 8, 972), // stxvd2x vs0,0,r8
      dForm(54, 0, 8, 0), // stfd f0,0(r8)
      dForm(52, 0, 8, 4), // stfs f0,4(r8)
    ];
    expect(run(words, [...SET_UP, ...facilities])).toEqual([
      { word: 0, insn: 0, at: 0x20, length: 16 },
      { word: 1, insn: 1, at: 0x20, length: 4 },
      { word: 2, insn: 2, at: 0x20, length: 16 },
      { word: 3, insn: 3, at: 0x20, length: 8 },
      { word: 4, insn: 4, at: 0x24, length: 4 },
    ]);
  });

  it('a loop: the same instruction each time, the count going on', () => {
    const words = [li(3, 3), mtspr(9, 3), b(8), NOP, dForm(36, 5, 4, 0), bc(16, 0, -4)];
    expect(run(words, SET_UP)).toEqual(
      [0, 1, 2].map((turn) => ({ word: 4, insn: 3 + 2 * turn, at: 0, length: 4 })),
    );
  });

  it('a store across the end of the watched page: only what is inside, by the same instruction', () => {
    const { partition, events } = bareKernel([li(4, 0x6ffc), NOP, dForm(62, 5, 4, 0), ATTN], {
      stores: [{ raddr: 0x7000, length: 4, mark: MARK }],
    });
    expect(partition.run(1000)).toBe('ended');
    expect(events.filter(({ kind }) => kind === 'store')).toMatchObject([
      { mark: MARK, raddr: 0x7000, insn: 2, length: 4, by: { nia: BigInt(KERNEL_ENTRY + 8) } },
    ]);
  });
});
