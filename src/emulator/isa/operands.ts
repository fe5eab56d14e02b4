/**
 * Operand fields of instruction words: where they stand and what they mean.
 * Bit numbers are the ISA's: 0 is the most significant of the word's 32. Source: Power ISA 3.0B, Book I, §1.6.
 */

/**
 * What an operand is to the engine:
 * - `gpr`, `gpr0` (register 0 reads as the value 0), `fpr` (doubleword 0 of VSR 0–31), `vr` (VSR 32–63), `vsr` (0–63), `crf`
 *   (condition register field): a register number;
 * - `u16`: a small unsigned number; `i32`: a signed number; `i64`: a 64-bit constant derived from the word.
 */
export type OperandKind = 'gpr' | 'gpr0' | 'fpr' | 'vr' | 'vsr' | 'crf' | 'u16' | 'i32' | 'i64';

export type Operand = {
  readonly name: string;
  readonly kind: OperandKind;
  /** The operand's value: a register number, or the (sign-extended, shifted, derived) constant. */
  readonly extract: (word: number) => number | bigint;
};

/** Bits `from` to `to` of a word, in the ISA's numbering, as an unsigned number. */
export function bits(word: number, from: number, to: number): number {
  const width = to - from + 1;
  const shifted = word >>> (31 - to);
  return width === 32 ? shifted >>> 0 : shifted & ((1 << width) - 1);
}

function signed(value: number, width: number): number {
  return (value << (32 - width)) >> (32 - width);
}

/** MASK(mb, me) of Book I §3.3.14: ones from bit mb to bit me of 64, around the end when mb > me. */
export function mask64(mb: number, me: number): bigint {
  const all = (1n << 64n) - 1n;
  const from = all >> BigInt(mb);
  const upTo = (all << BigInt(63 - me)) & all;
  return mb <= me ? from & upTo : from | upTo;
}

function field(name: string, kind: OperandKind, from: number, to: number): Operand {
  return { name, kind, extract: (word) => bits(word, from, to) };
}
function derived(name: string, kind: OperandKind, extract: Operand['extract']): Operand {
  return { name, kind, extract };
}
/** A VSX register: five bits in place and the high bit elsewhere. */
function vsr(name: string, from: number, high: number): Operand {
  return derived(name, 'vsr', (w) => (bits(w, high, high) << 5) | bits(w, from, from + 4));
}

const firstField = (w: number): number => (bits(w, 12, 19) === 0 ? 7 : Math.clz32(bits(w, 12, 19)) - 24);
const sh6 = (w: number): number => (bits(w, 30, 30) << 5) | bits(w, 16, 20);
const mb6 = (w: number): number => (bits(w, 26, 26) << 5) | bits(w, 21, 25);
const spr = (w: number): number => (bits(w, 16, 20) << 5) | bits(w, 11, 15);

const ALL: readonly Operand[] = [
  field('RT', 'gpr', 6, 10),
  field('RS', 'gpr', 6, 10),
  field('RA', 'gpr', 11, 15),
  field('RB', 'gpr', 16, 20),
  field('RC', 'gpr', 21, 25),
  field('RA0', 'gpr0', 11, 15),
  field('RSP', 'gpr', 6, 10),
  field('FRT', 'fpr', 6, 10),
  field('FRS', 'fpr', 6, 10),
  field('FRA', 'fpr', 11, 15),
  field('FRB', 'fpr', 16, 20),
  field('FRC', 'fpr', 21, 25),
  field('VRT', 'vr', 6, 10),
  field('VRS', 'vr', 6, 10),
  field('VRA', 'vr', 11, 15),
  field('VRB', 'vr', 16, 20),
  field('VRC', 'vr', 21, 25),
  vsr('XT', 6, 31),
  vsr('XS', 6, 31),
  vsr('XA', 11, 29),
  vsr('XB', 16, 30),
  vsr('XC', 21, 28),
  derived('XTdq', 'vsr', (w) => (bits(w, 28, 28) << 5) | bits(w, 6, 10)),
  field('BF', 'crf', 6, 8),
  field('BFA', 'crf', 11, 13),
  field('BT', 'u16', 6, 10),
  field('BA', 'u16', 11, 15),
  field('BB', 'u16', 16, 20),
  field('BI', 'u16', 11, 15),
  field('BO', 'u16', 6, 10),
  derived('BIF', 'crf', (w) => bits(w, 11, 13)),
  derived('BIM', 'u16', (w) => 8 >> bits(w, 14, 15)),
  field('BC', 'u16', 21, 25),
  field('BH', 'u16', 19, 20),
  derived('SI', 'i32', (w) => signed(w, 16)),
  derived('UI', 'i32', (w) => w & 0xffff),
  derived('SIS', 'i32', (w) => w << 16),
  derived('UIS', 'i64', (w) => BigInt(w & 0xffff) << 16n),
  derived('D', 'i32', (w) => signed(w, 16)),
  derived('DS', 'i32', (w) => signed(w & 0xfffc, 16)),
  derived('DQ', 'i32', (w) => signed(w & 0xfff0, 16)),
  derived('DX', 'i32', (w) => signed((bits(w, 16, 25) << 6) | (bits(w, 11, 15) << 1) | (w & 1), 16) << 16),
  derived('LI', 'i32', (w) => signed(w & 0x03fffffc, 26)),
  derived('BD', 'i32', (w) => signed(w & 0xfffc, 16)),
  field('SH', 'u16', 16, 20),
  derived('SH6', 'u16', sh6),
  derived('MASKW', 'i64', (w) => mask64(bits(w, 21, 25) + 32, bits(w, 26, 30) + 32)),
  derived('MASKL', 'i64', (w) => mask64(mb6(w), 63)),
  derived('MASKR', 'i64', (w) => mask64(0, mb6(w))),
  derived('MASKC', 'i64', (w) => mask64(mb6(w), 63 - sh6(w))),
  field('TO', 'u16', 6, 10),
  field('L', 'u16', 10, 10),
  field('L2R', 'u16', 14, 15),
  field('L2', 'u16', 9, 10),
  field('FXM', 'u16', 12, 19),
  // mtocrf and mfocrf name one field: POWER9 takes the first of several, and field 7 for none (both undefined in the ISA).
  derived('FXF', 'crf', firstField),
  derived('FXS', 'u16', (w) => 28 - 4 * firstField(w)),
  derived('SPR', 'u16', spr),
  field('LEV', 'u16', 20, 26),
  field('SR', 'u16', 12, 15),
  field('CT', 'u16', 7, 10),
  field('TH', 'u16', 6, 10),
  field('R', 'u16', 15, 15),
  field('RIC', 'u16', 12, 13),
  field('PRS', 'u16', 14, 14),
  field('L15', 'u16', 15, 15),
  derived('WORD', 'i32', (w) => w | 0),
];

const BY_NAME: ReadonlyMap<string, Operand> = new Map(ALL.map((each) => [each.name, each]));

/** Adds a facility's own operands to the common ones; a name that exists is a bug. */
export function operandTable(extra: readonly Operand[] = []): ReadonlyMap<string, Operand> {
  const table = new Map(BY_NAME);
  for (const each of extra) {
    if (table.has(each.name)) throw new Error(`operand ${each.name} defined twice`);
    table.set(each.name, each);
  }
  return table;
}

/** The operands that a row names, in order. */
export function operandsOf(names: string, table: ReadonlyMap<string, Operand> = BY_NAME): readonly Operand[] {
  if (names === '') return [];
  return names.split(' ').map((name) => {
    const found = table.get(name);
    if (found === undefined) throw new Error(`no operand ${name}`);
    return found;
  });
}
