/**
 * Vector and vector-scalar storage access: Power ISA 3.0B, Book I §6.7 and §7.6.1 (loads, stores), with the moves
 * between register files. Loads by elements keep element order in both byte orders; `lvx`, `lxv` and `lxvx` take sixteen
 * bytes as one number.
 */

import {
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
} from '../wasm/index.ts';
import { doubleFromSingle, singleFromDouble } from './floating-point-format.ts';
import type { LoadKind, Ops, Semantics, StoreWidth } from './ops.ts';
import { elementBytes, highHalf, IOTA, inElement0, lanesFrom, lowHalf, pick } from './vector-elements.ts';

const indexed = (o: Ops): I64 => i64.add(o.gpr('RA0'), o.gpr('RB'));
const displaced =
  (d: string) =>
  (o: Ops): I64 =>
    i64.add(o.gpr('RA0'), o.imm64(d));
const aligned = (o: Ops): I64 => i64.and(indexed(o), i64c(-16n));

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

/** The lane of `width` bytes that an address within its quadword names. */
function elementLane(o: Ops, ea: I64, width: 1 | 2 | 4): I32 {
  const shift = width === 1 ? 0 : width === 2 ? 1 : 2;
  const element = i32.shrU(i32.and(i32.wrap(ea), i32c(15)), i32c(shift));
  return o.let(o.littleEndian ? element : i32.sub(i32c(16 / width - 1), element));
}

/** lvebx and its kin: the element that the address names; the others keep what they held. */
function loadElement(width: 1 | 2 | 4, kind: LoadKind): Semantics {
  const lanes = { 1: i8x16, 2: i16x8, 4: i32x4 }[width];
  const numbers = v128c(Array.from({ length: 16 }, (_, i) => (i % width === 0 ? i / width : 0)));
  return (o) => {
    const ea = o.let(i64.and(indexed(o), i64c(-width)));
    const value = i32.wrap(o.load(kind, ea));
    const mask = lanes.eq(lanes.splat(elementLane(o, ea, width)), numbers);
    o.setVector('VRT', v128.bitselect(lanes.splat(value), o.vector('VRT'), mask));
  };
}
function storeElement(width: 1 | 2 | 4): Semantics {
  return (o) => {
    const ea = o.let(i64.and(indexed(o), i64c(-width)));
    const start = i32.mul(elementLane(o, ea, width), i32c(width));
    o.store((width * 8) as StoreWidth, ea, lowHalf(lanesFrom(o.vector('VRS'), start)));
  };
}

/** Element i of lvsl is sh + i, of lvsr 16 − sh + i. */
function shiftControl(right: boolean): Semantics {
  const descending = v128c(Array.from({ length: 16 }, (_, lane) => 15 - lane));
  return (o) => {
    const sh = i32.and(i32.wrap(indexed(o)), i32c(15));
    o.setVector('VRT', i8x16.add(i8x16.splat(right ? i32.sub(i32c(16), sh) : sh), descending));
  };
}

/** A scalar in doubleword 0; doubleword 1 becomes zero. */
function loadScalar(operand: string, address: (o: Ops) => I64, kind: LoadKind): Semantics {
  return (o) => o.setVector(operand, inElement0(o.load(kind, address(o))));
}
function storeScalar(operand: string, address: (o: Ops) => I64, width: StoreWidth): Semantics {
  return (o) => o.store(width, address(o), highHalf(o.vector(operand)));
}
function loadSingle(operand: string, address: (o: Ops) => I64): Semantics {
  return (o) => o.setVector(operand, inElement0(doubleFromSingle(o, o.load('u32', address(o)))));
}
function storeSingle(operand: string, address: (o: Ops) => I64): Semantics {
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
export const VECTOR_STORAGE: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['lvx', (o) => o.setVector('VRT', o.loadVector(aligned(o)))],
  ['lvxl', (o) => o.setVector('VRT', o.loadVector(aligned(o)))],
  ['stvx', (o) => o.storeVector(aligned(o), o.vector('VRS'))],
  ['stvxl', (o) => o.storeVector(aligned(o), o.vector('VRS'))],
  ['lvebx', loadElement(1, 'u8')], ['lvehx', loadElement(2, 'u16')], ['lvewx', loadElement(4, 'u32')],
  ['stvebx', storeElement(1)], ['stvehx', storeElement(2)], ['stvewx', storeElement(4)],
  ['lvsl', shiftControl(false)], ['lvsr', shiftControl(true)],
  // Hints that no longer do anything.
  ...['dss', 'dst', 'dstst'].map((name): [string, Semantics] => [name, () => undefined]),

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
