/**
 * Fixed-point arithmetic: Power ISA 3.0B, Book I §3.3.9. Record forms set CR0 from the result, `o` forms OV, OV32 and SO.
 *
 *     addi addis  RT ← (RA|0) + EXTS(SI), or + EXTS(SI ‖ 16 zeros)
 *     addpcis     RT ← CIA + 4 + EXTS(D ‖ 16 zeros)
 *     add subf    RT ← a + (RB); here and below a is (RA) to add, ¬(RA) to subtract; subf adds 1 as well
 *     addic addc  RT ← (RA) + EXTS(SI) or + (RB); CA ← the carry
 *     subfic subfc   RT ← ¬(RA) + EXTS(SI) + 1 or + (RB) + 1; CA ← the carry
 *     adde subfe  RT ← a + (RB) + CA; CA ← the carry
 *     addme subfme   RT ← a + CA − 1; CA ← the carry
 *     addze subfze   RT ← a + CA; CA ← the carry
 *     addex       RT ← (RA) + (RB) + OV; OV ← the carry
 *     neg         RT ← ¬(RA) + 1
 *     mulli mulld    RT ← the low 64 bits of (RA) × EXTS(SI) or × (RB)
 *     mullw       RT ← (RA)[32:63] × (RB)[32:63], signed, all 64 bits
 *     mulhw mulhd    RT ← the high half of the product of words, doublewords; u: unsigned
 *     maddhd maddld  RT ← the high, the low half of (RA) × (RB) + (RC); u: unsigned
 *     divw divd   RT ← (RA) ÷ (RB), of words, doublewords, towards zero; u: unsigned
 *     divwe divde    RT ← ((RA) ‖ 0) ÷ (RB); u: unsigned
 *     modsw modsd    RT ← (RA) − (RA) ÷ (RB) × (RB); moduw, modud: unsigned
 */

import { HELPER } from '../../cpu/layout.ts';
import { type I64, i32, i32c, i64, i64c, low32, not64 } from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';

/** Writes RT and, in record forms, CR0. */
export function finish(o: Ops, operand: string, value: I64): void {
  const result = o.record ? o.let(value) : value;
  o.setGpr(operand, result);
  if (o.record) o.recordCr0(result);
}

/** Sets OV, OV32 and accumulates SO from two conditions (0 or 1). */
function setOverflow(o: Ops, ov64: I64, ov32: I64): void {
  const narrow = o.let(i32.wrap(ov32));
  const ov = o.mode64 ? o.let(i32.wrap(ov64)) : narrow;
  o.setXer('OV', ov);
  o.setXer('OV32', narrow);
  o.setXer('SO', i32.or(o.xer('SO'), ov));
}

const bit63 = (a: I64): I64 => i64.shrU(a, i64c(63));
const bit31 = (a: I64): I64 => i64.and(i64.shrU(a, i64c(31)), i64c(1));

/** RT ← a + b + carryIn, with the carries and overflows that the form asks for. */
function addition(o: Ops, a0: I64, b0: I64, carryIn: I64 | undefined, carryOut: boolean): void {
  if (!carryOut && !o.overflow) {
    finish(o, 'RT', carryIn === undefined ? i64.add(a0, b0) : i64.add(i64.add(a0, b0), carryIn));
    return;
  }
  const a = o.let(a0);
  const b = o.let(b0);
  const sum = o.let(carryIn === undefined ? i64.add(a, b) : i64.add(i64.add(a, b), carryIn));
  if (carryOut) {
    const carries = o.let(i64.or(i64.and(a, b), i64.and(i64.or(a, b), not64(sum))));
    o.setXer('CA', i32.wrap(o.mode64 ? bit63(carries) : bit31(carries)));
    o.setXer('CA32', i32.wrap(bit31(carries)));
  }
  if (o.overflow) {
    const over = o.let(i64.and(i64.xor(a, sum), i64.xor(b, sum)));
    setOverflow(o, bit63(over), bit31(over));
  }
  o.setGpr('RT', sum);
  if (o.record) o.recordCr0(sum);
}

