/**
 * Moving elements about: Power ISA 3.0B, Book I §6.8 (pack, unpack, merge, splat, permute, shift) and §7.6 (the xx forms).
 * `a‖b` are (VRA) ‖ (VRB) as 32 bytes.
 *
 *     vpk         VRT ← the elements of a‖b at half the width: um modulo, ss us saturated (SAT ← 1); px: 8:8:8:8 to 1:5:5:5
 *     vupkh vupkl    VRT ← EXTS(the first, the last half of b's elements); px: 1:5:5:5 to 8:8:8:8
 *     vmrgh vmrgl xxmrgh xxmrgl   VRT ← a₀ b₀ a₁ b₁ … of the first, the last half; vmrgew, vmrgow: of even, odd words
 *     vsplt xxspltw  each element of VRT ← b's element UIM; vspltis, xxspltib: ← EXTS(SIM), IMM8
 *     vperm xxperm   byte i of VRT ← byte (c's byte i)[3:7] of a‖b; r: counted from the end
 *     vpermxor    byte i of VRT ← a's byte c[0:3] ⊕ b's byte c[4:7], c being (VRC)'s byte i
 *     vsel xxsel  each bit of VRT ← c ? b : a
 *     vsldoi xxsldwi   VRT ← 16 bytes of a‖b from byte SHB, word SHW
 *     xxpermdi    XT ← a's doubleword DM[0] ‖ b's doubleword DM[1]
 *     vsl vsr     VRT ← a shifted by b's last three bits; vslo, vsro: by b[121:124] bytes
 *     vslv vsrv   byte i of VRT ← a's byte i and its neighbour, shifted by b's byte i modulo 8
 *     vextractu xxextractuw  VRT ← 0 ‖ b's bytes from UIM ‖ 0, in doubleword 0; vextu lx, rx: RT ← from (RA), from the end
 *     vinsert xxinsertw   VRT's bytes from UIM ← b's element that ends doubleword 0 (a word: word 1)
 *     xxbr        the bytes of each element of XB, reversed
 *     fmrgew fmrgow  FRT ← the even, the odd words of (FRA) and (FRB)
 */

import {
  bytes128,
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
  low32,
  pair64,
  type V128,
  v128,
  v128c,
} from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';
import {
  elementBytes,
  highHalf,
  IOTA,
  inElement0,
  lanesFrom,
  lowHalf,
  noteSaturation,
  permute,
  pick,
} from './elements.ts';

type Lane = typeof i16x8 | typeof i32x4;

const a = (o: Ops): V128 => o.vector('VRA');
const b = (o: Ops): V128 => o.vector('VRB');

/** A fixed choice among the elements of two operands (0 to n−1 of the first, then the second's). */
function choose(
  width: number,
  elements: readonly number[],
  from: readonly [string, string] = ['VRA', 'VRB'],
  to = 'VRT',
): Semantics {
  const bytes = elementBytes(width, elements);
  return (o) => o.setVector(to, pick(o.vector(from[0]), o.vector(from[1]), bytes));
}
/** Elements of both operands in turn, beginning at `first`, `step` apart. */
function interleave(width: number, first: number, step: number): number[] {
  const count = 16 / width;
  return Array.from({ length: count / 2 }, (_, i) => [first + i * step, count + first + i * step]).flat();
}

/** The low half of each element of `width` bytes: the first operand's, then the second's. */
function truncate(x: V128, y: V128, width: number): V128 {
  const half = width / 2;
  const elements = Array.from({ length: 32 / width }, (_, i) => 2 * i + 1);
  return pick(x, y, elementBytes(half, elements));
}

/** Packs halfwords or words with saturation. */
function pack(width: 2 | 4, fromSigned: boolean, toSigned: boolean): Semantics {
  const wide: Lane = width === 2 ? i16x8 : i32x4;
  const narrow = toSigned ? wide.narrowS : wide.narrowU;
  const top = wide.splat(i32c(width === 2 ? 0xff : 0xffff));
  return (o) => {
    const x = o.let(a(o));
    const y = o.let(b(o));
    if (fromSigned) {
      const packed = o.let(narrow(y, x));
      const low = toSigned ? wide.extendLowS(packed) : wide.extendLowU(packed);
      const high = toSigned ? wide.extendHighS(packed) : wide.extendHighU(packed);
      noteSaturation(o, y, low);
      noteSaturation(o, x, high);
      o.setVector('VRT', packed);
      return;
    }
    const low = o.let(wide.minU(y, top));
    const high = o.let(wide.minU(x, top));
    noteSaturation(o, y, low);
    noteSaturation(o, x, high);
    o.setVector('VRT', truncate(high, low, width));
  };
}

