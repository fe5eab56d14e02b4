/** Instruction words from the tables: where a row's operands lie is found by asking the row itself. */

import type { Row } from '../../src/emulator/isa/index.ts';
import type { RandomSource } from './random-source.ts';

/** `WORD` is the whole word for the engine's host, no field. */
const NOT_A_FIELD = new Set(['WORD']);

/** Bits of the word that an operand depends on: those whose change changes it, with the other bits all 0 or all 1. */
function operandBits(extract: (word: number) => number | bigint): number {
  let mask = 0;
  for (let bit = 0; bit < 32; bit++) {
    const one = 1 << bit;
    if (extract(0) !== extract(one) || extract(-1) !== extract(~one)) mask |= one;
  }
  return mask;
}

const masks = new Map<Row, number>();

/** Every operand bit of a row. Bits outside of it and of the opcode are reserved. */
export function fieldMask(row: Row): number {
  let mask = masks.get(row);
  if (mask === undefined) {
    mask = 0;
    for (const each of row.operands) if (!NOT_A_FIELD.has(each.name)) mask |= operandBits(each.extract);
    mask &= ~row.mask;
    masks.set(row, mask);
  }
  return mask;
}

/** A word of the row with random operands and reserved bits 0. */
export function randomWord(random: RandomSource, row: Row): number {
  return row.value | (random.word() & fieldMask(row));
}

/** Fields by their place, named after registers: bit 6, 11, 16 and 21 of the ISA's numbering. */
const SHIFTS = { t: 21, a: 16, b: 11, c: 6 } as const;
export type RegisterField = keyof typeof SHIFTS;

export function field(word: number, name: RegisterField): number {
  return (word >>> SHIFTS[name]) & 31;
}
export function withField(word: number, name: RegisterField, value: number): number {
  const shift = SHIFTS[name];
  return (word & ~(31 << shift)) | (value << shift);
}
export function withFields(word: number, values: Partial<Record<RegisterField, number>>): number {
  let out = word;
  for (const [name, value] of Object.entries(values)) out = withField(out, name as RegisterField, value);
  return out;
}
/** The low `mask` bits replaced: displacements and immediates. */
export function withLow(word: number, value: number, mask: number): number {
  return (word & ~mask) | (value & mask);
}
/** An SPR number, whose halves are swapped in the word. */
export function withSpr(word: number, spr: number): number {
  return withFields(word, { a: spr & 31, b: spr >>> 5 });
}
