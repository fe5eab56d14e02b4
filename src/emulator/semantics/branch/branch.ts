/**
 * Branches: Power ISA 3.0B, Book I §2.4.
 *
 *     b l a       NIA ← a: EXTS(LI) or CIA + EXTS(LI)
 *     bc l a      if taken: NIA ← a: EXTS(BD) or CIA + EXTS(BD)
 *     bclr l      if taken: NIA ← (LR) & ~3
 *     bcctr l     if the condition holds: NIA ← (CTR) & ~3
 *     bctar l     if taken: NIA ← (TAR) & ~3
 *     l           LR ← CIA + 4, whether taken or not, after the target is read
 *     taken       unless BO[2]: CTR ← CTR − 1, and (CTR = 0) = BO[3]; unless BO[0]: CR[BI] = BO[1]
 */

import { type I32, type I64, i32, i32c, i64, i64c, low32 } from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';

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
]);