/** Packs doublewords with saturation. */
function packDoublewords(fromSigned: boolean, toSigned: boolean): Semantics {
  const [bottom, top] = toSigned ? [-(2n ** 31n), 2n ** 31n - 1n] : [0n, 2n ** 32n - 1n];
  return (o) => {
    const clamp = (value: I64): I64 => {
      const raw = o.let(value);
      const high = o.let(
        i64.select(i64c(top), raw, fromSigned ? i64.gtS(raw, i64c(top)) : i64.gtU(raw, i64c(top))),
      );
      return o.let(fromSigned ? i64.select(i64c(bottom), high, i64.ltS(high, i64c(bottom))) : high);
    };
    const saturate = (value: V128): V128 => {
      const exact = o.let(value);
      const clamped = o.let(pair64(clamp(lowHalf(exact)), clamp(highHalf(exact))));
      noteSaturation(o, exact, clamped);
      return clamped;
    };
    const x = saturate(a(o));
    const y = saturate(b(o));
    o.setVector('VRT', truncate(x, y, 8));
  };
}

/** 8:8:8:8 to 1:5:5:5. */
function packPixels(o: Ops): void {
  const field = (v: V128, shift: number, mask: number): V128 =>
    v128.and(i32x4.shrU(v, i32c(shift)), i32x4.splat(i32c(mask)));
  const convert = (value: V128): V128 => {
    const v = o.let(value);
    return [field(v, 9, 0x8000), field(v, 9, 0x7c00), field(v, 6, 0x3e0), field(v, 3, 0x1f)].reduce(v128.or);
  };
  o.setVector('VRT', truncate(convert(a(o)), convert(b(o)), 4));
}
function unpackPixels(high: boolean): Semantics {
  return (o) => {
    const v = o.let(high ? i32x4.extendHighS(b(o)) : i32x4.extendLowS(b(o)));
    const field = (left: number, mask: number): V128 => {
      const moved = left >= 0 ? i32x4.shl(v, i32c(left)) : v;
      return v128.and(moved, i32x4.splat(i32c(mask)));
    };
    o.setVector(
      'VRT',
      [field(9, 0xff000000), field(6, 0x1f0000), field(3, 0x1f00), field(0, 0x1f)].reduce(v128.or),
    );
  };
}

/** Splats the element of `width` bytes with a number known only at run time. */
function splat(width: 1 | 2 | 4, operand: string, from = 'VRB', to = 'VRT'): Semantics {
  return (o) => {
    const start = i32.sub(i32c(16 - width), i32.mul(o.imm(operand), i32c(width)));
    const lanes = {
      1: i8x16.splat(start),
      2: i16x8.splat(spread(start, 0x101, 0x100)),
      4: i32x4.splat(spread(start, 0x1010101, 0x3020100)),
    };
    o.setVector(to, v128.swizzle(o.vector(from), lanes[width]));
  };
}
const spread = (start: I32, by: number, plus: number): I32 => i32.add(i32.mul(start, i32c(by)), i32c(plus));

/** Bytes sh to sh + 15 of two operands in a row. */
function shiftDouble(o: Ops, x: V128, y: V128, sh: I32): V128 {
  return permute(o, x, y, i8x16.add(IOTA, i8x16.splat(i32.sub(i32c(16), sh))));
}
const select5 = (control: V128): V128 => v128.and(control, bytes128(31));
const inverse5 = (control: V128): V128 => v128.andNot(bytes128(31), control);

/** The 128-bit number shifted by 0 to 7 bits. */
function shiftBits(left: boolean): Semantics {
  return (o) => {
    const x = o.let(a(o));
    const sh = o.let(i64.and(lowHalf(b(o)), i64c(7)));
    const back = i64.sub(i64c(63), sh);
    const [low, high] = [lowHalf(x), highHalf(x)];
    const result = left
      ? pair64(i64.shl(low, sh), i64.or(i64.shl(high, sh), i64.shrU(i64.shrU(low, i64c(1)), back)))
      : pair64(i64.or(i64.shrU(low, sh), i64.shl(i64.shl(high, i64c(1)), back)), i64.shrU(high, sh));
    o.setVector('VRT', result);
  };
}
function shiftOctets(left: boolean): Semantics {
  return (o) => {
    const n = o.let(i32.and(i32.shrU(i32.wrap(lowHalf(b(o))), i32c(3)), i32c(15)));
    o.setVector('VRT', lanesFrom(a(o), left ? i32.sub(i32c(0), n) : n));
  };
}
/** vslv, vsrv: each byte with its neighbour, by its own count, doubling the distance bit by bit of the count. */
function shiftVariable(left: boolean): Semantics {
  return (o) => {
    const counts = o.let(b(o));
    const x = o.let(a(o));
    let near = x;
    let far = o.let(lanesFrom(x, i32c(left ? -1 : 1)));
    for (const [bit, by] of [
      [0, 1],
      [1, 2],
      [2, 4],
    ] as const) {
      const chosen = o.let(i8x16.shrS(i8x16.shl(counts, i32c(7 - bit)), i32c(7)));
      const step = left ? i8x16.shl : i8x16.shrU;
      const back = left ? i8x16.shrU : i8x16.shl;
      const moved = v128.or(step(near, i32c(by)), back(far, i32c(8 - by)));
      const next = o.let(v128.bitselect(moved, near, chosen));
      far = o.let(v128.bitselect(step(far, i32c(by)), far, chosen));
      near = next;
    }
    o.setVector('VRT', near);
  };
}

