/**
 * Invalid forms: operands that contradict each other, as the sections of Power ISA 3.0B say which isa/invalid-forms.ts
 * names, and their valid neighbours. QEMU 7.2 is asked about the same words.
 */

import { describe, expect, it } from 'vitest';
import { PROCESSOR_VERSION } from '../../src/emulator/cpu/processor.ts';
import { needsProgram } from '../support/programs.ts';
import { dForm, li, mfspr, mtspr, word, xForm } from '../synth/power-words.ts';
import { type Ending, here, underQemu } from './privileged-program.ts';

type Outcome = 'done' | 'illegal' | 'trap';
type Case = readonly [name: string, words: readonly number[], outcome: Outcome];

/** r10 points to memory of nobody's, r28 is 0. */
const PLACE = word(10, 0x0050_0000);
const FLOATING_POINT = [li(9, 0x2000), xForm(9, 0, 0, 178)];
const xer = (bytes: number): number[] => [li(9, bytes), mtspr(1, 9)];
/** mtctr, bcctr: BO without bit 2. */
const bcctr = (bo: number): number => ((19 << 26) | (bo << 21) | (528 << 1)) >>> 0;

/** Loads and stores with update by opcode or extended opcode; DS-form ones with their low bits. */
const UPDATING_LOADS = { lbzu: 35, lhzu: 41, lhau: 43, lwzu: 33, ldu: [58, 1] } as const;
const UPDATING_LOADS_X = { lbzux: 119, lhzux: 311, lhaux: 375, lwzux: 55, lwaux: 373, ldux: 53 } as const;
const UPDATING_STORES = { stbu: 39, sthu: 45, stwu: 37, stdu: [62, 1] } as const;
const UPDATING_STORES_X = { stbux: 247, sthux: 439, stwux: 183, stdux: 181 } as const;
const UPDATING_FLOATS = { lfsu: 49, lfdu: 51, stfsu: 53, stfdu: 55 } as const;
const UPDATING_FLOATS_X = { lfsux: 567, lfdux: 631, stfsux: 695, stfdux: 759 } as const;

type Opcode = number | readonly [number, number];
const immediate = (opcode: Opcode, rt: number, ra: number): number =>
  typeof opcode === 'number' ? dForm(opcode, rt, ra, 0) : dForm(opcode[0], rt, ra, opcode[1]);
const indexed = (xo: number, rt: number, ra: number): number => xForm(rt, ra, 28, xo);

function updating(
  table: Readonly<Record<string, Opcode>>,
  make: (opcode: never, rt: number, ra: number) => number,
  sameIsInvalid: boolean,
  before: readonly number[] = [],
): Case[] {
  return Object.entries(table).flatMap(([name, opcode]): Case[] => [
    [`${name} with RA = 0`, [...before, make(opcode as never, 6, 0)], 'illegal'],
    [
      `${name} with RA = RT`,
      [...before, ...PLACE, make(opcode as never, 10, 10)],
      sameIsInvalid ? 'illegal' : 'done',
    ],
    [`${name} of others`, [...before, ...PLACE, make(opcode as never, 6, 10)], 'done'],
  ]);
}

