/**
 * Logical, rotate and shift, decimal assist: Power ISA 3.0B, Book I §3.3.13–3.3.15. Record forms set CR0 from the result.
 *
 *     and or xor  RA ← (RS) op (RB); nand, nor, eqv: complemented; andc, orc: with ¬(RB)
 *     andi. ori xori    RA ← (RS) op UI; andis., oris, xoris: UI ‖ 16 zeros
 *     exts        RA ← EXTS(the low byte, halfword, word of (RS))
 *     cntlz cnttz    RA ← the zeros before the first, after the last one of a word, a doubleword
 *     cmpb        each byte of RA ← (RS)'s = (RB)'s ? 0xff : 0
 *     popcnt      each byte, word, doubleword of RA ← its ones in (RS)
 *     prty        each word, doubleword of RA ← the parity of the lowest bits of its bytes in (RS)
 *     bpermd      RA[56 + i] ← (RB)[byte i of (RS)], 0 for bytes above 63
 *     rlwinm rlwnm   RA ← ROTL32((RS), n) ∧ MASK(MB, ME); n is SH or (RB); the word rotates in both halves
 *     rlwimi      as rlwinm, and RA keeps its bits outside of the mask
 *     rldicl rldicr rldic   RA ← ROTL64((RS), SH) ∧ MASK(MB, 63), MASK(0, ME), MASK(MB, 63 − SH); rldcl, rldcr: by (RB)
 *     rldimi      as rldic, and RA keeps its bits outside of the mask
 *     slw srw sld srd   RA ← (RS) shifted by (RB); counts past the width give 0
 *     sraw srad   RA ← (RS) shifted right by (RB) or SH, sign bits coming in; CA ← negative and a one was lost
 *     extswsli    RA ← EXTS((RS)[32:63]) << SH
 *     cdtbcd cbcdtd  each word of RA ← two declets to six digits, six digits to two declets
 *     addg6s      each digit of RT ← (RA) + (RB) carries out of it ? 0 : 6
 */

import { HELPER } from '../../cpu/layout.ts';
import { type I32, type I64, i32, i32c, i64, i64c, not64 } from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';
import { finish } from './arithmetic.ts';

type Binary = (a: I64, b: I64) => I64;
const withRb =
  (f: Binary): Semantics =>
  (o) =>
    finish(o, 'RA', f(o.gpr('RS'), o.gpr('RB')));
const withUi =
  (f: Binary): Semantics =>
  (o) =>
    finish(o, 'RA', f(o.gpr('RS'), o.imm64('UI')));
const withUis =
  (f: Binary): Semantics =>
  (o) =>
    finish(o, 'RA', f(o.gpr('RS'), o.imm64('UIS')));
const unary =
  (f: (a: I64) => I64): Semantics =>
  (o) =>
    finish(o, 'RA', f(o.gpr('RS')));

/** Counts in each byte, then adds bytes up within words or doublewords. */
function popcountBytes(o: Ops, a0: I64): I64 {
  const a = o.let(a0);
  const pairs = o.let(i64.sub(a, i64.and(i64.shrU(a, i64c(1)), i64c(0x5555555555555555n))));
  const quads = o.let(
    i64.add(
      i64.and(pairs, i64c(0x3333333333333333n)),
      i64.and(i64.shrU(pairs, i64c(2)), i64c(0x3333333333333333n)),
    ),
  );
  return i64.and(i64.add(quads, i64.shrU(quads, i64c(4))), i64c(0x0f0f0f0f0f0f0f0fn));
}

function eachWord(o: Ops, a0: I64, f: (word: I32) => I32): I64 {
  const a = o.let(a0);
  const high = i64.extendU(f(i32.wrap(i64.shrU(a, i64c(32)))));
  return i64.or(i64.shl(high, i64c(32)), i64.extendU(f(i32.wrap(a))));
}

/** Parity of the low bits of a value's bytes, by folding. */
function parity(o: Ops, word: boolean): void {
  const a = o.let(i64.and(o.gpr('RS'), i64c(0x0101010101010101n)));
  if (!word) {
    o.setGpr('RA', i64.and(i64.popcnt(a), i64c(1)));
    return;
  }
  o.setGpr(
    'RA',
    eachWord(o, a, (w) => i32.and(i32.popcnt(w), i32c(1))),
  );
}

