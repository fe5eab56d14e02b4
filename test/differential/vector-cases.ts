/**
 * Random cases of one instruction of the floating-point, vector and vector-scalar tables, for qemu-user.ts.
 * Addresses of loads and stores lie in the case's memory; every other register is random.
 */

import { FLOATING_POINT } from '../../src/emulator/isa/floating-point.ts';
import { ALL_ROWS, bits, type Row } from '../../src/emulator/isa/index.ts';
import { VECTOR } from '../../src/emulator/isa/vector.ts';
import { VECTOR_SCALAR } from '../../src/emulator/isa/vector-scalar.ts';
import { type Case, type Layout, MEMORY_BYTES, type State } from './qemu-user.ts';
import { field, randomWord, withField } from './random-encoding.ts';
import type { RandomSource } from './random-source.ts';
import { type Draft, NEVER_RUN, operandsFor, prepare } from './vector-rules.ts';
import { anyVector } from './vector-values.ts';

const known = new Set(ALL_ROWS);

/** Every row of the three tables that QEMU can be asked about. */
export const VECTOR_ROWS: readonly Row[] = [...FLOATING_POINT, ...VECTOR, ...VECTOR_SCALAR].filter(
  (row) => known.has(row) && !NEVER_RUN.has(row.base),
);

/** The forms with update name RA instead of RA0. */
const UPDATES = /^(l|st)f[sd]ux$/;
const accessesStorage = (row: Row): boolean =>
  UPDATES.test(row.base) ||
  (row.operands.some((each) => each.name === 'RA0' || each.name === 'D') &&
    row.base !== 'mtvsrdd' &&
    !row.base.startsWith('lvs'));

/** Sticky bits at random with their summaries as the processor would have them; enables 0, any rounding mode. */
function randomFpscr(random: RandomSource): bigint {
  const exceptions = random.oneIn(2) ? 0 : random.word() & 0x1f780700;
  const summary = exceptions === 0 ? 0 : 0x80000000;
  const fprf = random.word() & 0x0001f000;
  return BigInt((summary | exceptions | fprf | random.below(4)) >>> 0);
}

export function randomCase(random: RandomSource, row: Row, layout: Layout, index: number): Case {
  const vsr = operandsFor(row)?.(random) ?? Array.from({ length: 64 }, () => anyVector(random)).flat();
  const gpr = Array.from({ length: 32 }, () => random.boundary64());
  const draft: Draft = { word: randomWord(random, row), gpr, vsr, fpscr: randomFpscr(random) };
  prepare(row, draft, random);
  const { fpscr } = draft;
  const memoryAt = layout.memoryAddress(index);
  const word = accessesStorage(row) ? placeAddress(random, row, draft.word, gpr, memoryAt) : draft.word;
  const input: State = {
    gpr,
    cr: random.word() >>> 0,
    xer: 0,
    lr: 0n,
    ctr: 0n,
    vsr,
    fpscr,
    vscr: random.oneIn(3) ? 0x10000 : 0,
  };
  const memory = Uint8Array.from({ length: MEMORY_BYTES }, () => random.word());
  return { code: [word >>> 0], input, memory };
}

/** Sets the address registers, and the displacement, so that 32 bytes around the address are the case's. */
function placeAddress(random: RandomSource, row: Row, word: number, gpr: bigint[], memory: number): number {
  const target = BigInt(memory + 128 + random.below(256));
  const names = new Set(row.operands.map((each) => each.name));
  const updates = names.has('RA');
  if (names.has('RB')) {
    const length = row.base.startsWith('lxvl') || row.base.startsWith('stxvl');
    // With update RA must not be 0; RB is another register, so that both can be chosen.
    const a = updates ? 1 + random.below(31) : random.below(32);
    let b = random.below(32);
    if (b === a) b = (a + 1) % 32;
    if (length) {
      const base = a === 0 ? 1 : a;
      if (b === base) b = 0;
      gpr[base] = target;
      gpr[b] = (BigInt(random.below(random.oneIn(4) ? 256 : 18)) << 56n) | BigInt(random.below(1 << 20));
      return withField(withField(word, 'a', base), 'b', b);
    }
    if (a === 0) gpr[b] = target;
    else {
      gpr[a] = target - (gpr[b] as bigint);
      gpr[a] = BigInt.asUintN(64, gpr[a] as bigint);
    }
    return withField(withField(word, 'a', a), 'b', b);
  }
  const a = field(word, 'a') === 0 ? 1 : field(word, 'a');
  const displacement = row.operands.find((each) => ['D', 'DS', 'DQ'].includes(each.name));
  const moved = withField(word, 'a', a);
  const distance = displacement === undefined ? 0 : Number(displacement.extract(moved));
  gpr[a] = BigInt.asUintN(64, target - BigInt(distance));
  return moved;
}

/** The word's VSX or floating-point target register number as VSR, for rules that look at one result. */
export function targetVsr(row: Row, word: number): number | undefined {
  const first = row.operands[0]?.name;
  if (first === 'FRT') return bits(word, 6, 10);
  if (first === 'VRT') return 32 + bits(word, 6, 10);
  if (first === 'XT') return (bits(word, 31, 31) << 5) | bits(word, 6, 10);
  return undefined;
}
