/**
 * Integer arithmetic on vectors: Power ISA 3.0B, Book I §6.9.1. Helpers compute what needs wide sums (helpers/vector.ts).
 * Each element of VRT, of 8 (b), 16 (h), 32 (w) or 64 (d) bits, signed (s) or unsigned (u):
 *
 *     vaddu m vsubu m   a + b, a − b, modulo the width
 *     vadds s vaddu s vsubs s vsubu s   the same, saturated; SAT ← 1 where it did
 *     vaddcuw vsubcuw   the carry of a + b, of a + ¬b + 1
 *     vadduqm vsubuqm   128 bits: a ± b; eu: a + b + c's last bit, a + ¬b + c's last bit; c: the carry of these
 *     vmule vmulo       the double-width product of the elements with even, odd numbers
 *     vmuluwm vmladduhm a × b modulo 2^32; a × b + c modulo 2^16
 *     vmhaddshs vmhraddshs  (a × b) >> 15, rounded (r), + c, saturated
 *     vmsum             c + the sum of the products within a word (m) or, saturated, (s); udm: within a quadword
 *     vsumsws vsum2sws vsum4   b + the sum of a's elements of the quadword, doubleword, word; saturated
 *     vneg vexts        −b; EXTS(b's low byte, halfword, word)
 *     vavg              (a + b + 1) >> 1
 *     vmax vmin vabsdu  the greater, the lesser, max − min
 */

import {
  bytes128,
  constant128,
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
} from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';
import { byHelper } from './by-helper.ts';
import { highHalf, lowHalf, noteSaturation } from './elements.ts';

const a = (o: Ops): V128 => o.vector('VRA');
const b = (o: Ops): V128 => o.vector('VRB');
const c = (o: Ops): V128 => o.vector('VRC');
const WIDE = { b: i8x16, h: i16x8, w: i32x4, d: i64x2 } as const;
type Two = (x: V128, y: V128) => V128;

const two =
  (f: Two): Semantics =>
  (o) =>
    o.setVector('VRT', f(a(o), b(o)));
/** `f` uses its operands more than once. */
const twoReused =
  (f: Two): Semantics =>
  (o) =>
    o.setVector('VRT', f(o.let(a(o)), o.let(b(o))));
const one =
  (f: (x: V128) => V128): Semantics =>
  (o) =>
    o.setVector('VRT', f(b(o)));

/** A saturating operation beside the modulo one; they differ where it saturated. */
function saturating(exact: Two, saturated: Two): Semantics {
  return (o) => {
    const [x, y] = [o.let(a(o)), o.let(b(o))];
    const result = o.let(saturated(x, y));
    noteSaturation(o, exact(x, y), result);
    o.setVector('VRT', result);
  };
}

/** The four saturating operations on words, which WebAssembly lacks. */
const MAX32 = constant128(0x7fffffff7fffffffn, 0x7fffffff7fffffffn);
const bySign = (x: V128, over: V128, plain: V128): V128 =>
  v128.bitselect(v128.xor(i32x4.shrS(x, i32c(31)), MAX32), plain, i32x4.shrS(over, i32c(31)));
const addSatS32: Two = (x, y) =>
  bySign(x, v128.and(v128.xor(x, i32x4.add(x, y)), v128.xor(y, i32x4.add(x, y))), i32x4.add(x, y));
const subSatS32: Two = (x, y) =>
  bySign(x, v128.and(v128.xor(x, y), v128.xor(x, i32x4.sub(x, y))), i32x4.sub(x, y));
const addSatU32: Two = (x, y) => v128.or(i32x4.add(x, y), i32x4.gtU(x, i32x4.add(x, y)));
const subSatU32: Two = (x, y) => v128.and(i32x4.sub(x, y), i32x4.geU(x, y));

const SATURATING: readonly [string, Semantics][] = [
  ...(['b', 'h'] as const).flatMap((letter): [string, Semantics][] => {
    const lanes = WIDE[letter];
    return [
      [`vadds${letter}s`, saturating(lanes.add, lanes.addSatS)],
      [`vaddu${letter}s`, saturating(lanes.add, lanes.addSatU)],
      [`vsubs${letter}s`, saturating(lanes.sub, lanes.subSatS)],
      [`vsubu${letter}s`, saturating(lanes.sub, lanes.subSatU)],
    ];
  }),
  ['vaddsws', saturating(i32x4.add, addSatS32)],
  ['vadduws', saturating(i32x4.add, addSatU32)],
  ['vsubsws', saturating(i32x4.sub, subSatS32)],
  ['vsubuws', saturating(i32x4.sub, subSatU32)],
];