function compareBytes(o: Ops): void {
  const x = o.let(i64.xor(o.gpr('RS'), o.gpr('RB')));
  const low7 = 0x7f7f7f7f7f7f7f7fn;
  const zeroBytes = o.let(not64(i64.or(i64.or(i64.add(i64.and(x, i64c(low7)), i64c(low7)), x), i64c(low7))));
  const ones = i64.shrU(zeroBytes, i64c(7));
  o.setGpr('RA', i64.mul(ones, i64c(0xff)));
}

function bitPermute(o: Ops): void {
  const source = o.let(o.gpr('RB'));
  const indexes = o.let(o.gpr('RS'));
  const result = o.variable(i64c(0));
  for (let i = 0; i < 8; i++) {
    const index = o.let(i64.and(i64.shrU(indexes, i64c(8 * i)), i64c(0xff)));
    const bit = i64.and(i64.shrU(source, i64.sub(i64c(63), index)), i64c(1));
    result.set(i64.or(result.get(), i64.shl(i64.select(bit, i64c(0), i64.ltU(index, i64c(64))), i64c(i))));
  }
  o.setGpr('RA', result.get());
}

/** ROTL32 of the ISA: the low word rotated, in both halves. */
function rotateWord(o: Ops, value: I64, count: I32): I64 {
  const rotated = o.let(i64.extendU(i32.rotl(i32.wrap(value), count)));
  return i64.or(rotated, i64.shl(rotated, i64c(32)));
}

function insert(o: Ops, rotated: I64, mask0: I64): void {
  const mask = o.let(mask0);
  finish(o, 'RA', i64.or(i64.and(rotated, mask), i64.and(o.gpr('RA'), not64(mask))));
}

const count64 = (o: Ops): I64 => i64.extendU(o.imm('SH6'));

/** Shifts by RB: counts past the width give zeros. */
function shiftWord(o: Ops, left: boolean): void {
  const count = o.let(i32.wrap(o.gpr('RB')));
  const source = i32.wrap(o.gpr('RS'));
  const shifted = left ? i32.shl(source, count) : i32.shrU(source, count);
  finish(o, 'RA', i64.extendU(i32.select(i32c(0), shifted, i32.and(count, i32c(32)))));
}
function shiftDoubleword(o: Ops, left: boolean): void {
  const count = o.let(o.gpr('RB'));
  const shifted = left ? i64.shl(o.gpr('RS'), count) : i64.shrU(o.gpr('RS'), count);
  finish(o, 'RA', i64.select(i64c(0), shifted, i64.ne(i64.and(count, i64c(64)), i64c(0))));
}

/** Arithmetic right shifts: CA is 1 where ones were shifted out of a negative value. */
function shiftAlgebraicWord(o: Ops, count0: I64): void {
  const source = o.let(i64.extend32(o.gpr('RS')));
  const count = o.let(i64.and(count0, i64c(63)));
  const lost = i64.ne(i64.and(source, i64.sub(i64.shl(i64c(1), count), i64c(1))), i64c(0));
  algebraic(o, i32.and(i64.ltS(source, i64c(0)), lost), i64.shrS(source, count));
}
function shiftAlgebraicDoubleword(o: Ops, count0: I64): void {
  const source = o.let(o.gpr('RS'));
  const count = o.let(i64.and(count0, i64c(127)));
  const past = o.let(i64.geU(count, i64c(64)));
  const lostMask = i64.select(i64c(-1n), i64.sub(i64.shl(i64c(1), count), i64c(1)), past);
  const lost = i64.ne(i64.and(source, lostMask), i64c(0));
  const result = i64.shrS(source, i64.select(i64c(63), count, past));
  algebraic(o, i32.and(i64.ltS(source, i64c(0)), lost), result);
}
function algebraic(o: Ops, carry0: I32, result: I64): void {
  const carry = o.let(carry0);
  o.setXer('CA', carry);
  o.setXer('CA32', carry);
  finish(o, 'RA', result);
}

/** Densely packed decimal to BCD and back, ten bits to three digits; Book I, appendix B. Rare: a helper. */
function decimal(name: string): Semantics {
  return (o) => {
    o.setState64(HELPER, o.gpr('RS'));
    o.let(o.helper(name, []));
    o.setGpr('RA', o.state64(HELPER));
  };
}

/** Sixes in each digit whose addition did not carry. */
function addG6s(o: Ops): void {
  const a = o.let(o.gpr('RA'));
  const b = o.let(o.gpr('RB'));
  const sum = o.let(i64.add(a, b));
  const carries = o.let(i64.or(i64.and(a, b), i64.and(i64.or(a, b), not64(sum))));
  const none = o.let(i64.and(not64(carries), i64c(0x8888888888888888n)));
  o.setGpr('RT', i64.or(i64.shrU(none, i64c(1)), i64.shrU(none, i64c(2))));
}

