/** Fixed-point arithmetic that needs wide numbers or tables: extended division and the decimal assists, Power ISA 3.0B, Book I §3.3.9, §3.3.15. */

import { HELPER } from '../../cpu/layout.ts';
import type { Helper } from './helper.ts';

/** 128 by 64 bit division: RA followed by 64 zeros, by RB. Answers 1 where the quotient does not fit or RB is 0. */
function divideExtended(signed: boolean): Helper['run'] {
  return (state) => {
    const read = (at: number): bigint =>
      signed ? state.getBigInt64(at, true) : state.getBigUint64(at, true);
    const dividend = read(HELPER) << 64n;
    const divisor = read(HELPER + 8);
    const quotient = divisor === 0n ? 0n : dividend / divisor;
    const fits = signed
      ? BigInt.asIntN(64, quotient) === quotient
      : BigInt.asUintN(64, quotient) === quotient;
    const bad = divisor === 0n || !fits;
    state.setBigUint64(HELPER, bad ? 0n : BigInt.asUintN(64, quotient), true);
    return bad ? 1 : 0;
  };
}

/** Ten bits of densely packed decimal to three digits (Power ISA 3.0B, Book I, appendix B; IEEE 754-2008, table 3.3). */
export function unpackDeclet(declet: number): number {
  const bit = (n: number): number => (declet >> (9 - n)) & 1;
  const [p, q, r, s, t, u, v, w, x, y] = Array.from({ length: 10 }, (_, n) => bit(n)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const small = (a: number, b: number, c: number): number => (a << 2) | (b << 1) | c;
  const large = (c: number): number => 8 | c;
  let digits: [number, number, number];
  if (v === 0) digits = [small(p, q, r), small(s, t, u), small(w, x, y)];
  else {
    switch ((w << 1) | x) {
      case 0:
        digits = [small(p, q, r), small(s, t, u), large(y)];
        break;
      case 1:
        digits = [small(p, q, r), large(u), small(s, t, y)];
        break;
      case 2:
        digits = [large(r), small(s, t, u), small(p, q, y)];
        break;
      default:
        if (s === 0 && t === 0) digits = [large(r), large(u), small(p, q, y)];
        else if (s === 0) digits = [large(r), small(p, q, u), large(y)];
        else if (t === 0) digits = [small(p, q, r), large(u), large(y)];
        else digits = [large(r), large(u), large(y)];
    }
  }
  return (digits[0] << 8) | (digits[1] << 4) | digits[2];
}

/** Three BCD digits to ten bits. */
export function packDeclet(bcd: number): number {
  const [d0, d1, d2] = [(bcd >> 8) & 15, (bcd >> 4) & 15, bcd & 15] as const;
  const big = ((d0 & 8) >> 1) | ((d1 & 8) >> 2) | ((d2 & 8) >> 3);
  const [r, u, y] = [d0 & 1, d1 & 1, d2 & 1] as const;
  const [pq, st, wx] = [(d0 >> 1) & 3, (d1 >> 1) & 3, (d2 >> 1) & 3] as const;
  const make = (hi: number, mid: number, v: number, lo: number): number =>
    (hi << 8) | (r << 7) | (mid << 5) | (u << 4) | (v << 3) | (lo << 1) | y;
  switch (big) {
    case 0:
      return make(pq, st, 0, wx);
    case 1:
      return make(pq, st, 1, 0);
    case 2:
      return make(pq, wx, 1, 1);
    case 4:
      return make(wx, st, 1, 2);
    case 6:
      return make(wx, 0, 1, 3);
    case 5:
      return make(st, 1, 1, 3);
    case 3:
      return make(pq, 2, 1, 3);
    default:
      return make(0, 3, 1, 3);
  }
}

/** cdtbcd and cbcdtd work on two declets in the low 20 bits of each word (24 bits of BCD). */
function eachWord(convert: (word: number) => number): Helper['run'] {
  return (state) => {
    for (const at of [HELPER, HELPER + 4]) state.setUint32(at, convert(state.getUint32(at, true)), true);
    return 0;
  };
}

// biome-ignore format: related entries share a line
export const FIXED_POINT_HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ['divde', { arity: 0, run: divideExtended(true) }],
  ['divdeu', { arity: 0, run: divideExtended(false) }],
  ['cdtbcd', { arity: 0, run: eachWord((w) => (unpackDeclet((w >> 10) & 0x3ff) << 12) | unpackDeclet(w & 0x3ff)) }],
  ['cbcdtd', { arity: 0, run: eachWord((w) => (packDeclet((w >> 12) & 0xfff) << 10) | packDeclet(w & 0xfff)) }],
]);
