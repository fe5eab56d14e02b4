/**
 * Instructions that a special handler does as a whole: their names and numbers, from the traits of the rows, and the code
 * that calls the handler. engine/specials.ts and the files beside it have the handlers.
 *
 *     every one   if the row is privileged and MSR[PR] = 1: program interrupt; else the handler (Power ISA 3.0B, Book III §3.3)
 */

import { BugError } from '../../../base/errors.ts';
import { MSR_PR } from '../../cpu/layout.ts';
import { SPR, sprOffset } from '../../cpu/spr.ts';
import { ALL_ROWS } from '../../isa/index.ts';
import { i32, i32c, i64, i64c } from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';

const FSCR = sprOffset(SPR.FSCR) as number;
const FSCR_TAR = 1 << 8;

/** All special handlers; a handler's number is its place here. */
export const SPECIAL_NAMES: readonly string[] = [
  ...new Set(ALL_ROWS.flatMap(({ special }) => (special === undefined ? [] : [special]))),
];

export function specialId(name: string): number {
  const id = SPECIAL_NAMES.indexOf(name);
  if (id < 0) throw new BugError(`${name} is no special handler`);
  return id;
}

/** In problem state: a program interrupt. */
export function privileged(o: Ops): void {
  o.trapIf('privileged', o.state32(MSR_PR));
}

/** Moves of special purpose registers, and branches to TAR: their own code does most of it (registers.ts, branch.ts). */
const PARTLY: ReadonlySet<string> = new Set(['mfspr', 'mtspr', 'mftb', 'bctar', 'bctarl']);

/** In problem state TAR is there where FSCR gives it to programs (Book III §6.2.11); else a facility unavailable interrupt. */
export function needsTarget(o: Ops): void {
  const isOff = i64.eqz(i64.and(o.state64(FSCR), i64c(FSCR_TAR)));
  o.if(i32.and(i32.ne(o.state32(MSR_PR), i32c(0)), isOff), () => o.special('noTarget'));
}

/** Every instruction that a special handler does as a whole. */
export const SPECIALS: ReadonlyMap<string, Semantics> = new Map(
  ALL_ROWS.flatMap((row): [string, Semantics][] => {
    const { special } = row;
    if (special === undefined || PARTLY.has(row.base)) return [];
    const run: Semantics = (o) => o.special(special);
    const guarded: Semantics = (o) => {
      privileged(o);
      run(o);
    };
    return [[row.base, row.privileged === true ? guarded : run]];
  }),
);