/** As adde, with OV and OV32 in the place of CA and CA32; CY = 0 is the only form there is. */
function addExtendedByOverflow(o: Ops): void {
  const a = o.let(o.gpr('RA'));
  const b = o.let(o.gpr('RB'));
  const sum = o.let(i64.add(i64.add(a, b), i64.extendU(o.xer('OV'))));
  const carries = o.let(i64.or(i64.and(a, b), i64.and(i64.or(a, b), not64(sum))));
  o.setXer('OV', i32.wrap(o.mode64 ? bit63(carries) : bit31(carries)));
  o.setXer('OV32', i32.wrap(bit31(carries)));
  o.setGpr('RT', sum);
}

const ca = (o: Ops): I64 => i64.extendU(o.xer('CA'));
const one = i64c(1);
const minusOne = i64c(-1n);

/** Signed product overflow out of 32 and 64 bits for the `o` forms of multiply. */
function multiplyLow(o: Ops, wide: boolean): void {
  if (!wide) {
    const product = o.let(i64.mul(i64.extend32(o.gpr('RA')), i64.extend32(o.gpr('RB'))));
    if (o.overflow) {
      const over = o.let(i64.extendU(i64.ne(product, i64.extend32(product))));
      setOverflow(o, over, over);
    }
    finish(o, 'RT', product);
    return;
  }
  const a = o.let(o.gpr('RA'));
  const b = o.let(o.gpr('RB'));
  const product = o.let(i64.mul(a, b));
  if (o.overflow) {
    const high = multiplyHigh(o, a, b, true);
    const over = o.let(i64.extendU(i64.ne(high, i64.shrS(product, i64c(63)))));
    setOverflow(o, over, over);
  }
  finish(o, 'RT', product);
}

/** The upper half of RT is undefined; POWER9 has the result in both. */
function multiplyHighWord(o: Ops, extend: (a: I64) => I64): void {
  const high = o.let(i64.shrU(i64.mul(extend(o.gpr('RA')), extend(o.gpr('RB'))), i64c(32)));
  finish(o, 'RT', i64.or(high, i64.shl(high, i64c(32))));
}

/** The high doubleword of a 128-bit product, from four 32-bit products. */
export function multiplyHigh(o: Ops, a: I64, b: I64, signed: boolean): I64 {
  const a0 = o.let(low32(a));
  const a1 = o.let(i64.shrU(a, i64c(32)));
  const b0 = o.let(low32(b));
  const b1 = o.let(i64.shrU(b, i64c(32)));
  const middle = o.let(i64.add(i64.mul(a1, b0), i64.shrU(i64.mul(a0, b0), i64c(32))));
  const cross = o.let(i64.add(i64.mul(a0, b1), low32(middle)));
  const unsigned = o.let(
    i64.add(i64.add(i64.mul(a1, b1), i64.shrU(middle, i64c(32))), i64.shrU(cross, i64c(32))),
  );
  if (!signed) return unsigned;
  const correctA = i64.and(i64.shrS(a, i64c(63)), b);
  const correctB = i64.and(i64.shrS(b, i64c(63)), a);
  return o.let(i64.sub(i64.sub(unsigned, correctA), correctB));
}

/**
 * 32-bit division. Where the quotient does not fit or the divisor is 0 the result is undefined; POWER9 leaves 0.
 * The upper half of RT is undefined as well and left 0.
 */
function divideWord(o: Ops, signed: boolean): void {
  const a = o.let(i32.wrap(o.gpr('RA')));
  const b = o.let(i32.wrap(o.gpr('RB')));
  const zero = i32.eqz(b);
  const bad = o.let(signed ? i32.or(zero, i32.and(i32.eq(a, i32c(0x80000000)), i32.eq(b, i32c(-1)))) : zero);
  const divisor = i32.select(i32c(1), b, bad);
  const quotient = signed ? i32.divS(a, divisor) : i32.divU(a, divisor);
  const result = o.let(i64.extendU(i32.select(i32c(0), quotient, bad)));
  if (o.overflow) setOverflow(o, i64.extendU(bad), i64.extendU(bad));
  finish(o, 'RT', result);
}