export const LOGICAL: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['andi', withUi(i64.and)],
  ['andis', withUis(i64.and)],
  ['ori', withUi(i64.or)],
  ['oris', withUis(i64.or)],
  ['xori', withUi(i64.xor)],
  ['xoris', withUis(i64.xor)],
  ['and', withRb(i64.and)],
  ['or', withRb(i64.or)],
  ['xor', withRb(i64.xor)],
  ['nand', withRb((a, b) => not64(i64.and(a, b)))],
  ['nor', withRb((a, b) => not64(i64.or(a, b)))],
  ['eqv', withRb((a, b) => not64(i64.xor(a, b)))],
  ['andc', withRb((a, b) => i64.and(a, not64(b)))],
  ['orc', withRb((a, b) => i64.or(a, not64(b)))],
  ['extsb', unary(i64.extend8)],
  ['extsh', unary(i64.extend16)],
  ['extsw', unary(i64.extend32)],
  ['cntlzw', unary((a) => i64.extendU(i32.clz(i32.wrap(a))))],
  ['cnttzw', unary((a) => i64.extendU(i32.ctz(i32.wrap(a))))],
  ['cntlzd', unary(i64.clz)],
  ['cnttzd', unary(i64.ctz)],
  ['cmpb', compareBytes],
  ['popcntb', (o) => o.setGpr('RA', popcountBytes(o, o.gpr('RS')))],
  ['popcntw', (o) => o.setGpr('RA', eachWord(o, o.gpr('RS'), i32.popcnt))],
  ['popcntd', (o) => o.setGpr('RA', i64.popcnt(o.gpr('RS')))],
  ['prtyw', (o) => parity(o, true)],
  ['prtyd', (o) => parity(o, false)],
  ['bpermd', bitPermute],
  ['rlwinm', (o) => finish(o, 'RA', i64.and(rotateWord(o, o.gpr('RS'), o.imm('SH')), o.imm64('MASKW')))],
  [
    'rlwnm',
    (o) => finish(o, 'RA', i64.and(rotateWord(o, o.gpr('RS'), i32.wrap(o.gpr('RB'))), o.imm64('MASKW'))),
  ],
  ['rlwimi', (o) => insert(o, rotateWord(o, o.gpr('RS'), o.imm('SH')), o.imm64('MASKW'))],
  ['rldicl', (o) => finish(o, 'RA', i64.and(i64.rotl(o.gpr('RS'), count64(o)), o.imm64('MASKL')))],
  ['rldicr', (o) => finish(o, 'RA', i64.and(i64.rotl(o.gpr('RS'), count64(o)), o.imm64('MASKR')))],
  ['rldic', (o) => finish(o, 'RA', i64.and(i64.rotl(o.gpr('RS'), count64(o)), o.imm64('MASKC')))],
  ['rldcl', (o) => finish(o, 'RA', i64.and(i64.rotl(o.gpr('RS'), o.gpr('RB')), o.imm64('MASKL')))],
  ['rldcr', (o) => finish(o, 'RA', i64.and(i64.rotl(o.gpr('RS'), o.gpr('RB')), o.imm64('MASKR')))],
  ['rldimi', (o) => insert(o, i64.rotl(o.gpr('RS'), count64(o)), o.imm64('MASKC'))],
  ['slw', (o) => shiftWord(o, true)],
  ['srw', (o) => shiftWord(o, false)],
  ['sld', (o) => shiftDoubleword(o, true)],
  ['srd', (o) => shiftDoubleword(o, false)],
  ['srawi', (o) => shiftAlgebraicWord(o, i64.extendU(o.imm('SH')))],
  ['sraw', (o) => shiftAlgebraicWord(o, o.gpr('RB'))],
  ['sradi', (o) => shiftAlgebraicDoubleword(o, count64(o))],
  ['srad', (o) => shiftAlgebraicDoubleword(o, o.gpr('RB'))],
  ['extswsli', (o) => finish(o, 'RA', i64.shl(i64.extend32(o.gpr('RS')), count64(o)))],
  ['cdtbcd', decimal('cdtbcd')],
  ['cbcdtd', decimal('cbcdtd')],
  ['addg6s', addG6s],
]);
