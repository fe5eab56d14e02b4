/** From a word to its row. Rows are sorted by primary opcode; within one, the rows with more fixed bits are tried first. */

import { BRANCH } from './branch.ts';
import { FIXED_POINT } from './fixed-point.ts';
import { FLOATING_POINT } from './floating-point.ts';
import type { Row } from './row.ts';
import { STORAGE } from './storage.ts';
import { SYSTEM } from './system.ts';
import type { Isa } from './traits.ts';
import { VECTOR } from './vector.ts';
import { VECTOR_SCALAR } from './vector-scalar.ts';

/** Every instruction known here. The order is the tables' and is the same in every process. */
export const ALL_ROWS: readonly Row[] = [
  ...FIXED_POINT,
  ...BRANCH,
  ...STORAGE,
  ...SYSTEM,
  ...FLOATING_POINT,
  ...VECTOR,
  ...VECTOR_SCALAR,
];

const MFFS_MASK = 0xfc0007fe | 0;
const MFFS = (63 << 26) | (583 << 1);
const MFFS_RESERVED = 0x001ff800;

const BY_OPCODE: readonly (readonly Row[])[] = index(ALL_ROWS);

/** @returns the row, or undefined for a word that no row of the architecture's version matches. */
export function decode(word: number, isa: Isa = '3.0'): Row | undefined {
  for (const row of BY_OPCODE[word >>> 26] as readonly Row[])
    if ((word & row.mask) === row.value && (row.since ?? isa) === isa && (row.until ?? isa) === isa)
      return row;
  // ISA 3.0 gave reserved bits of mffs a meaning, so that its new forms are the old one on processors before it.
  if (isa === '2.07' && (word & MFFS_MASK) === MFFS && (word & MFFS_RESERVED) !== 0)
    return decode(word & ~MFFS_RESERVED, isa);
  return undefined;
}

function index(all: readonly Row[]): Row[][] {
  const out: Row[][] = Array.from({ length: 64 }, () => []);
  for (const row of all) (out[row.value >>> 26] as Row[]).push(row);
  for (const each of out) each.sort((a, b) => popcount(b.mask) - popcount(a.mask));
  return out;
}

function popcount(value: number): number {
  let n = 0;
  for (let rest = value >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) n++;
  return n;
}
