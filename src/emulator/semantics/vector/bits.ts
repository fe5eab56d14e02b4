/**
 * Logical, compare, count, rotate, shift and bit permute on vectors: Power ISA 3.0B, Book I §6.9 to §6.14; VSCR, §6.18.
 * Each element e of VRT, of 8 (b), 16 (h), 32 (w) or 64 (d) bits, from those of the operands:
 *
 *     vand … xxland …   (VRA) op (VRB), as a whole; XT, XA, XB of the xxl forms
 *     vcmpequ vcmpgts vcmpgtu   e ← a op b ? all ones : 0; record forms: CR6 ← all ‖ 0 ‖ none ‖ 0
 *     vcmpne vcmpnez    e ← a ≠ b, or also a = 0 or b = 0 ? all ones : 0
 *     vrl vsl vsr vsra  e ← a rotated or shifted by b modulo the width; vsra: sign bits come in
 *     vrlwnm vrldnm     e ← ROTL(a, b's low byte) ∧ MASK(b's third byte from the end, the second)
 *     vrlwmi vrldmi     the same, and VRT keeps its bits outside of the mask
 *     vpopcnt vclz vctz    e ← the ones of b, its zeros before the first one, after the last one
 *     vprtyb      e ← the parity of the lowest bits of b's bytes; q: of all sixteen
 *     vgbbd       each doubleword ← that of VRB as 8 × 8 bits, transposed
 *     vbpermq     VRT[48 + i] ← (VRA)[byte i of (VRB)], 0 for bytes above 127
 *     vbpermd     the same in each doubleword, with 8 bits and bytes up to 63
 *     vclzlsbb vctzlsbb    RT ← the bytes of (VRB) with a lowest bit 0 before the first, after the last with 1
 *     mfvscr mtvscr     VRT ← 0 ‖ VSCR; VSCR ← (VRB)'s NJ and SAT
 */

import { VSCR } from '../../cpu/layout.ts';
import {
  bytes128,
  constant128,
  type I32,
  type I64,
  i8x16,
  i16x8,
  i32,
  i32c,
  i32x4,
  i64,
  i64c,
  i64x2,
  pair64,
  type V128,
  v128,
  v128c,
} from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';
import { eachDoubleword, highHalf, lowHalf, recordCr6, ZERO128 } from './elements.ts';

const a = (o: Ops): V128 => o.vector('VRA');
const b = (o: Ops): V128 => o.vector('VRB');
const WIDE = { b: i8x16, h: i16x8, w: i32x4, d: i64x2 } as const;
type Letter = keyof typeof WIDE;
const BITS: Readonly<Record<Letter, number>> = { b: 8, h: 16, w: 32, d: 64 };

type Two = (x: V128, y: V128) => V128;
const LOGICAL: Readonly<Record<string, Two>> = {
  and: v128.and,
  andc: v128.andNot,
  or: v128.or,
  xor: v128.xor,
  nor: (x, y) => v128.not(v128.or(x, y)),
  nand: (x, y) => v128.not(v128.and(x, y)),
  eqv: (x, y) => v128.not(v128.xor(x, y)),
  orc: (x, y) => v128.or(x, v128.not(y)),
};
const logicals = Object.entries(LOGICAL).flatMap(([name, f]): [string, Semantics][] => [
  [`v${name}`, (o) => o.setVector('VRT', f(a(o), b(o)))],
  [`xxl${name}`, (o) => o.setVector('XT', f(o.vector('XA'), o.vector('XB')))],
]);