/** The `width` bytes from byte element `start` on as a number. */
function extractAt(from: V128, lane: I32, width: number): I64 {
  const value = lowHalf(lanesFrom(from, lane));
  return width === 8 ? value : i64.and(value, i64c((1n << BigInt(8 * width)) - 1n));
}
function extract(width: number, from = 'VRB', to = 'VRT'): Semantics {
  return (o) =>
    o.setVector(to, inElement0(extractAt(o.vector(from), i32.sub(i32c(16 - width), o.imm('UIM4')), width)));
}
function extractIndexed(width: number, left: boolean): Semantics {
  return (o) => {
    const index = i32.and(i32.wrap(o.gpr('RA')), i32c(15));
    o.setGpr('RT', extractAt(b(o), left ? i32.sub(i32c(16 - width), index) : index, width));
  };
}
/** Puts the low `width` bytes of doubleword 0 (for a word, word 1) at byte element UIM. */
function insert(width: number, from = 'VRB', to = 'VRT'): Semantics {
  return (o) => {
    const lane = o.let(i32.sub(i32c(16 - width), o.imm('UIM4')));
    const moved = v128.swizzle(
      o.vector(from),
      i8x16.sub(v128c(Array.from({ length: 16 }, (_, i) => i + 8)), i8x16.splat(lane)),
    );
    const mask = i8x16.gtU(bytes128(width), i8x16.sub(IOTA, i8x16.splat(lane)));
    o.setVector(to, v128.bitselect(moved, o.vector(to), mask));
  };
}

function permuteDoublewords(o: Ops): void {
  const dm = o.let(o.imm('DM'));
  const x = o.let(o.vector('XA'));
  const y = o.let(o.vector('XB'));
  const high = i64.select(lowHalf(x), highHalf(x), i32.and(dm, i32c(2)));
  const low = i64.select(lowHalf(y), highHalf(y), i32.and(dm, i32c(1)));
  o.setVector('XT', pair64(low, high));
}

/** Reverses the bytes of each element. */
function reverse(width: number): Semantics {
  const lanes = Array.from({ length: 16 }, (_, i) => i - (i % width) + (width - 1 - (i % width)));
  return (o) => {
    const x = o.let(o.vector('XB'));
    o.setVector('XT', v128.shuffle(x, x, lanes));
  };
}

