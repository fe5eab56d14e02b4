/** One instruction's row: its name, its encoding, its operands, the facility that it needs, its traits (traits.ts). */

import type { InvalidForm } from './invalid-forms.ts';
import { type Operand, operandsOf } from './operands.ts';
import type { Effect, Traits } from './traits.ts';

/**
 * A facility that MSR can switch off. `vsx-or-vec`: VSX for VSRs 0–31, vector for 32–63; `fp-or-vec`: floating-point for
 * the former. Operand VSRHIGH is 1 for the latter.
 */
export type Facility = 'fp' | 'vec' | 'vsx' | 'vsx-or-vec' | 'fp-or-vec';

export type Row = Traits & {
  readonly mnemonic: string;
  /** Bits that must match: `(word & mask) === value`. Reserved fields are not among them. */
  readonly mask: number;
  readonly value: number;
  readonly operands: readonly Operand[];
  readonly facility?: Facility;
  /** The word's bit (ISA numbering) that is 1 for VSRs 32–63. */
  readonly facilityBit?: number;
  /** Privileged: a program interrupt in problem state. */
  readonly privileged?: boolean;
  /** Record form (CR0 or CR1 or CR6), overflow-enabled form. */
  readonly record: boolean;
  readonly overflow: boolean;
  /** Whether a word of the row is of an invalid form (invalid-forms.ts); absent: none is. */
  readonly invalid?: InvalidForm;
  /** The name under which semantics are looked up: the mnemonic without `o` and `.`. */
  readonly base: string;
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
  /** Traits of every form, but `hot` of the one without overflow and record alone. */
  readonly hot?: true;
  /** The record form is hot too. */
  readonly hotRecord?: true;
  readonly spins?: true;
  readonly positional?: true;
  /** `true`: the special handler has the mnemonic's name. */
  readonly special?: true | string;
  readonly since?: '3.0';
  readonly until?: '2.07';
  readonly invalid?: InvalidForm;
};

/**
 * A row and its record and overflow forms. `opcode` is the primary opcode, `xo` the extended one in bits `from` to `to`.
 */
export function rows(
  mnemonic: string,
  opcode: number,
  xo: readonly [from: number, to: number, value: number] | null,
  operands: string,
  effect: Effect,
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
      effect,
      ...(options.hot === true && !oe && (!rc || options.hotRecord === true) ? { hot: true } : {}),
      ...(options.spins === undefined ? {} : { spins: options.spins }),
      ...(options.positional === undefined ? {} : { positional: options.positional }),
      ...(options.special === undefined
        ? {}
        : { special: options.special === true ? mnemonic : options.special }),
      ...(options.since === undefined ? {} : { since: options.since }),
      ...(options.invalid === undefined ? {} : { invalid: options.invalid }),
      ...(options.until === undefined ? {} : { until: options.until }),
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

/** The same rows with further traits, for tables where related rows share a line. */
export function withTraits(traits: Partial<Traits>, of: readonly Row[]): readonly Row[] {
  return of.map((row) => ({ ...row, ...traits }));
}

type WithXo = (
  mnemonic: string,
  opcode: number,
  xo: number,
  operands: string,
  effect: Effect,
  options?: RowOptions,
) => readonly Row[];
type Forms = Readonly<Record<'X' | 'XO' | 'DS' | 'MD' | 'MDS' | 'A' | 'VX' | 'VA', WithXo>> & {
  readonly D: (
    mnemonic: string,
    opcode: number,
    operands: string,
    effect: Effect,
    options?: RowOptions,
  ) => readonly Row[];
};

/** A form whose extended opcode stands in bits `from` to `to`. */
function formAt(from: number, to: number, common: RowOptions = {}): WithXo {
  return (mnemonic, opcode, xo, operands, effect, options) =>
    rows(mnemonic, opcode, [from, to, xo], operands, effect, { ...common, ...options });
}

/** Shorthands for the common forms. */
export const form: Forms = {
  D: (mnemonic, opcode, operands, effect, options) => rows(mnemonic, opcode, null, operands, effect, options),
  X: formAt(21, 30),
  XO: formAt(22, 30, { rc: true }),
  DS: formAt(30, 31),
  MD: formAt(27, 29, { rc: true }),
  MDS: formAt(27, 30, { rc: true }),
  A: formAt(26, 30),
  VX: formAt(21, 31),
  VA: formAt(26, 31),
};