function greaterU64(x: V128, y: V128): V128 {
  const top = constant128(1n << 63n, 1n << 63n);
  return i64x2.gtS(v128.xor(x, top), v128.xor(y, top));
}
function compare(f: Two): Semantics {
  return (o) => {
    const result = o.let(f(o.let(a(o)), o.let(b(o))));
    o.setVector('VRT', result);
    if (o.record) recordCr6(o, result);
  };
}
const compares = (['b', 'h', 'w', 'd'] as const).flatMap((letter): [string, Semantics][] => {
  const lanes = WIDE[letter];
  const greater = letter === 'd' ? greaterU64 : WIDE[letter].gtU;
  const differs: Two = (x, y) => v128.not(lanes.eq(x, y));
  const zero: Two = (x, y) => v128.or(lanes.eq(x, ZERO128), lanes.eq(y, ZERO128));
  return [
    [`vcmpequ${letter}`, compare(lanes.eq)],
    [`vcmpgts${letter}`, compare(lanes.gtS)],
    [`vcmpgtu${letter}`, compare(greater)],
    [`vcmpne${letter}`, compare(differs)],
    [`vcmpnez${letter}`, compare((x, y) => v128.or(differs(x, y), zero(x, y)))],
  ];
});

/** Applies an i32 or i64 function lane by lane. */
function eachWord(x: V128, y: V128, f: (x: I32, y: I32) => I32): V128 {
  return [0, 1, 2, 3].reduce(
    (made, lane) => i32x4.replace(made, lane, f(i32x4.extract(x, lane), i32x4.extract(y, lane))),
    ZERO128,
  );
}

type Kind = 'rotate' | 'left' | 'right' | 'algebraic';
const WORD_SHIFTS = { rotate: i32.rotl, left: i32.shl, right: i32.shrU, algebraic: i32.shrS } as const;
const DOUBLE_SHIFTS = { rotate: i64.rotl, left: i64.shl, right: i64.shrU, algebraic: i64.shrS } as const;

/** Each lane by its own count, modulo its width. Narrow lanes go bit by bit of the count, doubling the distance. */
function shift(letter: Letter, kind: Kind): Semantics {
  if (letter === 'w') return (o) => o.setVector('VRT', eachWord(o.let(a(o)), o.let(b(o)), WORD_SHIFTS[kind]));
  if (letter === 'd')
    return (o) => o.setVector('VRT', eachDoubleword(o.let(a(o)), o.let(b(o)), DOUBLE_SHIFTS[kind]));
  const lanes = WIDE[letter];
  const width = BITS[letter];
  const by = (x: V128, n: number): V128 => {
    switch (kind) {
      case 'left':
        return lanes.shl(x, i32c(n));
      case 'right':
        return lanes.shrU(x, i32c(n));
      case 'algebraic':
        return lanes.shrS(x, i32c(n));
      case 'rotate':
        return v128.or(lanes.shl(x, i32c(n)), lanes.shrU(x, i32c(width - n)));
    }
  };
  return (o) => {
    const counts = o.let(b(o));
    let x = o.let(a(o));
    for (let bit = 0; 1 << bit < width; bit++) {
      const chosen = lanes.shrS(lanes.shl(counts, i32c(width - 1 - bit)), i32c(width - 1));
      x = o.let(v128.bitselect(by(x, 1 << bit), x, chosen));
    }
    o.setVector('VRT', x);
  };
}
const shifts = (['b', 'h', 'w', 'd'] as const).flatMap((letter): [string, Semantics][] => [
  [`vrl${letter}`, shift(letter, 'rotate')],
  [`vsl${letter}`, shift(letter, 'left')],
  [`vsr${letter}`, shift(letter, 'right')],
  [`vsra${letter}`, shift(letter, 'algebraic')],
]);