// biome-ignore format: related entries share a line
export const VECTOR_PERMUTE: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['vpkpx', packPixels], ['vupkhpx', unpackPixels(true)], ['vupklpx', unpackPixels(false)],
  ['vpkshss', pack(2, true, true)], ['vpkshus', pack(2, true, false)], ['vpkuhus', pack(2, false, false)],
  ['vpkswss', pack(4, true, true)], ['vpkswus', pack(4, true, false)], ['vpkuwus', pack(4, false, false)],
  ['vpksdss', packDoublewords(true, true)], ['vpksdus', packDoublewords(true, false)], ['vpkudus', packDoublewords(false, false)],
  ['vpkuhum', (o) => o.setVector('VRT', truncate(a(o), b(o), 2))],
  ['vpkuwum', (o) => o.setVector('VRT', truncate(a(o), b(o), 4))],
  ['vpkudum', (o) => o.setVector('VRT', truncate(a(o), b(o), 8))],
  ['vupkhsb', (o) => o.setVector('VRT', i16x8.extendHighS(b(o)))], ['vupklsb', (o) => o.setVector('VRT', i16x8.extendLowS(b(o)))],
  ['vupkhsh', (o) => o.setVector('VRT', i32x4.extendHighS(b(o)))], ['vupklsh', (o) => o.setVector('VRT', i32x4.extendLowS(b(o)))],
  ['vupkhsw', (o) => o.setVector('VRT', i64x2.extendHighS(b(o)))], ['vupklsw', (o) => o.setVector('VRT', i64x2.extendLowS(b(o)))],
  ['vmrghb', choose(1, interleave(1, 0, 1))], ['vmrghh', choose(2, interleave(2, 0, 1))], ['vmrghw', choose(4, interleave(4, 0, 1))],
  ['vmrglb', choose(1, interleave(1, 8, 1))], ['vmrglh', choose(2, interleave(2, 4, 1))], ['vmrglw', choose(4, interleave(4, 2, 1))],
  ['vmrgew', choose(4, interleave(4, 0, 2))], ['vmrgow', choose(4, interleave(4, 1, 2))],
  ['xxmrghw', choose(4, interleave(4, 0, 1), ['XA', 'XB'], 'XT')], ['xxmrglw', choose(4, interleave(4, 2, 1), ['XA', 'XB'], 'XT')],
  ['vspltb', splat(1, 'UIM4')], ['vsplth', splat(2, 'UIM3')], ['vspltw', splat(4, 'UIM2')], ['xxspltw', splat(4, 'UIM2', 'XB', 'XT')],
  ['vspltisb', (o) => o.setVector('VRT', i8x16.splat(o.imm('SIM')))],
  ['vspltish', (o) => o.setVector('VRT', i16x8.splat(o.imm('SIM')))],
  ['vspltisw', (o) => o.setVector('VRT', i32x4.splat(o.imm('SIM')))],
  ['xxspltib', (o) => o.setVector('XT', i8x16.splat(o.imm('IMM8')))],
  ['vperm', (o) => o.setVector('VRT', permute(o, a(o), b(o), inverse5(o.vector('VRC'))))],
  ['vpermr', (o) => o.setVector('VRT', permute(o, a(o), b(o), select5(o.vector('VRC'))))],
  ['xxperm', (o) => o.setVector('XT', permute(o, o.vector('XA'), o.vector('XT'), inverse5(o.vector('XB'))))],
  ['xxpermr', (o) => o.setVector('XT', permute(o, o.vector('XA'), o.vector('XT'), select5(o.vector('XB'))))],
  ['vpermxor', (o) => {
    const c = o.let(o.vector('VRC'));
    const fifteen = bytes128(15);
    const first = v128.xor(i8x16.shrU(c, i32c(4)), fifteen);
    const second = v128.xor(v128.and(c, fifteen), fifteen);
    o.setVector('VRT', v128.xor(v128.swizzle(a(o), first), v128.swizzle(b(o), second)));
  }],
  ['vsel', (o) => o.setVector('VRT', v128.bitselect(b(o), a(o), o.vector('VRC')))],
  ['xxsel', (o) => o.setVector('XT', v128.bitselect(o.vector('XB'), o.vector('XA'), o.vector('XC')))],
  ['vsldoi', (o) => o.setVector('VRT', shiftDouble(o, a(o), b(o), o.imm('SHB')))],
  ['xxsldwi', (o) => o.setVector('XT', shiftDouble(o, o.vector('XA'), o.vector('XB'), i32.shl(o.imm('SHW'), i32c(2))))],
  ['xxpermdi', permuteDoublewords],
  ['vsl', shiftBits(true)], ['vsr', shiftBits(false)], ['vslo', shiftOctets(true)], ['vsro', shiftOctets(false)],
  ['vslv', shiftVariable(true)], ['vsrv', shiftVariable(false)],
  ['vextractub', extract(1)], ['vextractuh', extract(2)], ['vextractuw', extract(4)], ['vextractd', extract(8)], ['xxextractuw', extract(4, 'XB', 'XT')],
  ['vinsertb', insert(1)], ['vinserth', insert(2)], ['vinsertw', insert(4)], ['vinsertd', insert(8)], ['xxinsertw', insert(4, 'XB', 'XT')],
  ['vextublx', extractIndexed(1, true)], ['vextuhlx', extractIndexed(2, true)], ['vextuwlx', extractIndexed(4, true)],
  ['vextubrx', extractIndexed(1, false)], ['vextuhrx', extractIndexed(2, false)], ['vextuwrx', extractIndexed(4, false)],
  ['xxbrh', reverse(2)], ['xxbrw', reverse(4)], ['xxbrd', reverse(8)], ['xxbrq', reverse(16)],
  ['fmrgew', (o) => o.setFpr('FRT', i64.or(i64.and(o.fpr('FRA'), i64c(0xffffffff00000000n)), i64.shrU(o.fpr('FRB'), i64c(32))))],
  ['fmrgow', (o) => o.setFpr('FRT', i64.or(i64.shl(o.fpr('FRA'), i64c(32)), low32(o.fpr('FRB'))))],
]);