function divideDoubleword(o: Ops, signed: boolean): void {
  const a = o.let(o.gpr('RA'));
  const b = o.let(o.gpr('RB'));
  const zero = i64.eqz(b);
  const bad = o.let(
    signed ? i32.or(zero, i32.and(i64.eq(a, i64c(-(2n ** 63n))), i64.eq(b, minusOne))) : zero,
  );
  const divisor = i64.select(one, b, bad);
  const quotient = signed ? i64.divS(a, divisor) : i64.divU(a, divisor);
  const result = o.let(i64.select(i64c(0), quotient, bad));
  if (o.overflow) setOverflow(o, i64.extendU(bad), i64.extendU(bad));
  finish(o, 'RT', result);
}

/** divwe(u): the dividend is RA's low word followed by 32 zeros. */
function divideWordExtended(o: Ops, signed: boolean): void {
  const dividend = o.let(i64.shl(o.gpr('RA'), i64c(32)));
  const divisor = o.let(signed ? i64.extend32(o.gpr('RB')) : low32(o.gpr('RB')));
  const unsafe = o.let(
    signed
      ? i32.or(i64.eqz(divisor), i32.and(i64.eq(dividend, i64c(-(2n ** 63n))), i64.eq(divisor, minusOne)))
      : i64.eqz(divisor),
  );
  const safe = i64.select(one, divisor, unsafe);
  const quotient = o.let(signed ? i64.divS(dividend, safe) : i64.divU(dividend, safe));
  const fits = signed ? i64.eq(quotient, i64.extend32(quotient)) : i64.eqz(i64.shrU(quotient, i64c(32)));
  const bad = o.let(i32.or(unsafe, i32.eqz(fits)));
  const result = o.let(i64.select(i64c(0), low32(quotient), bad));
  if (o.overflow) setOverflow(o, i64.extendU(bad), i64.extendU(bad));
  finish(o, 'RT', result);
}

/** divde(u): a 128-bit dividend; rare, and long division needs wide numbers: a helper. */
function divideDoublewordExtended(o: Ops, name: string): void {
  o.setState64(HELPER, o.gpr('RA'));
  o.setState64(HELPER + 8, o.gpr('RB'));
  const bad = o.let(o.helper(name, []));
  const result = o.let(o.state64(HELPER));
  if (o.overflow) setOverflow(o, i64.extendU(bad), i64.extendU(bad));
  finish(o, 'RT', result);
}

function modulo(o: Ops, wide: boolean, signed: boolean): void {
  if (wide) {
    const a = o.let(o.gpr('RA'));
    const b = o.let(o.gpr('RB'));
    const overflow = i32.and(i64.eq(a, i64c(-(2n ** 63n))), i64.eq(b, minusOne));
    const bad = o.let(signed ? i32.or(i64.eqz(b), overflow) : i64.eqz(b));
    const divisor = i64.select(one, b, bad);
    o.setGpr('RT', i64.select(i64c(0), signed ? i64.remS(a, divisor) : i64.remU(a, divisor), bad));
    return;
  }
  const a = o.let(i32.wrap(o.gpr('RA')));
  const b = o.let(i32.wrap(o.gpr('RB')));
  const overflow = i32.and(i32.eq(a, i32c(0x80000000)), i32.eq(b, i32c(-1)));
  const bad = o.let(signed ? i32.or(i32.eqz(b), overflow) : i32.eqz(b));
  const divisor = i32.select(i32c(1), b, bad);
  const rest = i32.select(i32c(0), signed ? i32.remS(a, divisor) : i32.remU(a, divisor), bad);
  o.setGpr('RT', signed ? i64.extendS(rest) : i64.extendU(rest));
}

function multiplyAddHigh(o: Ops, signed: boolean): void {
  const a = o.let(o.gpr('RA'));
  const b = o.let(o.gpr('RB'));
  const c = o.let(o.gpr('RC'));
  const high = multiplyHigh(o, a, b, signed);
  const low = o.let(i64.add(i64.mul(a, b), c));
  const carry = i64.extendU(i64.ltU(low, c));
  const extended = signed ? i64.shrS(c, i64c(63)) : i64c(0);
  o.setGpr('RT', i64.add(i64.add(high, carry), extended));
}

