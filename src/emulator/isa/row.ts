/** One instruction's row: its name, its encoding, its operands, what it needs. */

import { type Operand, operandsOf } from './operands.ts';
import { type Isa, SINCE_3_0 } from './since.ts';

/**
 * A facility that MSR can switch off. `vsx-or-vec`: VSX for VSRs 0–31, vector for 32–63; `fp-or-vec`: floating-point for
 * the former. Operand VSRHIGH tells which.
 */
export type Facility = 'fp' | 'vec' | 'vsx' | 'vsx-or-vec' | 'fp-or-vec';

export type Row = {
  readonly mnemonic: string;
  /** Bits that must match: `(word & mask) === value`. Reserved fields are not among them. */
  readonly mask: number;
  readonly value: number;
  readonly operands: readonly Operand[];
  readonly facility?: Facility;
  /** The word's bit (ISA numbering) that tells `vsx-or-vec` apart. */
  readonly facilityBit?: number;
  /** Privileged: a program interrupt in problem state. */
  readonly privileged?: boolean;
  /** Record form (CR0 or CR1 or CR6), overflow-enabled form. */
  readonly record: boolean;
  readonly overflow: boolean;
  /** The name under which semantics are looked up: the mnemonic without `o` and `.`. */
  readonly base: string;
  /** The version that brought it; absent: 2.07 has it. */
  readonly since?: Isa;
};

export type RowOptions = {
  readonly facility?: Facility;
  readonly facilityBit?: number;
  readonly privileged?: boolean;
  /** Has forms with Rc = 1 at this bit (default 31 when `rc` is true). */
  readonly rc?: boolean | number;
  /** Only the record form exists. */
  readonly rcOnly?: boolean;
  /** Has forms with OE = 1 (bit 21). */
  readonly oe?: boolean;
  /** Further bits that must match, ISA numbering: `[[from, to, value], …]`. */
  readonly fixed?: readonly (readonly [number, number, number])[];
  readonly operandTable?: ReadonlyMap<string, Operand>;
};

/**
 * A row and its record and overflow forms. `opcode` is the primary opcode, `xo` the extended one in bits `from` to `to`.
 */
export function rows(
  mnemonic: string,
  opcode: number,
  xo: readonly [from: number, to: number, value: number] | null,
  operands: string,
  options: RowOptions = {},
): readonly Row[] {
  let mask = 0xfc000000 | 0;
  let value = opcode << 26;
  const require = (from: number, to: number, bits: number): void => {
    const width = to - from + 1;
    mask |= (width === 32 ? -1 : (1 << width) - 1) << (31 - to);
    value |= bits << (31 - to);
  };
  if (xo !== null) require(...xo);
  for (const each of options.fixed ?? []) require(...each);
  const rcBit = options.rc === undefined || options.rc === false ? -1 : options.rc === true ? 31 : options.rc;
  const make = (oe: boolean, rc: boolean): Row => {
    let m = mask;
    let v = value;
    if (options.oe === true) {
      m |= 1 << 10;
      if (oe) v |= 1 << 10;
    }
    if (rcBit >= 0) {
      m |= 1 << (31 - rcBit);
      if (rc) v |= 1 << (31 - rcBit);
    }
    return {
      mnemonic: `${mnemonic}${oe ? 'o' : ''}${rc ? '.' : ''}`,
      mask: m | 0,
      value: v | 0,
      operands: operandsOf(operands, options.operandTable),
      ...(options.facility === undefined ? {} : { facility: options.facility }),
      ...(options.facilityBit === undefined ? {} : { facilityBit: options.facilityBit }),
      ...(options.privileged === true ? { privileged: true } : {}),
      record: rc,
      overflow: oe,
      base: mnemonic,
      ...(SINCE_3_0.has(mnemonic) ? { since: '3.0' } : {}),
    };
  };
  if (options.rcOnly === true) return [make(false, true)];
  const out = [make(false, false)];
  if (rcBit >= 0) out.push(make(false, true));
  if (options.oe === true) {
    out.push(make(true, false));
    if (rcBit >= 0) out.push(make(true, true));
  }
  return out;
}

type WithXo = (
  mnemonic: string,
  opcode: number,
  xo: number,
  operands: string,
  options?: RowOptions,
) => readonly Row[];
type Forms = Readonly<Record<'X' | 'XO' | 'DS' | 'MD' | 'MDS' | 'A' | 'VX' | 'VA', WithXo>> & {
  readonly D: (mnemonic: string, opcode: number, operands: string, options?: RowOptions) => readonly Row[];
};

/** Shorthands for the common forms. The extended opcode's place is the form's. */
export const form: Forms = {
  D: (m: string, opcode: number, operands: string, o?: RowOptions): readonly Row[] =>
    rows(m, opcode, null, operands, o),
  X: (m: string, opcode: number, xo: number, operands: string, o?: RowOptions): readonly Row[] =>
    rows(m, opcode, [21, 30, xo], operands, o),
  XO: (m: string, opcode: number, xo: number, operands: string, o?: RowOptions): readonly Row[] =>
    rows(m, opcode, [22, 30, xo], operands, { rc: true, ...o }),
  DS: (m: string, opcode: number, xo: number, operands: string, o?: RowOptions): readonly Row[] =>
    rows(m, opcode, [30, 31, xo], operands, o),
  MD: (m: string, opcode: number, xo: number, operands: string): readonly Row[] =>
    rows(m, opcode, [27, 29, xo], operands, { rc: true }),
  MDS: (m: string, opcode: number, xo: number, operands: string): readonly Row[] =>
    rows(m, opcode, [27, 30, xo], operands, { rc: true }),
  A: (m: string, opcode: number, xo: number, operands: string, o?: RowOptions): readonly Row[] =>
    rows(m, opcode, [26, 30, xo], operands, o),
  VX: (m: string, opcode: number, xo: number, operands: string, o?: RowOptions): readonly Row[] =>
    rows(m, opcode, [21, 31, xo], operands, o),
  VA: (m: string, opcode: number, xo: number, operands: string, o?: RowOptions): readonly Row[] =>
    rows(m, opcode, [26, 31, xo], operands, o),
};
