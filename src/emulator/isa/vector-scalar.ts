/**
 * Vector-scalar facility, Power ISA 3.0B, Book I, chapter 7. One row a mnemonic of the book; load and store first, then
 * by form. Instructions of ISA 3.0 that reach all 64 registers need VSX for the first 32 and vector for the others
 * (`vsx-or-vec`); moves from and to general registers need floating-point for the first 32 (`fp-or-vec`).
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
  number('DM', 22, 23),
  number('SHW', 22, 23),
  number('UIM2', 14, 15),
  number('UIM4', 12, 15),
  number('IMM8', 13, 20),
  {
    name: 'DCMX',
    kind: 'u16',
    extract: (word) => (bits(word, 25, 25) << 6) | (bits(word, 29, 29) << 5) | bits(word, 11, 15),
  },
  number('DCMXs', 9, 15),
  number('RINT', 15, 15),
  number('RMC', 21, 22),
];

/** 1 where the register operand is one of VSR 32 to 63, for the choice of facility. */
const high = (bit: number): Operand => number('VSRHIGH', bit, bit);
const table = operandTable([...EXTRA, high(31)]);
const vsx: RowOptions = { facility: 'vsx', operandTable: table };
const vec: RowOptions = { facility: 'vec', operandTable: table };
const either: RowOptions = { facility: 'vsx-or-vec', facilityBit: 31, operandTable: table };
const eitherDq: RowOptions = {
  facility: 'vsx-or-vec',
  facilityBit: 28,
  operandTable: operandTable([high(28)]),
};
const moves: RowOptions = { facility: 'fp-or-vec', facilityBit: 31, operandTable: table };

const x31 = (name: string, xo: number, operands: string, effect: Effect, options = vsx): readonly Row[] =>
  form.X(name, 31, xo, operands, effect, options);
/** XX2-form: bits 21 to 29; `eo` where bits 11 to 15 continue the opcode. */
const xx2 = (name: string, xo: number, operands = 'XT XB', eo?: number): readonly Row[] =>
  rows(
    name,
    60,
    [21, 29, xo],
    operands,
    'registers',
    eo === undefined ? vsx : { ...vsx, fixed: [[11, 15, eo]] },
  );
/** XX3-form: bits 21 to 28. */
const xx3 = (name: string, xo: number, operands = 'XT XA XB'): readonly Row[] =>
  rows(name, 60, [21, 28, xo], operands, 'registers', vsx);
/** XX3-form compare with a record form in bit 21. */
const xx3c = (name: string, xo: number): readonly Row[] =>
  rows(name, 60, [22, 28, xo], 'XT XA XB', 'registers', { ...vsx, rc: 21 });
/** Quad precision: X-form on vector registers; `o` forms round to odd (bit 31). */
const quad = (
  name: string,
  xo: number,
  operands = 'VRT VRA VRB',
  odd = true,
  eo?: number,
): readonly Row[] => {
  const options: RowOptions = eo === undefined ? vsx : { ...vsx, fixed: [[11, 15, eo]] };
  const plain = rows(name, 63, odd ? [21, 31, xo * 2] : [21, 30, xo], operands, 'registers', options);
  return odd
    ? [...plain, ...rows(`${name}o`, 63, [21, 31, xo * 2 + 1], operands, 'registers', options)]
    : plain;
};
const since30 = (of: readonly Row[]): readonly Row[] => withTraits({ since: '3.0' }, of);
const hot = (of: readonly Row[]): readonly Row[] => withTraits({ hot: true }, of);

