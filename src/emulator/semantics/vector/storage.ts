/**
 * Storage access of the vector facility: Power ISA 3.0B, Book I §6.7. The address is (RA|0) + (RB).
 *
 *     lvx         VRT ← MEM(ea & ~15, 16); lvxl: the same, with a hint
 *     stvx        MEM(ea & ~15, 16) ← (VRS); stvxl
 *     lveb lveh lvew    the element of VRT that ea names in its quadword ← MEM(ea & ~(n − 1), n); the others stay
 *     stveb stveh stvew    MEM(ea & ~(n − 1), n) ← that element of (VRS)
 *     lvsl lvsr   byte i of VRT ← sh + i, 16 − sh + i, where sh is ea & 15
 *     dss dst dstst     nothing: hints that POWER8 and POWER9 ignore
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
  v128,
  v128c,
} from '../../wasm/index.ts';
import { indexed as indexedBy } from '../ops/address.ts';
import type { LoadKind, Ops, Semantics, StoreWidth } from '../ops/ops.ts';
import { lanesFrom, lowHalf } from './elements.ts';

const indexed = indexedBy('RA0');
/** The quadword that an address lies in. */
const quadword = (o: Ops): I64 => i64.and(indexed(o), i64c(-16n));

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

// biome-ignore format: related entries share a line
export const VECTOR_STORAGE: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['lvx', (o) => o.setVector('VRT', o.loadVector(quadword(o)))],
  ['lvxl', (o) => o.setVector('VRT', o.loadVector(quadword(o)))],
  ['stvx', (o) => o.storeVector(quadword(o), o.vector('VRS'))],
  ['stvxl', (o) => o.storeVector(quadword(o), o.vector('VRS'))],
  ['lvebx', loadElement(1, 'u8')], ['lvehx', loadElement(2, 'u16')], ['lvewx', loadElement(4, 'u32')],
  ['stvebx', storeElement(1)], ['stvehx', storeElement(2)], ['stvewx', storeElement(4)],
  ['lvsl', shiftControl(false)], ['lvsr', shiftControl(true)],
  // Hints that no longer do anything.
  ...['dss', 'dst', 'dstst'].map((name): [string, Semantics] => [name, () => undefined]),
]);