/** Elements with even or odd numbers as lanes of twice the width: the ISA's element 0 is the highest. */
function half(
  wide: typeof i16x8 | typeof i32x4 | typeof i64x2,
  width: number,
  even: boolean,
  signed: boolean,
): (x: V128) => V128 {
  const extend = (x: V128): V128 => (signed ? wide.shrS : wide.shrU)(x, i32c(width));
  return even ? extend : (x) => extend(wide.shl(x, i32c(width)));
}
const products = (
  [
    ['b', i16x8, 8],
    ['h', i32x4, 16],
    ['w', i64x2, 32],
  ] as const
).flatMap(([letter, wide, width]): [string, Semantics][] =>
  (['e', 'o'] as const).flatMap((parity): [string, Semantics][] =>
    (['s', 'u'] as const).map((sign): [string, Semantics] => {
      const take = half(wide, width, parity === 'e', sign === 's');
      return [`vmul${parity}${sign}${letter}`, two((x, y) => wide.mul(take(x), take(y)))];
    }),
  ),
);

/** vmhaddshs, vmhraddshs: the product's high part, rounded or not, plus VRC, saturated. */
function multiplyHighAdd(round: boolean): Semantics {
  return (o) => {
    const [x, y, z] = [o.let(a(o)), o.let(b(o)), o.let(c(o))];
    const part = (extend: (v: V128) => V128): V128 => {
      const product = i32x4.mul(extend(x), extend(y));
      const rounded = round ? i32x4.add(product, i32x4.splat(i32c(0x4000))) : product;
      return o.let(i32x4.add(i32x4.shrS(rounded, i32c(15)), extend(z)));
    };
    const [low, high] = [part(i32x4.extendLowS), part(i32x4.extendHighS)];
    const result = o.let(i32x4.narrowS(low, high));
    noteSaturation(o, low, i32x4.extendLowS(result));
    noteSaturation(o, high, i32x4.extendHighS(result));
    o.setVector('VRT', result);
  };
}

/** Sums of products into words, modulo 2^32. */
function sumBytes(signedA: boolean): Semantics {
  return (o) => {
    const [x, y] = [o.let(a(o)), o.let(b(o))];
    const halves = (value: V128, signed: boolean): V128 =>
      i32x4.add(
        (signed ? i32x4.shrS : i32x4.shrU)(value, i32c(16)),
        (signed ? i32x4.shrS : i32x4.shrU)(i32x4.shl(value, i32c(16)), i32c(16)),
      );
    const part = (even: boolean): V128 => {
      const product = i16x8.mul(half(i16x8, 8, even, signedA)(x), half(i16x8, 8, even, false)(y));
      return halves(o.let(product), signedA);
    };
    o.setVector('VRT', i32x4.add(i32x4.add(part(true), part(false)), c(o)));
  };
}
function sumHalfwords(signed: boolean): Semantics {
  return (o) => {
    const [x, y] = [o.let(a(o)), o.let(b(o))];
    const part = (even: boolean): V128 => {
      const take = half(i32x4, 16, even, signed);
      return i32x4.mul(take(x), take(y));
    };
    o.setVector('VRT', i32x4.add(i32x4.add(part(true), part(false)), c(o)));
  };
}

/** 128-bit sum of VRA, VRB (or its complement) and a carry. */
function quadword(subtract: boolean, carryIn: 'none' | 'one' | 'VRC', want: 'sum' | 'carry'): Semantics {
  return (o) => {
    const x = o.let(a(o));
    const y = o.let(subtract ? v128.not(b(o)) : b(o));
    const carry: I64 =
      carryIn === 'VRC' ? o.let(i64.and(lowHalf(c(o)), i64c(1))) : i64c(carryIn === 'one' ? 1 : 0);
    const sum = (p: I64, q: I64, in_: I64): { readonly sum: I64; readonly carry: I64 } => {
      const first = o.let(i64.add(p, q));
      const total = o.let(i64.add(first, in_));
      return { sum: total, carry: o.let(i64.extendU(i32.or(i64.ltU(first, p), i64.ltU(total, first)))) };
    };
    const low = sum(lowHalf(x), lowHalf(y), carry);
    const high = sum(highHalf(x), highHalf(y), low.carry);
    o.setVector('VRT', want === 'sum' ? pair64(low.sum, high.sum) : pair64(high.carry, i64c(0)));
  };
}