const CASES: readonly Case[] = [
  ...updating(UPDATING_LOADS, immediate, true),
  ...updating(UPDATING_LOADS_X, indexed, true),
  ...updating(UPDATING_STORES, immediate, false),
  ...updating(UPDATING_STORES_X, indexed, false),
  ...updating(UPDATING_FLOATS, immediate, false, FLOATING_POINT),
  ...updating(UPDATING_FLOATS_X, indexed, false, FLOATING_POINT),
  ['lswi, RA the last register loaded', [...PLACE, xForm(7, 10, 13, 597)], 'illegal'],
  ['lswi, RA behind the last register loaded', [...PLACE, xForm(7, 10, 12, 597)], 'done'],
  ['lswi around the end, RA = 0 among them', [xForm(26, 0, 28, 597)], 'illegal'],
  ['lswi of 32 bytes, RA among them', [...PLACE, xForm(4, 10, 0, 597)], 'illegal'],
  ['lswx, RA the last register loaded', [...PLACE, ...xer(13), xForm(7, 10, 28, 533)], 'illegal'],
  ['lswx, RA behind the last register loaded', [...PLACE, ...xer(12), xForm(7, 10, 28, 533)], 'done'],
  ['lswx, RB among the registers loaded', [...PLACE, ...xer(13), xForm(7, 28, 10, 533)], 'illegal'],
  ['lswx of no bytes, RA behind', [...PLACE, ...xer(0), xForm(7, 8, 10, 533)], 'done'],
  ['lswx, RT = RA, of no bytes', [...PLACE, ...xer(0), xForm(10, 10, 28, 533)], 'illegal'],
  ['stmw, RA among the registers', [...PLACE, dForm(47, 10, 10, 0)], 'done'],
  ['lq, odd RT', [...PLACE, dForm(56, 7, 10, 0)], 'illegal'],
  ['lq, RA = RT', [...PLACE, dForm(56, 10, 10, 0)], 'illegal'],
  ['lq', [...PLACE, dForm(56, 6, 10, 0)], 'done'],
  ['stq, odd RS', [...PLACE, dForm(62, 7, 10, 2)], 'illegal'],
  ['stq, RA = RS', [...PLACE, dForm(62, 10, 10, 2)], 'done'],
  ['lqarx, odd RT', [...PLACE, xForm(7, 10, 28, 276)], 'illegal'],
  ['lqarx, RT = RA', [...PLACE, xForm(10, 10, 28, 276)], 'illegal'],
  ['lqarx, RT = RB', [...PLACE, xForm(10, 28, 10, 276)], 'illegal'],
  ['lqarx', [...PLACE, xForm(6, 10, 28, 276)], 'done'],
  ['stqcx., odd RS', [...PLACE, xForm(7, 10, 28, 182, 1)], 'illegal'],
  ['lfdp, odd FRT', [...FLOATING_POINT, ...PLACE, dForm(57, 7, 10, 0)], 'illegal'],
  ['lfdp', [...FLOATING_POINT, ...PLACE, dForm(57, 6, 10, 0)], 'done'],
  ['lfdpx, odd FRT', [...FLOATING_POINT, ...PLACE, xForm(7, 10, 28, 791)], 'illegal'],
  ['stfdp, odd FRS', [...FLOATING_POINT, ...PLACE, dForm(61, 7, 10, 0)], 'illegal'],
  ['stfdpx, odd FRS', [...FLOATING_POINT, ...PLACE, xForm(7, 10, 28, 919)], 'illegal'],
  // Not refused: POWER8 and POWER9 test CTR and count it down, and kernels use it to confuse predictors.
  [
    'bcctr that counts down, CTR = 0: not taken',
    [li(9, 0), mtspr(9, 9), bcctr(0b10000), mfspr(6, 9)],
    'done',
  ],
  ['bcctr until CTR = 0, CTR = 1: not taken', [li(9, 1), mtspr(9, 9), bcctr(0b10010), mfspr(6, 9)], 'done'],
  ['bcctr until CTR = 0, CTR = 0: taken, to 0', [li(9, 0), mtspr(9, 9), bcctr(0b10010)], 'trap'],
];

/** As above, but QEMU 7.2 executes them, which takes the program's own registers away: it is not asked. */
const HERE_ALONE: readonly Case[] = [
  ['lmw, RA among the registers loaded', [...PLACE, dForm(46, 10, 10, 0)], 'illegal'],
  ['lmw from r0 on with RA = 0', [dForm(46, 0, 0, 0)], 'illegal'],
  ['lswx, RA = 0 among the registers loaded', [...xer(16), xForm(30, 0, 28, 533)], 'illegal'],
];

/** Where QEMU 7.2 says otherwise: it looks at registers that are loaded alone, and not at lfdp's and stfdp's. */
const OTHERWISE: ReadonlyMap<string, Outcome> = new Map([
  ['lswx, RT = RA, of no bytes', 'done'],
  ['lfdp, odd FRT', 'done'],
  ['stfdp, odd FRS', 'done'],
]);

function outcome({ vector, srr1 }: Ending): string {
  if (vector === 0) return 'done';
  if (vector === 0x700 && (srr1 & 0x20000n) !== 0n) return 'trap';
  return vector === 0x700 && (srr1 & 0x80000n) !== 0n ? 'illegal' : `vector ${vector.toString(16)}`;
}

describe('invalid forms', () => {
  const words = (of: readonly Case[]): (readonly number[])[] => of.map(([, each]) => each);
  const named = (of: readonly Case[], endings: readonly Ending[]): string[] =>
    endings.map((each, i) => `${of[i]?.[0]}: ${outcome(each)}`);

  it.each(['power8', 'power9'] as const)('%s here: refused, their neighbours not', (processor) => {
    const all = [...CASES, ...HERE_ALONE];
    const table = all.map(([name, , is]) => `${name}: ${is}`);
    expect(named(all, here(PROCESSOR_VERSION[processor], 'hash', words(all)))).toEqual(table);
  });

  it.each(['power8', 'power9'] as const)(
    '%s under QEMU: as here, but for what is listed',
    async (processor) => {
      needsProgram('qemu-system-ppc64');
      const table = CASES.map(([name, , is]) => `${name}: ${OTHERWISE.get(name) ?? is}`);
      expect(named(CASES, await underQemu(processor, 'hash', words(CASES)))).toEqual(table);
    },
    60_000,
  );
});
