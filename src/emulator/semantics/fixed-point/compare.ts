/**
 * Compare, trap, select: Power ISA 3.0B, Book I §3.3.10–3.3.12, and setb, §3.3.17.
 *
 *     cmp cmpi    CR field BF ← a < b ‖ a > b ‖ a = b ‖ SO, of doublewords or sign-extended words; b is (RB) or EXTS(SI)
 *     cmpl cmpli  the same, unsigned, of zero-extended words; b is (RB) or UI
 *     cmprb       CR field BF ← 0 ‖ in ‖ 0 ‖ 0: in is RB's byte 7 ≤ RA's low byte ≤ byte 6, or, with L, byte 5 ≤ … ≤ byte 4
 *     cmpeqb      CR field BF ← 0 ‖ some byte of (RB) = RA's low byte ‖ 0 ‖ 0
 *     tw td       trap if TO ∧ (a <ₛ b ‖ a >ₛ b ‖ a = b ‖ a <ᵤ b ‖ a >ᵤ b) ≠ 0; twi and tdi: b is EXTS(SI)
 *     isel        RT ← CR[BC] ? (RA|0) : (RB)
 *     setb        RT ← CR field BFA: LT ? −1 : GT ? 1 : 0
 */

import { type I32, type I64, i32, i32c, i64, i64c, low32 } from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';

function compare(o: Ops, a0: I64, b0: I64, signed: boolean): void {
  const a = o.let(a0);
  const b = o.let(b0);
  const less = signed ? i64.ltS(a, b) : i64.ltU(a, b);
  const greater = signed ? i64.gtS(a, b) : i64.gtU(a, b);
  const order = i32.or(
    i32.or(i32.shl(less, i32c(3)), i32.shl(greater, i32c(2))),
    i32.shl(i64.eq(a, b), i32c(1)),
  );
  o.setCrField('BF', i32.or(order, o.xer('SO')));
}

/** TO's bits, most significant first: signed less, greater, equal, unsigned less, greater. */
function trapOn(o: Ops, a0: I64, b0: I64): void {
  const a = o.let(a0);
  const b = o.let(b0);
  const seen = [
    i32.shl(i64.ltS(a, b), i32c(4)),
    i32.shl(i64.gtS(a, b), i32c(3)),
    i32.shl(i64.eq(a, b), i32c(2)),
    i32.shl(i64.ltU(a, b), i32c(1)),
    i64.gtU(a, b),
  ].reduce((x, y) => i32.or(x, y));
  o.trapIf('trap', i32.ne(i32.and(seen, o.imm('TO')), i32c(0)));
}

const byteOf = (value: I32, n: number): I32 => i32.and(i32.shrU(value, i32c(8 * n)), i32c(0xff));

function compareRangedByte(o: Ops): void {
  const source = o.let(i32.and(i32.wrap(o.gpr('RA')), i32c(0xff)));
  const range = o.let(i32.wrap(o.gpr('RB')));
  const within = (low: number): I32 =>
    i32.and(i32.leU(byteOf(range, low), source), i32.leU(source, byteOf(range, low + 1)));
  const both = i32.or(within(0), i32.and(o.imm('L'), within(2)));
  o.setCrField('BF', i32.shl(both, i32c(2)));
}

/** GT when any byte of RB equals RA's low byte. */
function compareEqualByte(o: Ops): void {
  const spread = i64.mul(i64.and(o.gpr('RA'), i64c(0xff)), i64c(0x0101010101010101n));
  const difference = o.let(i64.xor(o.gpr('RB'), spread));
  const borrow = i64.and(i64.sub(difference, i64c(0x0101010101010101n)), i64.xor(difference, i64c(-1n)));
  o.setCrField('BF', i32.shl(i64.ne(i64.and(borrow, i64c(0x8080808080808080n)), i64c(0)), i32c(2)));
}

const s32 = i64.extend32;

export const COMPARE: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['cmpwi', (o) => compare(o, s32(o.gpr('RA')), o.imm64('SI'), true)],
  ['cmpdi', (o) => compare(o, o.gpr('RA'), o.imm64('SI'), true)],
  ['cmpw', (o) => compare(o, s32(o.gpr('RA')), s32(o.gpr('RB')), true)],
  ['cmpd', (o) => compare(o, o.gpr('RA'), o.gpr('RB'), true)],
  ['cmplwi', (o) => compare(o, low32(o.gpr('RA')), o.imm64('UI'), false)],
  ['cmpldi', (o) => compare(o, o.gpr('RA'), o.imm64('UI'), false)],
  ['cmplw', (o) => compare(o, low32(o.gpr('RA')), low32(o.gpr('RB')), false)],
  ['cmpld', (o) => compare(o, o.gpr('RA'), o.gpr('RB'), false)],
  ['cmprb', compareRangedByte],
  ['cmpeqb', compareEqualByte],
  ['twi', (o) => trapOn(o, s32(o.gpr('RA')), o.imm64('SI'))],
  ['tw', (o) => trapOn(o, s32(o.gpr('RA')), s32(o.gpr('RB')))],
  ['tdi', (o) => trapOn(o, o.gpr('RA'), o.imm64('SI'))],
  ['td', (o) => trapOn(o, o.gpr('RA'), o.gpr('RB'))],
  ['isel', (o) => o.setGpr('RT', i64.select(o.gpr('RA0'), o.gpr('RB'), o.crBit('BC')))],
  [
    'setb',
    (o) => {
      const field = o.let(o.crField('BFA'));
      const low = i32.and(i32.shrU(field, i32c(2)), i32c(1));
      o.setGpr('RT', i64.extendS(i32.select(i32c(-1), low, i32.and(field, i32c(8)))));
    },
  ],
]);
