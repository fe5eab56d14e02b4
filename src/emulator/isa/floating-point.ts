/** Floating-point facility, Power ISA 3.0B, Book I, chapter 4. In the book's order. Left out: decimal floating-point, chapter 5. */

import { INVALID, type InvalidForm } from './invalid-forms.ts';
import { bits, type Operand, operandTable } from './operands.ts';
import { form, type Row, type RowOptions, rows, withTraits } from './row.ts';
import type { Effect } from './traits.ts';

/** FPSCR bits that field `n` of eight covers, where field 7 is the low nibble; fields 8 to 15 are those of the high word. */
const nibble = (n: number): bigint => 0xfn << BigInt(4 * (15 - n));
/** FLM's most significant bit stands for field 0 of the word that W selects. */
function fieldMask(word: number): bigint {
  if (bits(word, 6, 6) === 1) return (1n << 64n) - 1n;
  const flm = bits(word, 7, 14);
  let mask = 0n;
  for (let i = 0; i < 8; i++) if ((flm & (0x80 >> i)) !== 0) mask |= nibble(i + 8 * (1 - bits(word, 15, 15)));
  return mask;
}
const oneField = (word: number): number => bits(word, 6, 8) + 8 * (1 - bits(word, 15, 15));

const EXTRA: readonly Operand[] = [
  { name: 'FLMMASK', kind: 'i64', extract: fieldMask },
  { name: 'FIMASK', kind: 'i64', extract: (word) => nibble(oneField(word)) },
  { name: 'FIVALUE', kind: 'u16', extract: (word) => bits(word, 16, 19) },
  { name: 'FIFIELD', kind: 'u16', extract: oneField },
  { name: 'FBIT', kind: 'u16', extract: (word) => 31 - bits(word, 6, 10) },
  { name: 'FSHIFT', kind: 'u16', extract: (word) => 28 - 4 * bits(word, 11, 13) },
  { name: 'DRM', kind: 'u16', extract: (word) => bits(word, 18, 20) },
  { name: 'RM2', kind: 'u16', extract: (word) => bits(word, 19, 20) },
  // A pair of registers: the even-numbered one and the next.
  { name: 'FRTp', kind: 'fpr', extract: (word) => bits(word, 6, 10) & 30 },
  { name: 'FRTq', kind: 'fpr', extract: (word) => bits(word, 6, 10) | 1 },
];

const fp: RowOptions = { facility: 'fp', operandTable: operandTable(EXTRA) };
const rc: RowOptions = { ...fp, rc: true };

const d = (name: string, opcode: number, operands: string, effect: Effect): readonly Row[] =>
  form.D(name, opcode, operands, effect, fp);
const x31 = (name: string, xo: number, operands: string, effect: Effect): readonly Row[] =>
  form.X(name, 31, xo, operands, effect, fp);
const x63 = (name: string, xo: number, operands: string): readonly Row[] =>
  form.X(name, 63, xo, operands, 'registers', rc);
/** A-form in both precisions. */
const arithmetic = (name: string, xo: number, operands: string): readonly Row[] => [
  ...form.A(name, 63, xo, operands, 'registers', rc),
  ...form.A(`${name}s`, 59, xo, operands, 'registers', rc),
];
/** mffs and its kin: X-form with the extended opcode continued in bits 11 to 15. */
const mffs = (name: string, eo: readonly [number, number, number], operands: string): readonly Row[] =>
  rows(name, 63, [21, 31, 583 * 2], operands, 'registers', { ...fp, fixed: [eo] });
const since30 = (of: readonly Row[]): readonly Row[] => withTraits({ since: '3.0' }, of);
const refusing = (invalid: InvalidForm, of: readonly Row[]): readonly Row[] =>
  of.map((row) => ({ ...row, invalid }));
const hot = (of: readonly Row[]): readonly Row[] => withTraits({ hot: true }, of);

