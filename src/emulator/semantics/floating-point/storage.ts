/**
 * Floating-point loads, stores and moves: Power ISA 3.0B, Book I §4.6.2 to §4.6.5, and fsel, §4.6.9. None reads FPSCR.
 *
 *     lfs lfd     FRT ← DOUBLE(MEM(ea, 4)), MEM(ea, 8); u forms: RA ← ea
 *     lfiwax lfiwzx  FRT ← EXTS(MEM(ea, 4)), EXTZ(MEM(ea, 4))
 *     stfs stfd   MEM(ea, 4) ← SINGLE((FRS)), MEM(ea, 8) ← (FRS); u forms: RA ← ea; stfiwx: MEM(ea, 4) ← (FRS)[32:63]
 *     lfdp stfdp  FRTp ‖ FRTp+1 ← MEM(ea, 16), and back
 *     fmr fneg fabs fnabs   FRT ← (FRB), its sign kept, complemented, 0, 1
 *     fcpsgn      FRT ← the sign of (FRA) ‖ (FRB)[1:63]
 *     fsel        FRT ← (FRA) ≥ 0 ? (FRC) : (FRB)
 */

import { type I64, i32, i64, i64c, low32 } from '../../wasm/index.ts';
import { type Address, displaced, indexed } from '../ops/address.ts';
import type { Ops, Semantics } from '../ops/ops.ts';
import { doubleFromSingle, singleFromDouble } from './format.ts';
import { recordCr1 } from './status.ts';

/** The four addressing forms of one access. */
function forms(stem: string, access: (o: Ops, ea: I64) => void): [string, Semantics][] {
  const plain =
    (address: Address): Semantics =>
    (o) =>
      access(o, address(o));
  const updating =
    (address: Address): Semantics =>
    (o) => {
      const ea = o.let(address(o));
      access(o, ea);
      o.setGpr('RA', ea);
    };
  return [
    [stem, plain(displaced('RA0', 'D'))],
    [`${stem}x`, plain(indexed('RA0'))],
    [`${stem}u`, updating(displaced('RA', 'D'))],
    [`${stem}ux`, updating(indexed('RA'))],
  ];
}

const SIGN = 1n << 63n;
/** A move, with CR1 in the record form. */
function move(f: (o: Ops) => I64): Semantics {
  return (o) => {
    o.setFpr('FRT', f(o));
    recordCr1(o);
  };
}

/**
 * lfdp, stfdp: the even register's doubleword comes first in storage in either byte order. (Phased out of the book;
 * POWER9 has them.)
 */
function loadPair(address: Address): Semantics {
  return (o) => {
    const ea = o.let(address(o));
    const first = o.let(o.load('u64', ea));
    const second = o.let(o.load('u64', i64.add(ea, i64c(8))));
    o.setFpr('FRTp', o.littleEndian ? second : first);
    o.setFpr('FRTq', o.littleEndian ? first : second);
  };
}
function storePair(address: Address): Semantics {
  return (o) => {
    const ea = o.let(address(o));
    o.store(64, ea, o.fpr(o.littleEndian ? 'FRTq' : 'FRTp'));
    o.store(64, i64.add(ea, i64c(8)), o.fpr(o.littleEndian ? 'FRTp' : 'FRTq'));
  };
}

// biome-ignore format: related entries share a line
export const FLOATING_POINT_STORAGE: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...forms('lfs', (o, ea) => o.setFpr('FRT', doubleFromSingle(o, o.load('u32', ea)))),
  ...forms('lfd', (o, ea) => o.setFpr('FRT', o.load('u64', ea))),
  ...forms('stfs', (o, ea) => o.store(32, ea, singleFromDouble(o, o.fpr('FRS')))),
  ...forms('stfd', (o, ea) => o.store(64, ea, o.fpr('FRS'))),
  ['lfiwax', (o) => o.setFpr('FRT', o.load('s32', indexed('RA0')(o)))],
  ['lfiwzx', (o) => o.setFpr('FRT', o.load('u32', indexed('RA0')(o)))],
  ['stfiwx', (o) => o.store(32, indexed('RA0')(o), low32(o.fpr('FRS')))],
  ['lfdp', loadPair(displaced('RA0', 'DS'))], ['lfdpx', loadPair(indexed('RA0'))],
  ['stfdp', storePair(displaced('RA0', 'DS'))], ['stfdpx', storePair(indexed('RA0'))],
  ['fmr', move((o) => o.fpr('FRB'))],
  ['fabs', move((o) => i64.and(o.fpr('FRB'), i64c(SIGN - 1n)))],
  ['fnabs', move((o) => i64.or(o.fpr('FRB'), i64c(SIGN)))],
  ['fneg', move((o) => i64.xor(o.fpr('FRB'), i64c(SIGN)))],
  ['fcpsgn', move((o) => i64.or(i64.and(o.fpr('FRA'), i64c(SIGN)), i64.and(o.fpr('FRB'), i64c(SIGN - 1n))))],
  // FRA not less than zero (a zero of either sign counts, a NaN does not) selects FRC.
  ['fsel', move((o) => {
    const a = o.let(o.fpr('FRA'));
    const magnitude = i64.and(a, i64c(SIGN - 1n));
    const zero = i64.eqz(i64.shl(a, i64c(1)));
    const positive = i64.geS(a, i64c(0));
    const selected = i32.or(zero, i32.and(positive, i64.leU(magnitude, i64c(0x7ff0000000000000n))));
    return i64.select(o.fpr('FRC'), o.fpr('FRB'), selected);
  })],
]);