export const ARITHMETIC: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['addi', (o) => o.setGpr('RT', i64.add(o.gpr('RA0'), o.imm64('SI')))],
  ['addis', (o) => o.setGpr('RT', i64.add(o.gpr('RA0'), o.imm64('SIS')))],
  ['addpcis', (o) => o.setGpr('RT', i64.add(o.nextInstruction(), o.imm64('DX')))],
  ['add', (o) => addition(o, o.gpr('RA'), o.gpr('RB'), undefined, false)],
  [
    'subf',
    (o) =>
      o.overflow
        ? addition(o, not64(o.gpr('RA')), o.gpr('RB'), one, false)
        : finish(o, 'RT', i64.sub(o.gpr('RB'), o.gpr('RA'))),
  ],
  ['addic', (o) => addition(o, o.gpr('RA'), o.imm64('SI'), undefined, true)],
  ['subfic', (o) => addition(o, not64(o.gpr('RA')), o.imm64('SI'), one, true)],
  ['addc', (o) => addition(o, o.gpr('RA'), o.gpr('RB'), undefined, true)],
  ['subfc', (o) => addition(o, not64(o.gpr('RA')), o.gpr('RB'), one, true)],
  ['adde', (o) => addition(o, o.gpr('RA'), o.gpr('RB'), ca(o), true)],
  ['subfe', (o) => addition(o, not64(o.gpr('RA')), o.gpr('RB'), ca(o), true)],
  ['addme', (o) => addition(o, o.gpr('RA'), minusOne, ca(o), true)],
  ['subfme', (o) => addition(o, not64(o.gpr('RA')), minusOne, ca(o), true)],
  ['addze', (o) => addition(o, o.gpr('RA'), i64c(0), ca(o), true)],
  ['subfze', (o) => addition(o, not64(o.gpr('RA')), i64c(0), ca(o), true)],
  ['addex', addExtendedByOverflow],
  ['neg', (o) => addition(o, not64(o.gpr('RA')), i64c(0), one, false)],
  ['mulli', (o) => o.setGpr('RT', i64.mul(o.gpr('RA'), o.imm64('SI')))],
  ['mullw', (o) => multiplyLow(o, false)],
  ['mulld', (o) => multiplyLow(o, true)],
  ['mulhw', (o) => multiplyHighWord(o, i64.extend32)],
  ['mulhwu', (o) => multiplyHighWord(o, low32)],
  ['mulhd', (o) => finish(o, 'RT', multiplyHigh(o, o.let(o.gpr('RA')), o.let(o.gpr('RB')), true))],
  ['mulhdu', (o) => finish(o, 'RT', multiplyHigh(o, o.let(o.gpr('RA')), o.let(o.gpr('RB')), false))],
  ['maddhd', (o) => multiplyAddHigh(o, true)],
  ['maddhdu', (o) => multiplyAddHigh(o, false)],
  ['maddld', (o) => o.setGpr('RT', i64.add(i64.mul(o.gpr('RA'), o.gpr('RB')), o.gpr('RC')))],
  ['divw', (o) => divideWord(o, true)],
  ['divwu', (o) => divideWord(o, false)],
  ['divd', (o) => divideDoubleword(o, true)],
  ['divdu', (o) => divideDoubleword(o, false)],
  ['divwe', (o) => divideWordExtended(o, true)],
  ['divweu', (o) => divideWordExtended(o, false)],
  ['divde', (o) => divideDoublewordExtended(o, 'divde')],
  ['divdeu', (o) => divideDoublewordExtended(o, 'divdeu')],
  ['modsw', (o) => modulo(o, false, true)],
  ['moduw', (o) => modulo(o, false, false)],
  ['modsd', (o) => modulo(o, true, true)],
  ['modud', (o) => modulo(o, true, false)],
]);