// biome-ignore format: related rows share a line
export const VECTOR_SCALAR: readonly Row[] = [
  // 7.6.1 load and store
  ...since30(form.DS('lxsd', 57, 2, 'VRT RA0 DS', 'load', vec)), ...since30(form.DS('lxssp', 57, 3, 'VRT RA0 DS', 'load', vec)),
  ...since30(form.DS('stxsd', 61, 2, 'VRS RA0 DS', 'store', vec)), ...since30(form.DS('stxssp', 61, 3, 'VRS RA0 DS', 'store', vec)),
  ...hot(since30(rows('lxv', 61, [29, 31, 1], 'XTdq RA0 DQ VSRHIGH', 'load', eitherDq))),
  ...hot(since30(rows('stxv', 61, [29, 31, 5], 'XTdq RA0 DQ VSRHIGH', 'store', eitherDq))),
  ...x31('lxsdx', 588, 'XT RA0 RB', 'load'), ...x31('lxsiwax', 76, 'XT RA0 RB', 'load'), ...x31('lxsiwzx', 12, 'XT RA0 RB', 'load'), ...x31('lxsspx', 524, 'XT RA0 RB', 'load'),
  ...since30(x31('lxsibzx', 781, 'XT RA0 RB VSRHIGH', 'load', either)), ...since30(x31('lxsihzx', 813, 'XT RA0 RB VSRHIGH', 'load', either)),
  ...since30(rows('lxvx', 31, [21, 24, 4], 'XT RA0 RB VSRHIGH', 'load', { ...either, fixed: [[26, 30, 12]] })),
  ...since30(x31('lxvb16x', 876, 'XT RA0 RB VSRHIGH', 'load', either)), ...since30(x31('lxvh8x', 812, 'XT RA0 RB VSRHIGH', 'load', either)),
  ...hot(x31('lxvd2x', 844, 'XT RA0 RB', 'load')), ...x31('lxvw4x', 780, 'XT RA0 RB', 'load'), ...x31('lxvdsx', 332, 'XT RA0 RB', 'load'),
  ...since30(x31('lxvwsx', 364, 'XT RA0 RB VSRHIGH', 'load', either)),
  ...since30(x31('lxvl', 269, 'XT RA0 RB VSRHIGH', 'load', either)), ...since30(x31('lxvll', 301, 'XT RA0 RB VSRHIGH', 'load', either)),
  ...x31('stxsdx', 716, 'XS RA0 RB', 'store'), ...x31('stxsiwx', 140, 'XS RA0 RB', 'store'), ...x31('stxsspx', 652, 'XS RA0 RB', 'store'),
  ...since30(x31('stxsibx', 909, 'XS RA0 RB VSRHIGH', 'store', either)), ...since30(x31('stxsihx', 941, 'XS RA0 RB VSRHIGH', 'store', either)),
  ...since30(x31('stxvx', 396, 'XS RA0 RB VSRHIGH', 'store', either)),
  ...since30(x31('stxvb16x', 1004, 'XS RA0 RB VSRHIGH', 'store', either)), ...since30(x31('stxvh8x', 940, 'XS RA0 RB VSRHIGH', 'store', either)),
  ...hot(x31('stxvd2x', 972, 'XS RA0 RB', 'store')), ...x31('stxvw4x', 908, 'XS RA0 RB', 'store'),
  ...since30(x31('stxvl', 397, 'XS RA0 RB VSRHIGH', 'store', either)), ...since30(x31('stxvll', 429, 'XS RA0 RB VSRHIGH', 'store', either)),
  // moves between register files
  ...hot(x31('mfvsrd', 51, 'XS RA VSRHIGH', 'registers', moves)), ...x31('mfvsrwz', 115, 'XS RA VSRHIGH', 'registers', moves), ...since30(x31('mfvsrld', 307, 'XS RA VSRHIGH', 'registers', either)),
  ...hot(x31('mtvsrd', 179, 'XT RA VSRHIGH', 'registers', moves)), ...x31('mtvsrwa', 211, 'XT RA VSRHIGH', 'registers', moves), ...x31('mtvsrwz', 243, 'XT RA VSRHIGH', 'registers', moves),
  ...since30(x31('mtvsrdd', 435, 'XT RA0 RB VSRHIGH', 'registers', either)), ...since30(x31('mtvsrws', 403, 'XT RA VSRHIGH', 'registers', either)),
  // scalar arithmetic, single and double
  ...xx3('xsaddsp', 0), ...xx3('xssubsp', 8), ...xx3('xsmulsp', 16), ...xx3('xsdivsp', 24), ...xx2('xssqrtsp', 11),
  ...xx2('xsrsqrtesp', 10), ...xx2('xsresp', 26),
  ...xx3('xsmaddasp', 1), ...xx3('xsmaddmsp', 9), ...xx3('xsmsubasp', 17), ...xx3('xsmsubmsp', 25),
  ...xx3('xsnmaddasp', 129), ...xx3('xsnmaddmsp', 137), ...xx3('xsnmsubasp', 145), ...xx3('xsnmsubmsp', 153),
  ...xx3('xsadddp', 32), ...xx3('xssubdp', 40), ...xx3('xsmuldp', 48), ...xx3('xsdivdp', 56), ...xx2('xssqrtdp', 75),
  ...xx2('xsrsqrtedp', 74), ...xx2('xsredp', 90),
  ...xx3('xsmaddadp', 33), ...xx3('xsmaddmdp', 41), ...xx3('xsmsubadp', 49), ...xx3('xsmsubmdp', 57),
  ...xx3('xsnmaddadp', 161), ...xx3('xsnmaddmdp', 169), ...xx3('xsnmsubadp', 177), ...xx3('xsnmsubmdp', 185),
  ...xx3('xstdivdp', 61, 'BF XA XB'), ...xx2('xstsqrtdp', 106, 'BF XB'),
  ...since30(xx3('xscmpeqdp', 3)), ...since30(xx3('xscmpgtdp', 11)), ...since30(xx3('xscmpgedp', 19)),
  ...xx3('xscmpudp', 35, 'BF XA XB'), ...xx3('xscmpodp', 43, 'BF XA XB'), ...since30(xx3('xscmpexpdp', 59, 'BF XA XB')),
  ...since30(xx3('xsmaxcdp', 128)), ...since30(xx3('xsmincdp', 136)), ...since30(xx3('xsmaxjdp', 144)), ...since30(xx3('xsminjdp', 152)), ...xx3('xsmaxdp', 160), ...xx3('xsmindp', 168),
  ...xx3('xscpsgndp', 176), ...xx2('xsabsdp', 345), ...xx2('xsnabsdp', 361), ...xx2('xsnegdp', 377),
  ...xx2('xsrdpi', 73), ...xx2('xsrdpiz', 89), ...xx2('xsrdpip', 105), ...xx2('xsrdpim', 121), ...xx2('xsrdpic', 107), ...xx2('xsrsp', 281),
  ...xx2('xscvdpsp', 265), ...xx2('xscvdpspn', 267), ...xx2('xscvspdp', 329), ...xx2('xscvspdpn', 331),
  ...xx2('xscvdpuxws', 72), ...xx2('xscvdpsxws', 88), ...xx2('xscvdpuxds', 328), ...xx2('xscvdpsxds', 344),
  ...xx2('xscvuxdsp', 296), ...xx2('xscvsxdsp', 312), ...xx2('xscvuxddp', 360), ...xx2('xscvsxddp', 376),
  ...since30(xx2('xscvhpdp', 347, 'XT XB', 16)), ...since30(xx2('xscvdphp', 347, 'XT XB', 17)),
  ...since30(xx2('xsxexpdp', 347, 'RT XB', 0)), ...since30(xx2('xsxsigdp', 347, 'RT XB', 1)), ...since30(rows('xsiexpdp', 60, [21, 30, 918], 'XT RA RB', 'registers', vsx)),
  ...since30(xx2('xststdcsp', 298, 'BF XB DCMXs')), ...since30(xx2('xststdcdp', 362, 'BF XB DCMXs')),
  // vector arithmetic, single and double
  ...xx3('xvaddsp', 64), ...xx3('xvsubsp', 72), ...xx3('xvmulsp', 80), ...xx3('xvdivsp', 88), ...xx2('xvsqrtsp', 139),
  ...xx2('xvrsqrtesp', 138), ...xx2('xvresp', 154),
  ...xx3('xvmaddasp', 65), ...xx3('xvmaddmsp', 73), ...xx3('xvmsubasp', 81), ...xx3('xvmsubmsp', 89),
  ...xx3('xvnmaddasp', 193), ...xx3('xvnmaddmsp', 201), ...xx3('xvnmsubasp', 209), ...xx3('xvnmsubmsp', 217),
  ...xx3('xvadddp', 96), ...xx3('xvsubdp', 104), ...xx3('xvmuldp', 112), ...xx3('xvdivdp', 120), ...xx2('xvsqrtdp', 203),
  ...xx2('xvrsqrtedp', 202), ...xx2('xvredp', 218),
  ...xx3('xvmaddadp', 97), ...xx3('xvmaddmdp', 105), ...xx3('xvmsubadp', 113), ...xx3('xvmsubmdp', 121),
  ...xx3('xvnmaddadp', 225), ...xx3('xvnmaddmdp', 233), ...xx3('xvnmsubadp', 241), ...xx3('xvnmsubmdp', 249),
  ...xx3('xvtdivsp', 93, 'BF XA XB'), ...xx3('xvtdivdp', 125, 'BF XA XB'), ...xx2('xvtsqrtsp', 170, 'BF XB'), ...xx2('xvtsqrtdp', 234, 'BF XB'),
  ...xx3c('xvcmpeqsp', 67), ...xx3c('xvcmpgtsp', 75), ...xx3c('xvcmpgesp', 83),
  ...xx3c('xvcmpeqdp', 99), ...xx3c('xvcmpgtdp', 107), ...xx3c('xvcmpgedp', 115),
  ...xx3('xvmaxsp', 192), ...xx3('xvminsp', 200), ...xx3('xvmaxdp', 224), ...xx3('xvmindp', 232),
  ...xx3('xvcpsgnsp', 208), ...xx3('xvcpsgndp', 240),
  ...xx2('xvabssp', 409), ...xx2('xvnabssp', 425), ...xx2('xvnegsp', 441), ...xx2('xvabsdp', 473), ...xx2('xvnabsdp', 489), ...xx2('xvnegdp', 505),
  ...xx2('xvrspi', 137), ...xx2('xvrspiz', 153), ...xx2('xvrspip', 169), ...xx2('xvrspim', 185), ...xx2('xvrspic', 171),
  ...xx2('xvrdpi', 201), ...xx2('xvrdpiz', 217), ...xx2('xvrdpip', 233), ...xx2('xvrdpim', 249), ...xx2('xvrdpic', 235),
  ...xx2('xvcvdpsp', 393), ...xx2('xvcvspdp', 457),
  ...xx2('xvcvspuxws', 136), ...xx2('xvcvspsxws', 152), ...xx2('xvcvspuxds', 392), ...xx2('xvcvspsxds', 408),
  ...xx2('xvcvdpuxws', 200), ...xx2('xvcvdpsxws', 216), ...xx2('xvcvdpuxds', 456), ...xx2('xvcvdpsxds', 472),
  ...xx2('xvcvuxwsp', 168), ...xx2('xvcvsxwsp', 184), ...xx2('xvcvuxdsp', 424), ...xx2('xvcvsxdsp', 440),
  ...xx2('xvcvuxwdp', 232), ...xx2('xvcvsxwdp', 248), ...xx2('xvcvuxddp', 488), ...xx2('xvcvsxddp', 504),
  ...since30(xx2('xvcvhpsp', 475, 'XT XB', 24)), ...since30(xx2('xvcvsphp', 475, 'XT XB', 25)),
  ...since30(xx2('xvxexpdp', 475, 'XT XB', 0)), ...since30(xx2('xvxsigdp', 475, 'XT XB', 1)), ...since30(xx2('xvxexpsp', 475, 'XT XB', 8)), ...since30(xx2('xvxsigsp', 475, 'XT XB', 9)),
  ...since30(xx3('xviexpsp', 216)), ...since30(xx3('xviexpdp', 248)),
  ...since30(rows('xvtstdcsp', 60, [21, 24, 13], 'XT XB DCMX', 'registers', { ...vsx, fixed: [[26, 28, 5]] })),
  ...since30(rows('xvtstdcdp', 60, [21, 24, 15], 'XT XB DCMX', 'registers', { ...vsx, fixed: [[26, 28, 5]] })),
  // logical and permute
  ...xx3('xxland', 130), ...xx3('xxlandc', 138), ...xx3('xxlor', 146), ...xx3('xxlxor', 154),
  ...xx3('xxlnor', 162), ...xx3('xxlorc', 170), ...xx3('xxlnand', 178), ...xx3('xxleqv', 186),
  ...xx3('xxmrghw', 18), ...xx3('xxmrglw', 50), ...since30(xx3('xxperm', 26)), ...since30(xx3('xxpermr', 58)),
  ...hot(rows('xxpermdi', 60, [24, 28, 10], 'XT XA XB DM', 'registers', { ...vsx, fixed: [[21, 21, 0]] })),
  ...rows('xxsldwi', 60, [24, 28, 2], 'XT XA XB SHW', 'registers', { ...vsx, fixed: [[21, 21, 0]] }),
  ...rows('xxsel', 60, [26, 27, 3], 'XT XA XB XC', 'registers', vsx),
  ...xx2('xxspltw', 164, 'XT XB UIM2'), ...since30(rows('xxspltib', 60, [21, 30, 360], 'XT IMM8 VSRHIGH', 'registers', { ...either, fixed: [[11, 12, 0]] })),
  ...since30(xx2('xxextractuw', 165, 'XT XB UIM4')), ...since30(xx2('xxinsertw', 181, 'XT XB UIM4')),
  ...since30(xx2('xxbrh', 475, 'XT XB', 7)), ...since30(xx2('xxbrw', 475, 'XT XB', 15)), ...since30(xx2('xxbrd', 475, 'XT XB', 23)), ...since30(xx2('xxbrq', 475, 'XT XB', 31)),
  // quad precision
  ...since30(quad('xsaddqp', 4)), ...since30(quad('xssubqp', 516)), ...since30(quad('xsmulqp', 36)), ...since30(quad('xsdivqp', 548)), ...since30(quad('xssqrtqp', 804, 'VRT VRB', true, 27)),
  ...since30(quad('xsmaddqp', 388)), ...since30(quad('xsmsubqp', 420)), ...since30(quad('xsnmaddqp', 452)), ...since30(quad('xsnmsubqp', 484)),
  ...since30(quad('xscmpuqp', 644, 'BF VRA VRB', false)), ...since30(quad('xscmpoqp', 132, 'BF VRA VRB', false)), ...since30(quad('xscmpexpqp', 164, 'BF VRA VRB', false)),
  ...since30(quad('xscpsgnqp', 100, 'VRT VRA VRB', false)),
  ...since30(quad('xsabsqp', 804, 'VRT VRB', false, 0)), ...since30(quad('xsnabsqp', 804, 'VRT VRB', false, 8)), ...since30(quad('xsnegqp', 804, 'VRT VRB', false, 16)),
  ...since30(quad('xsxexpqp', 804, 'VRT VRB', false, 2)), ...since30(quad('xsxsigqp', 804, 'VRT VRB', false, 18)), ...since30(quad('xsiexpqp', 868, 'VRT VRA VRB', false)),
  ...since30(quad('xscvqpdp', 836, 'VRT VRB', true, 20)), ...since30(quad('xscvdpqp', 836, 'VRT VRB', false, 22)),
  ...since30(quad('xscvqpuwz', 836, 'VRT VRB', false, 1)), ...since30(quad('xscvqpswz', 836, 'VRT VRB', false, 9)),
  ...since30(quad('xscvqpudz', 836, 'VRT VRB', false, 17)), ...since30(quad('xscvqpsdz', 836, 'VRT VRB', false, 25)),
  ...since30(quad('xscvudqp', 836, 'VRT VRB', false, 2)), ...since30(quad('xscvsdqp', 836, 'VRT VRB', false, 10)),
  ...since30(rows('xsrqpi', 63, [23, 31, 10], 'VRT VRB RINT RMC', 'registers', vsx)), ...since30(rows('xsrqpix', 63, [23, 31, 11], 'VRT VRB RINT RMC', 'registers', vsx)),
  ...since30(rows('xsrqpxp', 63, [23, 31, 74], 'VRT VRB RINT RMC', 'registers', vsx)),
  ...since30(quad('xststdcqp', 708, 'BF VRB DCMXs', false)),
];