// biome-ignore format: related rows share a line
export const FLOATING_POINT: readonly Row[] = [
  // 4.6.2 to 4.6.4 load and store
  ...d('lfs', 48, 'FRT RA0 D', 'load'), ...x31('lfsx', 535, 'FRT RA0 RB', 'load'), ...refusing(INVALID.updating, d('lfsu', 49, 'FRT RA D', 'load')), ...refusing(INVALID.updating, x31('lfsux', 567, 'FRT RA RB', 'load')),
  ...hot(d('lfd', 50, 'FRT RA0 D', 'load')), ...x31('lfdx', 599, 'FRT RA0 RB', 'load'), ...refusing(INVALID.updating, d('lfdu', 51, 'FRT RA D', 'load')), ...refusing(INVALID.updating, x31('lfdux', 631, 'FRT RA RB', 'load')),
  ...x31('lfiwax', 855, 'FRT RA0 RB', 'load'), ...x31('lfiwzx', 887, 'FRT RA0 RB', 'load'),
  ...d('stfs', 52, 'FRS RA0 D', 'store'), ...x31('stfsx', 663, 'FRS RA0 RB', 'store'), ...refusing(INVALID.updating, d('stfsu', 53, 'FRS RA D', 'store')), ...refusing(INVALID.updating, x31('stfsux', 695, 'FRS RA RB', 'store')),
  ...hot(d('stfd', 54, 'FRS RA0 D', 'store')), ...x31('stfdx', 727, 'FRS RA0 RB', 'store'), ...refusing(INVALID.updating, d('stfdu', 55, 'FRS RA D', 'store')), ...refusing(INVALID.updating, x31('stfdux', 759, 'FRS RA RB', 'store')),
  ...x31('stfiwx', 983, 'FRS RA0 RB', 'store'),
  ...refusing(INVALID.oddPair, form.DS('lfdp', 57, 0, 'FRTp FRTq RA0 DS', 'load', fp)), ...refusing(INVALID.oddPair, x31('lfdpx', 791, 'FRTp FRTq RA0 RB', 'load')),
  ...refusing(INVALID.oddPair, form.DS('stfdp', 61, 0, 'FRTp FRTq RA0 DS', 'store', fp)), ...refusing(INVALID.oddPair, x31('stfdpx', 919, 'FRTp FRTq RA0 RB', 'store')),
  // 4.6.5 move
  ...x63('fmr', 72, 'FRT FRB'), ...x63('fabs', 264, 'FRT FRB'), ...x63('fnabs', 136, 'FRT FRB'), ...x63('fneg', 40, 'FRT FRB'),
  ...x63('fcpsgn', 8, 'FRT FRA FRB'),
  ...form.X('fmrgew', 63, 966, 'FRT FRA FRB', 'registers', { ...fp, facility: 'vsx' }), ...form.X('fmrgow', 63, 838, 'FRT FRA FRB', 'registers', { ...fp, facility: 'vsx' }),
  // 4.6.6 arithmetic
  ...arithmetic('fadd', 21, 'FRT FRA FRB'), ...arithmetic('fsub', 20, 'FRT FRA FRB'),
  ...arithmetic('fmul', 25, 'FRT FRA FRC'), ...arithmetic('fdiv', 18, 'FRT FRA FRB'), ...arithmetic('fsqrt', 22, 'FRT FRB'),
  ...arithmetic('fre', 24, 'FRT FRB'), ...arithmetic('frsqrte', 26, 'FRT FRB'),
  ...form.X('ftdiv', 63, 128, 'BF FRA FRB', 'registers', fp), ...form.X('ftsqrt', 63, 160, 'BF FRB', 'registers', fp),
  ...arithmetic('fmadd', 29, 'FRT FRA FRC FRB'), ...arithmetic('fmsub', 28, 'FRT FRA FRC FRB'),
  ...arithmetic('fnmadd', 31, 'FRT FRA FRC FRB'), ...arithmetic('fnmsub', 30, 'FRT FRA FRC FRB'),
  // 4.6.7 rounding and conversion
  ...x63('frsp', 12, 'FRT FRB'),
  ...x63('fctid', 814, 'FRT FRB'), ...x63('fctidz', 815, 'FRT FRB'), ...x63('fctidu', 942, 'FRT FRB'), ...x63('fctiduz', 943, 'FRT FRB'),
  ...x63('fctiw', 14, 'FRT FRB'), ...x63('fctiwz', 15, 'FRT FRB'), ...x63('fctiwu', 142, 'FRT FRB'), ...x63('fctiwuz', 143, 'FRT FRB'),
  ...x63('fcfid', 846, 'FRT FRB'), ...x63('fcfidu', 974, 'FRT FRB'),
  ...form.X('fcfids', 59, 846, 'FRT FRB', 'registers', rc), ...form.X('fcfidus', 59, 974, 'FRT FRB', 'registers', rc),
  ...x63('frin', 392, 'FRT FRB'), ...x63('friz', 424, 'FRT FRB'), ...x63('frip', 456, 'FRT FRB'), ...x63('frim', 488, 'FRT FRB'),
  // 4.6.8 compare, 4.6.9 select
  ...form.X('fcmpu', 63, 0, 'BF FRA FRB', 'registers', fp), ...form.X('fcmpo', 63, 32, 'BF FRA FRB', 'registers', fp),
  ...form.A('fsel', 63, 23, 'FRT FRA FRC FRB', 'registers', rc),
  // 4.6.10 status and control register
  ...rows('mffs', 63, [21, 30, 583], 'FRT', 'registers', { ...rc, fixed: [[11, 15, 0]] }),
  ...since30(mffs('mffsce', [11, 15, 1], 'FRT')), ...since30(mffs('mffscdrn', [11, 15, 20], 'FRT FRB')), ...since30(mffs('mffscdrni', [11, 15, 21], 'FRT DRM')),
  ...since30(mffs('mffscrn', [11, 15, 22], 'FRT FRB')), ...since30(mffs('mffscrni', [11, 15, 23], 'FRT RM2')), ...since30(mffs('mffsl', [11, 15, 24], 'FRT')),
  ...form.X('mcrfs', 63, 64, 'BF FSHIFT', 'registers', fp),
  ...x63('mtfsfi', 134, 'FIMASK FIFIELD FIVALUE'), ...x63('mtfsf', 711, 'FLMMASK FRB'),
  ...x63('mtfsb0', 70, 'FBIT'), ...x63('mtfsb1', 38, 'FBIT'),
];
