/** Branches, condition register logic, CR moves: Power ISA 3.0B, Book I, chapter 2 and §3.3.17. */

import { type I32, type I64, i32, i32c, i64, i64c, low32 } from '../wasm/index.ts';
import type { Ops, Semantics } from './ops.ts';

/**
 * Decrements CTR where BO asks for it and says whether the branch is taken; `always` is known while code is made.
 * BO, most significant first: ignore the condition, its sense, leave CTR, the sense of CTR = 0, a hint.
 */
function taken(o: Ops, usesCtr: boolean): I32 | 'always' {
  const known = o.known('BO');
  const condition = (): I32 => i32.ne(i32.and(o.crField('BIF'), o.imm('BIM')), i32c(0));
  if (known !== undefined) {
    const ctrPart = usesCtr && (known & 4) === 0 ? decrement(o, (known & 2) !== 0) : undefined;
    const crPart = (known & 16) === 0 ? ((known & 8) !== 0 ? condition() : i32.eqz(condition())) : undefined;
    if (ctrPart === undefined) return crPart ?? 'always';
    return crPart === undefined ? ctrPart : i32.and(ctrPart, crPart);
  }
  const bo = o.let(o.imm('BO'));
  const ctrOk = o.variable(i32c(1));
  if (usesCtr) {
    o.if(i32.eqz(i32.and(bo, i32c(4))), () => {
      ctrOk.set(i32.xor(decrement(o, false), i32.and(i32.shrU(bo, i32c(1)), i32c(1))));
    });
  }
  const sense = i32.and(i32.shrU(bo, i32c(3)), i32c(1));
  const crOk = i32.or(i32.and(i32.shrU(bo, i32c(4)), i32c(1)), i32.eq(condition(), sense));
  return i32.and(ctrOk.get(), crOk);
}

function decrement(o: Ops, wantZero: boolean): I32 {
  const next = o.let(i64.sub(o.ctr(), i64c(1)));
  o.setCtr(next);
  const value = o.mode64 ? next : low32(next);
  return o.let(wantZero ? i64.eqz(value) : i64.ne(value, i64c(0)));
}

/** LR is written whether or not the branch is taken, after the target is read. */
function conditional(o: Ops, usesCtr: boolean, link: boolean, go: () => void, target?: () => I64): void {
  const destination = target === undefined ? undefined : o.let(target());
  const condition = taken(o, usesCtr);
  if (link) o.setLr(o.nextInstruction());
  const leave = destination === undefined ? go : (): void => o.jump(destination);
  if (condition === 'always') leave();
  else o.if(condition, leave);
}

const word4 = (a: I64): I64 => i64.and(a, i64c(-4n));
const never = (): void => {
  throw new Error('a register branch has a target');
};

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
export function wholeCr(o: Ops): I32 {
  let out = o.crField(7);
  for (let field = 0; field < 7; field++) out = i32.or(out, i32.shl(o.crField(field), i32c(28 - 4 * field)));
  return out;
}

const crLogic =
  (f: (a: I32, b: I32) => I32): Semantics =>
  (o) =>
    o.setCrBit('BT', i32.and(f(o.crBit('BA'), o.crBit('BB')), i32c(1)));
const not = (a: I32): I32 => i32.xor(a, i32c(1));

export const BRANCH: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['b', (o) => o.jumpRelative('LI')],
  [
    'bl',
    (o) => {
      o.setLr(o.nextInstruction());
      o.jumpRelative('LI');
    },
  ],
  ['ba', (o) => o.jump(o.imm64('LI'))],
  [
    'bla',
    (o) => {
      o.setLr(o.nextInstruction());
      o.jump(o.imm64('LI'));
    },
  ],
  ['bc', (o) => conditional(o, true, false, () => o.jumpRelative('BD'))],
  ['bcl', (o) => conditional(o, true, true, () => o.jumpRelative('BD'))],
  ['bca', (o) => conditional(o, true, false, never, () => o.imm64('BD'))],
  ['bcla', (o) => conditional(o, true, true, never, () => o.imm64('BD'))],
  ['bclr', (o) => conditional(o, true, false, never, () => word4(o.lr()))],
  ['bclrl', (o) => conditional(o, true, true, never, () => word4(o.lr()))],
  ['bcctr', (o) => conditional(o, false, false, never, () => word4(o.ctr()))],
  ['bcctrl', (o) => conditional(o, false, true, never, () => word4(o.ctr()))],
  ['bctar', (o) => conditional(o, true, false, never, () => word4(o.tar()))],
  ['bctarl', (o) => conditional(o, true, true, never, () => word4(o.tar()))],
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
