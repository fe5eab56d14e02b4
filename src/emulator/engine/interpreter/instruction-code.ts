/** Code of one instruction: the check that its facility is switched on, then its meaning. */

import { BugError } from '../../../base/errors.ts';
import { EXIT } from '../../cpu/exit.ts';
import * as layout from '../../cpu/layout.ts';
import type { Row } from '../../isa/index.ts';
import { type Ops, SEMANTICS } from '../../semantics/index.ts';
import { i32, i32c } from '../../wasm/index.ts';

/** A facility that MSR can switch off. */
export type Switch = 'fp' | 'vec' | 'vsx';

/** The word that says whether it is on, and the exit code where it is off. */
const SWITCHES: Readonly<Record<Switch, readonly [number, number]>> = {
  fp: [layout.MSR_FP, EXIT.fpUnavailable],
  vec: [layout.MSR_VEC, EXIT.vectorUnavailable],
  vsx: [layout.MSR_VSX, EXIT.vsxUnavailable],
};

/**
 * @param exit leaves with an exit code; the instruction counts as not executed
 * @param on what is known to be switched on where the instruction stands; what it needs itself is added, where that is known
 */
export function emitInstruction(
  ops: Ops,
  row: Row,
  exit: (code: number) => void,
  on: Set<Switch> = new Set(),
): void {
  const check = (facility: Switch): void => {
    const [offset, code] = SWITCHES[facility];
    ops.if(i32.eqz(ops.state32(offset)), () => exit(code));
  };
  const needs = (facility: Switch): void => {
    if (!on.has(facility)) check(facility);
    on.add(facility);
  };
  const { facility } = row;
  if (facility === 'vsx-or-vec' || facility === 'fp-or-vec') {
    const low = facility === 'fp-or-vec' ? 'fp' : 'vsx';
    const known = ops.known('VSRHIGH');
    if (known !== undefined) needs(known === 1 ? 'vec' : low);
    else
      ops.if(
        i32.ne(ops.imm('VSRHIGH'), i32c(0)),
        () => check('vec'),
        () => check(low),
      );
  } else if (facility !== undefined) needs(facility);
  const meaning = SEMANTICS.get(row.base);
  if (meaning === undefined) throw new BugError(`no semantics for ${row.base}`);
  meaning(ops);
}
