/**
 * Decoded records: 16 bytes an instruction. Bytes 0–1 are the handler; the operands lie where {@link recordLayout} puts
 * them for that handler: registers and small numbers in 16 bits, displacements in 32 (at 8 or 12), masks in 64 (at 8).
 */

import { assert } from '../../../base/errors.ts';
import { CR, GPR, vsrOffset, ZERO } from '../../cpu/layout.ts';
import type { Operand, OperandKind } from '../../isa/index.ts';

export const RECORD_SHIFT = 4;
export const RECORD_SIZE = 16;
/** A page's records and the one past its end. */
export const SLOT_BYTES: number = 1024 * RECORD_SIZE + 64;

export type Place = { readonly offset: number; readonly width: 16 | 32 | 64 };

const WIDTHS: Readonly<Record<OperandKind, 16 | 32 | 64>> = {
  gpr: 16,
  gpr0: 16,
  fpr: 16,
  vr: 16,
  vsr: 16,
  crf: 16,
  u16: 16,
  i32: 32,
  i64: 64,
};

/** Where each operand lies. Wide ones are placed first. */
export function recordLayout(operands: readonly Operand[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const free = new Set([2, 4, 6, 8, 10, 12, 14]);
  const take = (name: string, offset: number, width: 16 | 32 | 64): void => {
    for (let at = offset; at < offset + width / 8; at += 2) {
      assert(free.delete(at), `no room for operand ${name}`);
    }
    places.set(name, { offset, width });
  };
  const width = (each: Operand): number => WIDTHS[each.kind];
  for (const each of operands) if (width(each) === 64) take(each.name, 8, 64);
  for (const each of operands) if (width(each) === 32) take(each.name, free.has(8) ? 8 : 12, 32);
  for (const each of operands) {
    if (width(each) !== 16) continue;
    const [offset] = free;
    assert(offset !== undefined, `no room for operand ${each.name}`);
    take(each.name, offset, 16);
  }
  return places;
}

/** What a record holds for a register operand: the address of its state. */
export function registerAddress(kind: OperandKind, n: number): number {
  switch (kind) {
    case 'gpr':
      return GPR + n * 8;
    case 'gpr0':
      return n === 0 ? ZERO : GPR + n * 8;
    case 'fpr':
      return vsrOffset(n) + 8;
    case 'vr':
      return vsrOffset(32 + n);
    case 'vsr':
      return vsrOffset(n);
    case 'crf':
      return CR + n * 4;
    default:
      return n;
  }
}
