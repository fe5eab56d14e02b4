/**
 * Branches: Power ISA 3.0B, Book I §2.4.
 *
 *     b l a       NIA ← a: EXTS(LI) or CIA + EXTS(LI)
 *     bc l a      if taken: NIA ← a: EXTS(BD) or CIA + EXTS(BD)
 *     bclr l      if taken: NIA ← (LR) & ~3
 *     bcctr l     if taken: NIA ← (CTR) & ~3. With BO[2] = 0, an invalid form, POWER8 and POWER9 test CTR before they count
 *                 it down (QEMU 7.2, target/ppc/translate.c, gen_bcond, has it from their manuals); kernels use it so
 *     bctar l     if taken: NIA ← (TAR) & ~3. A facility unavailable interrupt where FSCR keeps TAR from programs (Book III §6.2.11)
 *     l           LR ← CIA + 4, whether taken or not, after the target is read
 *     taken       unless BO[2]: CTR ← CTR − 1, and (CTR = 0) = BO[3]; unless BO[0]: CR[BI] = BO[1]
 */

import { type I32, type I64, i32, i32c, i64, i64c, low32 } from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';
import { needsTarget } from '../system/specials.ts';

/** Which value of CTR is compared with 0: the one before or after it is counted down. */
type Counted = 'before' | 'after';

/**
 * Decrements CTR where BO asks for it and says whether the branch is taken; `always` is known while code is made.
 * BO, most significant first: ignore the condition, its sense, leave CTR, the sense of CTR = 0, a hint.
 */
function taken(o: Ops, tested: Counted): I32 | 'always' {
  const known = o.known('BO');
  const condition = (): I32 => i32.ne(i32.and(o.crField('BIF'), o.imm('BIM')), i32c(0));
  if (known !== undefined) {
    const ctrPart = (known & 4) === 0 ? decrement(o, tested, (known & 2) !== 0) : undefined;
    const crPart = (known & 16) === 0 ? ((known & 8) !== 0 ? condition() : i32.eqz(condition())) : undefined;
    if (ctrPart === undefined) return crPart ?? 'always';
    return crPart === undefined ? ctrPart : i32.and(ctrPart, crPart);
  }
  const bo = o.let(o.imm('BO'));
  const ctrOk = o.variable(i32c(1));
  o.if(i32.eqz(i32.and(bo, i32c(4))), () => {
    ctrOk.set(i32.xor(decrement(o, tested, false), i32.and(i32.shrU(bo, i32c(1)), i32c(1))));
  });
  const sense = i32.and(i32.shrU(bo, i32c(3)), i32c(1));
  const crOk = i32.or(i32.and(i32.shrU(bo, i32c(4)), i32c(1)), i32.eq(condition(), sense));
  return i32.and(ctrOk.get(), crOk);
}

function decrement(o: Ops, tested: Counted, wantZero: boolean): I32 {
  const before = o.let(o.ctr());
  const after = o.let(i64.sub(before, i64c(1)));
  o.setCtr(after);
  const counted = tested === 'after' ? after : before;
  const value = o.mode64 ? counted : low32(counted);
  return o.let(wantZero ? i64.eqz(value) : i64.ne(value, i64c(0)));
}

/** LR is written whether or not the branch is taken, after the target is read. */
function conditional(o: Ops, tested: Counted, link: boolean, go: () => void, target?: () => I64): void {
  const destination = target === undefined ? undefined : o.let(target());
  const condition = taken(o, tested);
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
  ['bc', (o) => conditional(o, 'after', false, () => o.jumpRelative('BD'))],
  ['bcl', (o) => conditional(o, 'after', true, () => o.jumpRelative('BD'))],
  ['bca', (o) => conditional(o, 'after', false, never, () => o.imm64('BD'))],
  ['bcla', (o) => conditional(o, 'after', true, never, () => o.imm64('BD'))],
  ['bclr', (o) => conditional(o, 'after', false, never, () => word4(o.lr()))],
  ['bclrl', (o) => conditional(o, 'after', true, never, () => word4(o.lr()))],
  ['bcctr', (o) => conditional(o, 'before', false, never, () => word4(o.ctr()))],
  ['bcctrl', (o) => conditional(o, 'before', true, never, () => word4(o.ctr()))],
  [
    'bctar',
    (o) => {
      needsTarget(o);
      conditional(o, 'after', false, never, () => word4(o.tar()));
    },
  ],
  [
    'bctarl',
    (o) => {
      needsTarget(o);
      conditional(o, 'after', true, never, () => word4(o.tar()));
    },
  ],
]);