/** vrlwnm and vrlwmi: VRB gives the distance, the mask's begin and its end, a byte each. */
function rotateWordMask(insert: boolean): Semantics {
  return (o) => {
    const field = (y: I32, at: number): I32 => i32.and(i32.shrU(y, i32c(at)), i32c(31));
    const x = o.let(a(o));
    const y = o.let(b(o));
    const old = o.let(o.vector('VRT'));
    const result = [0, 1, 2, 3].reduce((made, lane) => {
      const control = o.let(i32x4.extract(y, lane));
      const [mb, me] = [o.let(field(control, 16)), o.let(field(control, 8))];
      const from = o.let(i32.shrU(i32c(-1), mb));
      const upTo = o.let(i32.shl(i32c(-1), i32.sub(i32c(31), me)));
      const mask = o.let(i32.select(i32.and(from, upTo), i32.or(from, upTo), i32.leU(mb, me)));
      const rotated = i32.and(i32.rotl(i32x4.extract(x, lane), control), mask);
      const kept = insert ? i32.and(i32x4.extract(old, lane), i32.xor(mask, i32c(-1))) : i32c(0);
      return i32x4.replace(made, lane, i32.or(rotated, kept));
    }, ZERO128);
    o.setVector('VRT', result);
  };
}
function rotateDoublewordMask(insert: boolean): Semantics {
  return (o) => {
    const field = (y: I64, at: number): I64 => i64.and(i64.shrU(y, i64c(at)), i64c(63));
    const old = o.let(o.vector('VRT'));
    const one = (x: I64, control0: I64, before: I64): I64 => {
      const control = o.let(control0);
      const [mb, me] = [o.let(field(control, 16)), o.let(field(control, 8))];
      const from = o.let(i64.shrU(i64c(-1n), mb));
      const upTo = o.let(i64.shl(i64c(-1n), i64.sub(i64c(63), me)));
      const mask = o.let(i64.select(i64.and(from, upTo), i64.or(from, upTo), i64.leU(mb, me)));
      const rotated = i64.and(i64.rotl(x, control), mask);
      return o.let(insert ? i64.or(rotated, i64.and(before, i64.xor(mask, i64c(-1n)))) : rotated);
    };
    const [x, y] = [o.let(a(o)), o.let(b(o))];
    o.setVector(
      'VRT',
      pair64(one(lowHalf(x), lowHalf(y), lowHalf(old)), one(highHalf(x), highHalf(y), highHalf(old))),
    );
  };
}

/** Ones in each lane: bytes counted, then neighbours added. */
function popcount(o: Ops, x: V128, letter: Letter): V128 {
  let n = i8x16.popcnt(x);
  for (const [lanes, half, mask] of [
    [i16x8, 8, 0xffn],
    [i32x4, 16, 0xffffn],
    [i64x2, 32, 0xffffffffn],
  ] as const) {
    if (half >= BITS[letter]) break;
    const unit = 64 / (half * 2);
    const low = Array.from({ length: unit }, (_, i) => mask << BigInt(i * half * 2)).reduce((p, q) => p | q);
    const counted = o.let(n);
    n = lanes.add(v128.and(counted, constant128(low, low)), lanes.shrU(counted, i32c(half)));
  }
  return n;
}
function leadingZeros(letter: Letter): Semantics {
  const lanes = WIDE[letter];
  return (o) => {
    let x = o.let(b(o));
    for (let n = 1; n < BITS[letter]; n *= 2) x = o.let(v128.or(x, lanes.shrU(x, i32c(n))));
    o.setVector('VRT', popcount(o, v128.not(x), letter));
  };
}
function trailingZeros(letter: Letter): Semantics {
  const lanes = WIDE[letter];
  return (o) => {
    const x = o.let(b(o));
    o.setVector('VRT', popcount(o, v128.andNot(lanes.add(x, bytes128(0xff)), x), letter));
  };
}
const counts = (['b', 'h', 'w', 'd'] as const).flatMap((letter): [string, Semantics][] => [
  [`vpopcnt${letter}`, (o) => o.setVector('VRT', popcount(o, b(o), letter))],
  [`vclz${letter}`, leadingZeros(letter)],
  [`vctz${letter}`, trailingZeros(letter)],
]);

/** Parity of the bytes' lowest bits in each lane. */
function parity(lanes: typeof i32x4 | typeof i64x2, bits: number): Semantics {
  return (o) => {
    let x = o.let(b(o));
    for (let n = bits / 2; n >= 8; n /= 2) x = o.let(v128.xor(x, lanes.shrU(x, i32c(n))));
    const ones = bits === 32 ? 0x0000000100000001n : 1n;
    o.setVector('VRT', v128.and(x, constant128(ones, ones)));
  };
}
function parityQuadword(o: Ops): void {
  const x = o.let(b(o));
  let folded = o.let(i64.xor(lowHalf(x), highHalf(x)));
  for (const n of [32, 16, 8]) folded = o.let(i64.xor(folded, i64.shrU(folded, i64c(n))));
  o.setVector('VRT', pair64(i64.and(folded, i64c(1)), i64c(0)));
}

