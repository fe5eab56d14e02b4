/**
 * Vector facility, Power ISA 3.0B, Book I, chapter 6, in the book's order, with the POWER8 and POWER9 instructions.
 * The data stream touches that POWER9 executes as nothing stand here too, because stock kernels still use `dssall`.
 */

import { bits, type Operand, operandTable } from './operands.ts';
import { form, type Row, type RowOptions, rows, withTraits } from './row.ts';
import type { Effect } from './traits.ts';

const number = (name: string, from: number, to: number): Operand => ({
  name,
  kind: 'u16',
  extract: (word) => bits(word, from, to),
});

const EXTRA: readonly Operand[] = [
  number('UIM4', 12, 15),
  number('UIM3', 13, 15),
  number('UIM2', 14, 15),
  number('UIM5', 11, 15),
  number('SHB', 22, 25),
  number('PS', 22, 22),
  number('ST', 16, 16),
  number('SIX', 17, 20),
  { name: 'SIM', kind: 'i32', extract: (word) => (bits(word, 11, 15) << 27) >> 27 },
];

const vec: RowOptions = { facility: 'vec', operandTable: operandTable(EXTRA) };

/** VX-form, `xo` as the book prints it (bits 21 to 31). */
const vx = (name: string, xo: number, operands = 'VRT VRA VRB'): readonly Row[] =>
  form.VX(name, 4, xo, operands, 'registers', vec);
/** VX-form with a further opcode in bits 11 to 15. */
const vxEo = (name: string, eo: number, xo: number, operands = 'VRT VRB'): readonly Row[] =>
  rows(name, 4, [21, 31, xo], operands, 'registers', { ...vec, fixed: [[11, 15, eo]] });
const va = (name: string, xo: number, operands = 'VRT VRA VRB VRC'): readonly Row[] =>
  form.VA(name, 4, xo, operands, 'registers', vec);
/** VC-form: compares, whose record form has bit 21. */
const vc = (name: string, xo: number): readonly Row[] =>
  rows(name, 4, [22, 31, xo], 'VRT VRA VRB', 'registers', { ...vec, rc: 21 });
const x31 = (name: string, xo: number, operands: string, effect: Effect): readonly Row[] =>
  form.X(name, 31, xo, operands, effect, vec);
/** The same instruction for several element widths: `xo` grows by 64 from one to the next. */
const widths = (stem: string, tail: string, letters: string, xo: number, operands?: string): readonly Row[] =>
  [...letters].flatMap((letter, i) => vx(`${stem}${letter}${tail}`, xo + 64 * i, operands));
const compares = (stem: string, letters: string, xo: number): readonly Row[] =>
  [...letters].flatMap((letter, i) => vc(`${stem}${letter}`, xo + 64 * i));
/** Decimal: record form only, CR6. */
const bcd = (
  name: string,
  xo: number,
  operands: string,
  fixed: [number, number, number][] = [],
): readonly Row[] =>
  rows(name, 4, [23, 31, xo], operands, 'registers', { ...vec, fixed: [[21, 21, 1], ...fixed] }).map(
    (row) => ({
      ...row,
      mnemonic: `${row.mnemonic}.`,
      record: true,
    }),
  );
const since30 = (of: readonly Row[]): readonly Row[] => withTraits({ since: '3.0' }, of);
const hot = (of: readonly Row[]): readonly Row[] => withTraits({ hot: true }, of);

