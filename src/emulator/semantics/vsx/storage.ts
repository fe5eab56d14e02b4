/**
 * Storage access of the vector-scalar facility, and moves between register files: Power ISA 3.0B, Book I §7.6.1.
 *
 *     lxv lxvx    XT ← MEM(ea, 16); stxv, stxvx: MEM(ea, 16) ← (XS)
 *     lxvd2x lxvw4x lxvh8x lxvb16x   each element of XT, in order, ← the next n bytes at ea; stxv…: back
 *     lxvdsx lxvwsx    each doubleword, word of XT ← MEM(ea, 8), MEM(ea, 4)
 *     lxvl stxvl  as lxv, stxv, of (RB)[0:7] bytes, at most 16, the rest 0; ll forms: left-justified in both byte orders
 *     lxsd lxsiwa lxsiwz lxsibz lxsihz   XT ← EXT(MEM(ea, n)) ‖ 0; stxsd, stxsiw, stxsib, stxsih: MEM(ea, n) ← doubleword 0
 *     lxssp stxssp   the same with DOUBLE(MEM(ea, 4)), SINGLE(…)
 *     mfvsr       RA ← doubleword 0 (d), 1 (ld), word 1 (wz) of (XS)
 *     mtvsr       XT ← (RA) (d), EXTS(word) (wa), EXTZ(word) (wz) ‖ 0; dd: (RA|0) ‖ (RB); ws: the word four times
 */

import {
  type I64,
  i8x16,
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
} from '../../wasm/index.ts';
import { doubleFromSingle, singleFromDouble } from '../floating-point/format.ts';
import { type Address, displaced as displacedBy, indexed as indexedBy } from '../ops/address.ts';
import type { LoadKind, Ops, Semantics, StoreWidth } from '../ops/ops.ts';
import { elementBytes, highHalf, IOTA, inElement0, lanesFrom, lowHalf, pick } from '../vector/elements.ts';

const indexed = indexedBy('RA0');
const displaced = (d: string): Address => displacedBy('RA0', d);

/** Sixteen bytes as elements of `width` bytes, each in the current byte order, and back: an involution. */
function elementOrder(o: Ops, value: V128, width: number): V128 {
  if (!o.littleEndian) return value;
  const whole = o.let(value);
  const count = 16 / width;
  return pick(
    whole,
    whole,
    elementBytes(
      width,
      Array.from({ length: count }, (_, i) => count - 1 - i),
    ),
  );
}

function loadElements(width: number): Semantics {
  return (o) => o.setVector('XT', elementOrder(o, o.loadVector(indexed(o)), width));
}
function storeElements(width: number): Semantics {
  return (o) => o.storeVector(indexed(o), elementOrder(o, o.vector('XS'), width));
}

/** A scalar in doubleword 0; doubleword 1 becomes zero. */
function loadScalar(operand: string, address: Address, kind: LoadKind): Semantics {
  return (o) => o.setVector(operand, inElement0(o.load(kind, address(o))));
}
function storeScalar(operand: string, address: Address, width: StoreWidth): Semantics {
  return (o) => o.store(width, address(o), highHalf(o.vector(operand)));
}
function loadSingle(operand: string, address: Address): Semantics {
  return (o) => o.setVector(operand, inElement0(doubleFromSingle(o, o.load('u32', address(o)))));
}
function storeSingle(operand: string, address: Address): Semantics {
  return (o) => o.store(32, address(o), singleFromDouble(o, o.let(highHalf(o.vector(operand)))));
}

/**
 * lxvl, lxvll and their stores: as many bytes as RB's high byte says, at most 16. Byte by byte through HELPER, whose
 * first byte is the first in storage; `left` puts the first byte into element 0 in either byte order.
 */