const ONES32 = constant128(0x0000000100000001n, 0x0000000100000001n);
/** (a + b + 1) / 2 without a carry out of the lane. */
function average32(signed: boolean): Two {
  return (x, y) => i32x4.sub(v128.or(x, y), (signed ? i32x4.shrS : i32x4.shrU)(v128.xor(x, y), i32c(1)));
}
/** Signed averages by way of unsigned ones, both operands moved up by half the range. */
function averageSigned(average: Two, top: V128): Two {
  return (x, y) => v128.xor(average(v128.xor(x, top), v128.xor(y, top)), top);
}
const TOP16 = constant128(0x8000800080008000n, 0x8000800080008000n);
const TOP64 = constant128(1n << 63n, 1n << 63n);

function extreme64(signed: boolean, greatest: boolean): Two {
  return (x, y) => {
    const greater = signed ? i64x2.gtS(x, y) : i64x2.gtS(v128.xor(x, TOP64), v128.xor(y, TOP64));
    return greatest ? v128.bitselect(x, y, greater) : v128.bitselect(y, x, greater);
  };
}
const extremes = (['b', 'h', 'w'] as const).flatMap((letter): [string, Semantics][] => {
  const lanes = WIDE[letter];
  return [
    [`vmaxs${letter}`, two(lanes.maxS)],
    [`vmaxu${letter}`, two(lanes.maxU)],
    [`vmins${letter}`, two(lanes.minS)],
    [`vminu${letter}`, two(lanes.minU)],
    [`vabsdu${letter}`, twoReused((x, y) => lanes.sub(lanes.maxU(x, y), lanes.minU(x, y)))],
  ];
});

function signExtend(lanes: typeof i32x4 | typeof i64x2, by: number): Semantics {
  return one((x) => lanes.shrS(lanes.shl(x, i32c(by)), i32c(by)));
}

// biome-ignore format: related entries share a line
export const VECTOR_INTEGER: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...(['b', 'h', 'w', 'd'] as const).flatMap((letter): [string, Semantics][] => [
    [`vaddu${letter}m`, two(WIDE[letter].add)], [`vsubu${letter}m`, two(WIDE[letter].sub)],
  ]),
  ...SATURATING, ...products, ...extremes,
  ['vaddcuw', twoReused((x, y) => v128.and(i32x4.gtU(x, i32x4.add(x, y)), ONES32))],
  ['vsubcuw', twoReused((x, y) => v128.and(i32x4.geU(x, y), ONES32))],
  ['vadduqm', quadword(false, 'none', 'sum')], ['vaddeuqm', quadword(false, 'VRC', 'sum')],
  ['vaddcuq', quadword(false, 'none', 'carry')], ['vaddecuq', quadword(false, 'VRC', 'carry')],
  ['vsubuqm', quadword(true, 'one', 'sum')], ['vsubeuqm', quadword(true, 'VRC', 'sum')],
  ['vsubcuq', quadword(true, 'one', 'carry')], ['vsubecuq', quadword(true, 'VRC', 'carry')],
  ['vmuluwm', two(i32x4.mul)], ['vmladduhm', (o) => o.setVector('VRT', i16x8.add(i16x8.mul(a(o), b(o)), c(o)))],
  ['vmhaddshs', multiplyHighAdd(false)], ['vmhraddshs', multiplyHighAdd(true)],
  ['vmsumubm', sumBytes(false)], ['vmsummbm', sumBytes(true)], ['vmsumshm', sumHalfwords(true)], ['vmsumuhm', sumHalfwords(false)],
  ...['vmsumshs', 'vmsumuhs', 'vmsumudm'].map((name): [string, Semantics] => [name, byHelper(name, ['VRA', 'VRB', 'VRC'])]),
  ...['vsumsws', 'vsum2sws', 'vsum4sbs', 'vsum4shs', 'vsum4ubs'].map((name): [string, Semantics] => [name, byHelper(name, ['VRA', 'VRB'])]),
  ['vnegw', one(i32x4.neg)], ['vnegd', one(i64x2.neg)],
  ['vextsb2w', signExtend(i32x4, 24)], ['vextsh2w', signExtend(i32x4, 16)],
  ['vextsb2d', signExtend(i64x2, 56)], ['vextsh2d', signExtend(i64x2, 48)], ['vextsw2d', signExtend(i64x2, 32)],
  ['vavgub', two(i8x16.avgrU)], ['vavguh', two(i16x8.avgrU)], ['vavguw', twoReused(average32(false))],
  ['vavgsb', two(averageSigned(i8x16.avgrU, bytes128(0x80)))], ['vavgsh', two(averageSigned(i16x8.avgrU, TOP16))],
  ['vavgsw', twoReused(average32(true))],
  ['vmaxsd', twoReused(extreme64(true, true))], ['vmaxud', twoReused(extreme64(false, true))],
  ['vminsd', twoReused(extreme64(true, false))], ['vminud', twoReused(extreme64(false, false))],
]);