// biome-ignore format: related rows share a line
export const VECTOR: readonly Row[] = [
  // 6.7 storage access and permute control
  ...x31('lvebx', 7, 'VRT RA0 RB', 'load'), ...x31('lvehx', 39, 'VRT RA0 RB', 'load'), ...x31('lvewx', 71, 'VRT RA0 RB', 'load'),
  ...hot(x31('lvx', 103, 'VRT RA0 RB', 'load')), ...x31('lvxl', 359, 'VRT RA0 RB', 'load'),
  ...x31('stvebx', 135, 'VRS RA0 RB', 'store'), ...x31('stvehx', 167, 'VRS RA0 RB', 'store'), ...x31('stvewx', 199, 'VRS RA0 RB', 'store'),
  ...hot(x31('stvx', 231, 'VRS RA0 RB', 'store')), ...x31('stvxl', 487, 'VRS RA0 RB', 'store'),
  ...x31('lvsl', 6, 'VRT RA0 RB', 'registers'), ...x31('lvsr', 38, 'VRT RA0 RB', 'registers'),
  ...form.X('dss', 31, 822, '', 'order'), ...form.X('dst', 31, 342, 'RA RB', 'order'), ...form.X('dstst', 31, 374, 'RA RB', 'order'),
  // 6.8 permute and formatting
  ...vx('vpkpx', 782), ...widths('vpks', 'ss', 'hw', 398), ...widths('vpks', 'us', 'hw', 270),
  ...widths('vpku', 'um', 'hw', 14), ...widths('vpku', 'us', 'hw', 142),
  ...vx('vpksdss', 1486), ...vx('vpksdus', 1358), ...vx('vpkudum', 1102), ...vx('vpkudus', 1230),
  ...vx('vupkhpx', 846, 'VRT VRB'), ...vx('vupklpx', 974, 'VRT VRB'),
  ...widths('vupkhs', '', 'bh', 526, 'VRT VRB'), ...widths('vupkls', '', 'bh', 654, 'VRT VRB'),
  ...vx('vupkhsw', 1614, 'VRT VRB'), ...vx('vupklsw', 1742, 'VRT VRB'),
  ...widths('vmrgh', '', 'bhw', 12), ...widths('vmrgl', '', 'bhw', 268), ...vx('vmrgow', 1676), ...vx('vmrgew', 1932),
  ...vx('vspltb', 524, 'VRT VRB UIM4'), ...vx('vsplth', 588, 'VRT VRB UIM3'), ...vx('vspltw', 652, 'VRT VRB UIM2'),
  ...widths('vspltis', '', 'bhw', 780, 'VRT SIM'),
  ...hot(va('vperm', 43)), ...since30(va('vpermr', 59)), ...va('vsel', 42),
  ...hot(rows('vsldoi', 4, [26, 31, 44], 'VRT VRA VRB SHB', 'registers', vec)),
  ...vx('vsl', 452), ...vx('vslo', 1036), ...vx('vsr', 708), ...vx('vsro', 1100), ...since30(vx('vslv', 1860)), ...since30(vx('vsrv', 1796)),
  ...since30(vx('vextractub', 525, 'VRT VRB UIM4')), ...since30(vx('vextractuh', 589, 'VRT VRB UIM4')),
  ...since30(vx('vextractuw', 653, 'VRT VRB UIM4')), ...since30(vx('vextractd', 717, 'VRT VRB UIM4')),
  ...since30(vx('vinsertb', 781, 'VRT VRB UIM4')), ...since30(vx('vinserth', 845, 'VRT VRB UIM4')),
  ...since30(vx('vinsertw', 909, 'VRT VRB UIM4')), ...since30(vx('vinsertd', 973, 'VRT VRB UIM4')),
  // 6.9 integer arithmetic
  ...vx('vaddcuw', 384), ...widths('vadds', 's', 'bhw', 768), ...widths('vaddu', 'm', 'bhwd', 0), ...widths('vaddu', 's', 'bhw', 512),
  ...vx('vadduqm', 256), ...va('vaddeuqm', 60), ...vx('vaddcuq', 320), ...va('vaddecuq', 61),
  ...vx('vsubcuw', 1408), ...widths('vsubs', 's', 'bhw', 1792), ...widths('vsubu', 'm', 'bhwd', 1024), ...widths('vsubu', 's', 'bhw', 1536),
  ...vx('vsubuqm', 1280), ...va('vsubeuqm', 62), ...vx('vsubcuq', 1344), ...va('vsubecuq', 63),
  ...widths('vmules', '', 'bhw', 776), ...widths('vmuleu', '', 'bhw', 520),
  ...widths('vmulos', '', 'bhw', 264), ...widths('vmulou', '', 'bhw', 8), ...vx('vmuluwm', 137),
  ...va('vmhaddshs', 32), ...va('vmhraddshs', 33), ...va('vmladduhm', 34),
  ...va('vmsumubm', 36), ...va('vmsummbm', 37), ...va('vmsumshm', 40), ...va('vmsumshs', 41), ...va('vmsumuhm', 38), ...va('vmsumuhs', 39),
  ...since30(va('vmsumudm', 35)),
  ...vx('vsumsws', 1928), ...vx('vsum2sws', 1672), ...vx('vsum4sbs', 1800), ...vx('vsum4shs', 1608), ...vx('vsum4ubs', 1544),
  ...since30(vxEo('vnegw', 6, 1538)), ...since30(vxEo('vnegd', 7, 1538)),
  ...since30(vxEo('vextsb2w', 16, 1538)), ...since30(vxEo('vextsh2w', 17, 1538)),
  ...since30(vxEo('vextsb2d', 24, 1538)), ...since30(vxEo('vextsh2d', 25, 1538)), ...since30(vxEo('vextsw2d', 26, 1538)),
  ...widths('vavgs', '', 'bhw', 1282), ...widths('vavgu', '', 'bhw', 1026), ...since30(widths('vabsdu', '', 'bhw', 1027)),
  ...widths('vmaxs', '', 'bhwd', 258), ...widths('vmaxu', '', 'bhwd', 2), ...widths('vmins', '', 'bhwd', 770), ...widths('vminu', '', 'bhwd', 514),
  // compare
  ...hot(vc('vcmpequb', 6)), ...vc('vcmpequh', 70), ...vc('vcmpequw', 134), ...vc('vcmpequd', 199), ...since30(compares('vcmpne', 'bhw', 7)), ...since30(compares('vcmpnez', 'bhw', 263)),
  ...compares('vcmpgts', 'bhw', 774), ...vc('vcmpgtsd', 967), ...compares('vcmpgtu', 'bhw', 518), ...vc('vcmpgtud', 711),
  // logical
  ...vx('vand', 1028), ...vx('vandc', 1092), ...vx('veqv', 1668), ...vx('vnand', 1412), ...hot(vx('vor', 1156)), ...vx('vorc', 1348),
  ...vx('vnor', 1284), ...hot(vx('vxor', 1220)),
  ...since30(vxEo('vprtybw', 8, 1538)), ...since30(vxEo('vprtybd', 9, 1538)), ...since30(vxEo('vprtybq', 10, 1538)),
  // rotate and shift
  ...widths('vrl', '', 'bhwd', 4), ...widths('vsl', '', 'bhw', 260), ...vx('vsld', 1476), ...widths('vsr', '', 'bhw', 516), ...vx('vsrd', 1732),
  ...widths('vsra', '', 'bhwd', 772),
  ...since30(vx('vrlwnm', 389)), ...since30(vx('vrlwmi', 133)), ...since30(vx('vrldnm', 453)), ...since30(vx('vrldmi', 197)),
  // 6.10 floating-point
  ...vx('vaddfp', 10), ...vx('vsubfp', 74), ...va('vmaddfp', 46, 'VRT VRA VRC VRB'), ...va('vnmsubfp', 47, 'VRT VRA VRC VRB'),
  ...vx('vmaxfp', 1034), ...vx('vminfp', 1098),
  ...vx('vctsxs', 970, 'VRT VRB UIM5'), ...vx('vctuxs', 906, 'VRT VRB UIM5'), ...vx('vcfsx', 842, 'VRT VRB UIM5'), ...vx('vcfux', 778, 'VRT VRB UIM5'),
  ...vx('vrfim', 714, 'VRT VRB'), ...vx('vrfin', 522, 'VRT VRB'), ...vx('vrfip', 650, 'VRT VRB'), ...vx('vrfiz', 586, 'VRT VRB'),
  ...vc('vcmpbfp', 966), ...vc('vcmpeqfp', 198), ...vc('vcmpgefp', 454), ...vc('vcmpgtfp', 710),
  ...vx('vexptefp', 394, 'VRT VRB'), ...vx('vlogefp', 458, 'VRT VRB'), ...vx('vrefp', 266, 'VRT VRB'), ...vx('vrsqrtefp', 330, 'VRT VRB'),
  // 6.11 to 6.13 exclusive-or-based, gather, counts
  ...vx('vcipher', 1288), ...vx('vcipherlast', 1289), ...vx('vncipher', 1352), ...vx('vncipherlast', 1353), ...vx('vsbox', 1480, 'VRT VRA'),
  ...vx('vshasigmad', 1730, 'VRT VRA ST SIX'), ...vx('vshasigmaw', 1666, 'VRT VRA ST SIX'),
  ...widths('vpmsum', '', 'bhwd', 1032), ...va('vpermxor', 45), ...vx('vgbbd', 1292, 'VRT VRB'),
  ...widths('vclz', '', 'bhwd', 1794, 'VRT VRB'),
  ...since30(vxEo('vctzb', 28, 1538)), ...since30(vxEo('vctzh', 29, 1538)), ...since30(vxEo('vctzw', 30, 1538)), ...since30(vxEo('vctzd', 31, 1538)),
  ...since30(vxEo('vclzlsbb', 0, 1538, 'RT VRB')), ...since30(vxEo('vctzlsbb', 1, 1538, 'RT VRB')),
  ...since30(vx('vextublx', 1549, 'RT RA VRB')), ...since30(vx('vextuhlx', 1613, 'RT RA VRB')), ...since30(vx('vextuwlx', 1677, 'RT RA VRB')),
  ...since30(vx('vextubrx', 1805, 'RT RA VRB')), ...since30(vx('vextuhrx', 1869, 'RT RA VRB')), ...since30(vx('vextuwrx', 1933, 'RT RA VRB')),
  ...widths('vpopcnt', '', 'bhwd', 1795, 'VRT VRB'),
  ...since30(vx('vbpermd', 1484)), ...vx('vbpermq', 1356),
  // 6.17 decimal integers
  ...bcd('bcdadd', 1, 'VRT VRA VRB PS'), ...bcd('bcdsub', 65, 'VRT VRA VRB PS'),
  ...since30(bcd('bcdcfn', 385, 'VRT VRB PS', [[11, 15, 7]])), ...since30(bcd('bcdcfz', 385, 'VRT VRB PS', [[11, 15, 6]])),
  ...since30(bcd('bcdctn', 385, 'VRT VRB', [[11, 15, 5]])), ...since30(bcd('bcdctz', 385, 'VRT VRB PS', [[11, 15, 4]])),
  ...since30(bcd('bcdcfsq', 385, 'VRT VRB PS', [[11, 15, 2]])), ...since30(bcd('bcdctsq', 385, 'VRT VRB', [[11, 15, 0]])),
  ...since30(bcd('bcdsetsgn', 385, 'VRT VRB PS', [[11, 15, 31]])),
  ...since30(form.VX('bcdcpsgn', 4, 833, 'VRT VRA VRB', 'registers', vec)).map((row) => ({ ...row, mnemonic: 'bcdcpsgn.', record: true })),
  ...since30(bcd('bcds', 193, 'VRT VRA VRB PS')), ...since30(bcd('bcdus', 129, 'VRT VRA VRB')), ...since30(bcd('bcdsr', 449, 'VRT VRA VRB PS')),
  ...since30(bcd('bcdtrunc', 257, 'VRT VRA VRB PS')), ...since30(bcd('bcdutrunc', 321, 'VRT VRA VRB')),
  ...since30(vx('vmul10cuq', 1, 'VRT VRA')), ...since30(vx('vmul10ecuq', 65)), ...since30(vx('vmul10uq', 513, 'VRT VRA')), ...since30(vx('vmul10euq', 577)),
  // 6.18 status and control register
  ...vx('mtvscr', 1604, 'VRB'), ...vx('mfvscr', 1540, 'VRT'),
];
