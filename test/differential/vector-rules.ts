/** What QEMU 7.2 and the book leave open, instruction by instruction; exclusions.md gives the reasons. */

import type { Row } from '../../src/emulator/isa/index.ts';
import type { Outcome } from './qemu-user.ts';
import type { RandomSource } from './random-source.ts';
import { singleAsDouble } from './vector-values.ts';

/** Base names that no program contains. */
export const NEVER_RUN: ReadonlySet<string> = new Set([]);

/** Operands chosen for a row where random ones would leave the result open: 128 doublewords. */
export function operandsFor(row: Row): ((random: RandomSource) => bigint[]) | undefined {
  const single = /^(f.*s|xs.*sp)$/.test(row.base) && row.base !== 'fabs' && row.base !== 'fnabs' && !/^(xscv|xststdc)/.test(row.base);
  if (!single) return undefined;
  return (random) => Array.from({ length: 128 }, () => singleAsDouble(random));
}

const FR = 0x40000n;
export type Rule = (ours: Outcome, theirs: Outcome, row: Row, word: number) => boolean;

/** Whether two outcomes agree in everything but these FPSCR bits. */
function sameBut(ours: Outcome, theirs: Outcome, ignored: bigint): boolean {
  const strip = (each: Outcome): unknown => ({ ...each.state, fpscr: (each.state.fpscr ?? 0n) & ~ignored });
  const text = (each: Outcome): string =>
    JSON.stringify(strip(each), (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value));
  return text(ours) === text(theirs) && Buffer.compare(ours.memory, theirs.memory) === 0;
}

export function agree(ours: Outcome, theirs: Outcome, _row: Row): boolean {
  return sameBut(ours, theirs, FR);
}