function byLength(store: boolean, left: boolean): Semantics {
  return (o) => {
    const ea = o.let(o.gpr('RA0'));
    const asked = o.let(i64.shrU(o.gpr('RB'), i64c(56)));
    const length = o.let(i64.select(i64c(16), asked, i64.gtU(asked, i64c(16))));
    const numberOrder = o.littleEndian && !left;
    const ordered = (value: V128): V128 => {
      const whole = o.let(value);
      return numberOrder
        ? whole
        : v128.shuffle(whole, whole, [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    };
    const rest = o.variable(store ? ordered(o.vector('XS')) : i64x2.splat(i64c(0)));
    const done = o.variable(i64c(0));
    // The bytes move through lane 0: out of it when storing, into lane `done` when loading.
    o.if(i64.ne(length, i64c(0)), () =>
      o.repeatWhile(() => {
        const at = i64.add(ea, done.get());
        if (store) {
          o.store(8, at, lowHalf(rest.get()));
          rest.set(lanesFrom(rest.get(), i32c(1)));
        } else {
          const byte = i8x16.splat(i32.wrap(o.load('u8', at)));
          rest.set(v128.bitselect(byte, rest.get(), i8x16.eq(IOTA, i8x16.splat(i32.wrap(done.get())))));
        }
        done.set(i64.add(done.get(), i64c(1)));
        return i64.ltU(done.get(), length);
      }),
    );
    if (!store) o.setVector('XT', ordered(rest.get()));
  };
}

const word1 = (o: Ops): I64 => low32(highHalf(o.vector('XS')));

// biome-ignore format: related entries share a line
export const VSX_STORAGE: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['lxv', (o) => o.setVector('XTdq', o.loadVector(displaced('DQ')(o)))],
  ['stxv', (o) => o.storeVector(displaced('DQ')(o), o.vector('XTdq'))],
  ['lxvx', (o) => o.setVector('XT', o.loadVector(indexed(o)))],
  ['stxvx', (o) => o.storeVector(indexed(o), o.vector('XS'))],
  ['lxvd2x', loadElements(8)], ['lxvw4x', loadElements(4)], ['lxvh8x', loadElements(2)], ['lxvb16x', loadElements(1)],
  ['stxvd2x', storeElements(8)], ['stxvw4x', storeElements(4)], ['stxvh8x', storeElements(2)], ['stxvb16x', storeElements(1)],
  ['lxvdsx', (o) => o.setVector('XT', i64x2.splat(o.load('u64', indexed(o))))],
  ['lxvwsx', (o) => o.setVector('XT', i32x4.splat(i32.wrap(o.load('u32', indexed(o)))))],
  ['lxvl', byLength(false, false)], ['lxvll', byLength(false, true)],
  ['stxvl', byLength(true, false)], ['stxvll', byLength(true, true)],

  ['lxsd', loadScalar('VRT', displaced('DS'), 'u64')], ['lxssp', loadSingle('VRT', displaced('DS'))],
  ['stxsd', storeScalar('VRS', displaced('DS'), 64)], ['stxssp', storeSingle('VRS', displaced('DS'))],
  ['lxsdx', loadScalar('XT', indexed, 'u64')], ['lxsspx', loadSingle('XT', indexed)],
  ['lxsiwax', loadScalar('XT', indexed, 's32')], ['lxsiwzx', loadScalar('XT', indexed, 'u32')],
  ['lxsibzx', loadScalar('XT', indexed, 'u8')], ['lxsihzx', loadScalar('XT', indexed, 'u16')],
  ['stxsdx', storeScalar('XS', indexed, 64)], ['stxsspx', storeSingle('XS', indexed)],
  ['stxsiwx', storeScalar('XS', indexed, 32)], ['stxsibx', storeScalar('XS', indexed, 8)], ['stxsihx', storeScalar('XS', indexed, 16)],

  ['mfvsrd', (o) => o.setGpr('RA', highHalf(o.vector('XS')))],
  ['mfvsrld', (o) => o.setGpr('RA', lowHalf(o.vector('XS')))],
  ['mfvsrwz', (o) => o.setGpr('RA', word1(o))],
  ['mtvsrd', (o) => o.setVector('XT', inElement0(o.gpr('RA')))],
  ['mtvsrwa', (o) => o.setVector('XT', inElement0(i64.extend32(o.gpr('RA'))))],
  ['mtvsrwz', (o) => o.setVector('XT', inElement0(low32(o.gpr('RA'))))],
  ['mtvsrdd', (o) => o.setVector('XT', pair64(o.gpr('RB'), o.gpr('RA0')))],
  ['mtvsrws', (o) => o.setVector('XT', i32x4.splat(i32.wrap(o.gpr('RA'))))],
]);
