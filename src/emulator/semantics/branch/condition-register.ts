/**
 * Condition register logic and moves: Power ISA 3.0B, Book I §2.5, §2.6 and §3.3.17.
 *
 *     cr op       CR[BT] ← CR[BA] op CR[BB], for and, or, xor, nand, nor, eqv, andc, orc
 *     mcrf        CR field BF ← CR field BFA
 *     mtcrf       each CR field i with FXM[i]: ← its four bits of (RS)[32:63]
 *     mtocrf      the one field that FXM names, likewise
 *     mfcr        RT ← 0 ‖ CR
 *     mfocrf      RT ← the one field that FXM names, in its place; the other bits, undefined, are 0
 *     mcrxrx      CR field BF ← OV ‖ OV32 ‖ CA ‖ CA32
 */

import { type I32, i32, i32c, i64 } from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';

/** The CR fields that FXM's eight bits name, most significant first. */
function moveToCr(o: Ops): void {
  const source = o.let(i32.wrap(o.gpr('RS')));
  const fxm = o.let(o.imm('FXM'));
  for (let field = 0; field < 8; field++) {
    const chosen = i32.and(fxm, i32c(0x80 >> field));
    o.setCrField(
      field,
      i32.select(i32.and(i32.shrU(source, i32c(28 - 4 * field)), i32c(15)), o.crField(field), chosen),
    );
  }
}

/** The whole CR as one word, field 0 in the high digit. */
function wholeCr(o: Ops): I32 {
  let out = o.crField(7);
  for (let field = 0; field < 7; field++) out = i32.or(out, i32.shl(o.crField(field), i32c(28 - 4 * field)));
  return out;
}

const crLogic =
  (f: (a: I32, b: I32) => I32): Semantics =>
  (o) =>
    o.setCrBit('BT', i32.and(f(o.crBit('BA'), o.crBit('BB')), i32c(1)));
const not = (a: I32): I32 => i32.xor(a, i32c(1));

export const CONDITION_REGISTER: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['crand', crLogic(i32.and)],
  ['cror', crLogic(i32.or)],
  ['crxor', crLogic(i32.xor)],
  ['crnand', crLogic((a, b) => not(i32.and(a, b)))],
  ['crnor', crLogic((a, b) => not(i32.or(a, b)))],
  ['creqv', crLogic((a, b) => not(i32.xor(a, b)))],
  ['crandc', crLogic((a, b) => i32.and(a, not(b)))],
  ['crorc', crLogic((a, b) => i32.or(a, not(b)))],
  ['mcrf', (o) => o.setCrField('BF', o.crField('BFA'))],
  ['mtcrf', moveToCr],
  ['mtocrf', (o) => o.setCrField('FXF', i32.and(i32.shrU(i32.wrap(o.gpr('RS')), o.imm('FXS')), i32c(15)))],
  ['mfcr', (o) => o.setGpr('RT', i64.extendU(wholeCr(o)))],
  // The bits outside the field are undefined; POWER9 gives the field alone.
  ['mfocrf', (o) => o.setGpr('RT', i64.extendU(i32.shl(o.crField('FXF'), o.imm('FXS'))))],
  [
    'mcrxrx',
    (o) =>
      o.setCrField(
        'BF',
        [
          o.xer('CA32'),
          i32.shl(o.xer('CA'), i32c(1)),
          i32.shl(o.xer('OV32'), i32c(2)),
          i32.shl(o.xer('OV'), i32c(3)),
        ].reduce((a, b) => i32.or(a, b)),
      ),
  ],
]);