/** Transposes each doubleword as eight rows of eight bits: three swaps of ever larger blocks off the diagonal. */
function gatherBits(o: Ops): void {
  let x = o.let(b(o));
  for (const [distance, mask] of [
    [7, 0x00aa00aa00aa00aan],
    [14, 0x0000cccc0000ccccn],
    [28, 0x00000000f0f0f0f0n],
  ] as const) {
    const moved = o.let(v128.and(v128.xor(x, i64x2.shrU(x, i32c(distance))), constant128(mask, mask)));
    x = o.let(v128.xor(x, v128.xor(moved, i64x2.shl(moved, i32c(distance)))));
  }
  o.setVector('VRT', x);
}

/** 0x80 down to 1, for the bit number within a byte. */
const BIT_MASKS = v128c([128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
/** One bit a lane: whether bit `index & 7` of the byte chosen for it is set. */
function chosenBits(chosen: V128, index: V128): I32 {
  const bit = v128.swizzle(BIT_MASKS, v128.and(index, bytes128(7)));
  return i8x16.bitmask(v128.not(i8x16.eq(v128.and(chosen, bit), ZERO128)));
}
function bitPermuteQuadword(o: Ops): void {
  const index = o.let(b(o));
  const lane = i8x16.sub(bytes128(15), i8x16.shrU(index, i32c(3)));
  o.setVector('VRT', pair64(i64c(0), i64.extendU(chosenBits(v128.swizzle(a(o), lane), index))));
}
function bitPermuteDoubleword(o: Ops): void {
  const index = o.let(b(o));
  const last = v128c(Array.from({ length: 16 }, (_, i) => (i < 8 ? 7 : 15)));
  const lane = i8x16.sub(last, i8x16.shrU(index, i32c(3)));
  const valid = i8x16.gtU(bytes128(64), index);
  const bits = o.let(chosenBits(v128.and(v128.swizzle(a(o), lane), valid), index));
  o.setVector('VRT', pair64(i64.extendU(i32.and(bits, i32c(0xff))), i64.extendU(i32.shrU(bits, i32c(8)))));
}

/** Bytes with a zero lowest bit, from the first or the last element on. */
function countZeroBytes(leading: boolean): Semantics {
  return (o) => {
    const ones = i8x16.bitmask(i8x16.shl(b(o), i32c(7)));
    const count = leading ? i32.sub(i32.clz(ones), i32c(16)) : i32.ctz(i32.or(ones, i32c(0x10000)));
    o.setGpr('RT', i64.extendU(count));
  };
}

// biome-ignore format: related entries share a line
export const VECTOR_BITS: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...logicals, ...compares, ...shifts, ...counts,
  ['vrlwnm', rotateWordMask(false)], ['vrlwmi', rotateWordMask(true)],
  ['vrldnm', rotateDoublewordMask(false)], ['vrldmi', rotateDoublewordMask(true)],
  ['vprtybw', parity(i32x4, 32)], ['vprtybd', parity(i64x2, 64)], ['vprtybq', parityQuadword],
  ['vgbbd', gatherBits], ['vbpermq', bitPermuteQuadword], ['vbpermd', bitPermuteDoubleword],
  ['vclzlsbb', countZeroBytes(true)], ['vctzlsbb', countZeroBytes(false)],
  ['mfvscr', (o) => o.setVector('VRT', pair64(i64.extendU(o.state32(VSCR)), i64c(0)))],
  ['mtvscr', (o) => o.setState32(VSCR, i32.and(i32.wrap(lowHalf(b(o))), i32c(0x00010001)))],
]);
