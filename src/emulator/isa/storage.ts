/**
 * Fixed-point storage access, Power ISA 3.0B, Book I §3.3.2–3.3.8, and the storage control and
 * synchronization instructions of Book II chapter 4.
 */

import { form, type Row, rows } from './row.ts';

export const STORAGE: readonly Row[] = [
  ...form.D('lbz', 34, 'RT RA0 D'), ...form.X('lbzx', 31, 87, 'RT RA0 RB'),
  ...form.D('lbzu', 35, 'RT RA D'), ...form.X('lbzux', 31, 119, 'RT RA RB'),
  ...form.D('lhz', 40, 'RT RA0 D'), ...form.X('lhzx', 31, 279, 'RT RA0 RB'),
  ...form.D('lhzu', 41, 'RT RA D'), ...form.X('lhzux', 31, 311, 'RT RA RB'),
  ...form.D('lha', 42, 'RT RA0 D'), ...form.X('lhax', 31, 343, 'RT RA0 RB'),
  ...form.D('lhau', 43, 'RT RA D'), ...form.X('lhaux', 31, 375, 'RT RA RB'),
  ...form.D('lwz', 32, 'RT RA0 D'), ...form.X('lwzx', 31, 23, 'RT RA0 RB'),
  ...form.D('lwzu', 33, 'RT RA D'), ...form.X('lwzux', 31, 55, 'RT RA RB'),
  ...form.DS('lwa', 58, 2, 'RT RA0 DS'), ...form.X('lwax', 31, 341, 'RT RA0 RB'), ...form.X('lwaux', 31, 373, 'RT RA RB'),
  ...form.DS('ld', 58, 0, 'RT RA0 DS'), ...form.X('ldx', 31, 21, 'RT RA0 RB'),
  ...form.DS('ldu', 58, 1, 'RT RA DS'), ...form.X('ldux', 31, 53, 'RT RA RB'),
  ...form.D('stb', 38, 'RS RA0 D'), ...form.X('stbx', 31, 215, 'RS RA0 RB'),
  ...form.D('stbu', 39, 'RS RA D'), ...form.X('stbux', 31, 247, 'RS RA RB'),
  ...form.D('sth', 44, 'RS RA0 D'), ...form.X('sthx', 31, 407, 'RS RA0 RB'),
  ...form.D('sthu', 45, 'RS RA D'), ...form.X('sthux', 31, 439, 'RS RA RB'),
  ...form.D('stw', 36, 'RS RA0 D'), ...form.X('stwx', 31, 151, 'RS RA0 RB'),
  ...form.D('stwu', 37, 'RS RA D'), ...form.X('stwux', 31, 183, 'RS RA RB'),
  ...form.DS('std', 62, 0, 'RS RA0 DS'), ...form.X('stdx', 31, 149, 'RS RA0 RB'),
  ...form.DS('stdu', 62, 1, 'RS RA DS'), ...form.X('stdux', 31, 181, 'RS RA RB'),
  ...rows('lq', 56, null, 'RT RA0 DQ'), ...form.DS('stq', 62, 2, 'RS RA0 DS'),
  ...form.X('lhbrx', 31, 790, 'RT RA0 RB'), ...form.X('lwbrx', 31, 534, 'RT RA0 RB'), ...form.X('ldbrx', 31, 532, 'RT RA0 RB'),
  ...form.X('sthbrx', 31, 918, 'RS RA0 RB'), ...form.X('stwbrx', 31, 662, 'RS RA0 RB'), ...form.X('stdbrx', 31, 660, 'RS RA0 RB'),
  ...form.D('lmw', 46, 'RT RA0 D WORD'), ...form.D('stmw', 47, 'RS RA0 D WORD'),
  ...form.X('lswi', 31, 597, 'RT RA0 RB WORD'), ...form.X('lswx', 31, 533, 'RT RA0 RB WORD'),
  ...form.X('stswi', 31, 725, 'RS RA0 RB WORD'), ...form.X('stswx', 31, 661, 'RS RA0 RB WORD'),
  // Book II
  ...form.X('icbi', 31, 982, 'RA0 RB'), ...form.X('icbt', 31, 22, 'CT RA0 RB'),
  ...form.X('dcbt', 31, 278, 'TH RA0 RB'), ...form.X('dcbtst', 31, 246, 'TH RA0 RB'),
  ...form.X('dcbz', 31, 1014, 'RA0 RB'), ...form.X('dcbst', 31, 54, 'RA0 RB'), ...form.X('dcbf', 31, 86, 'RA0 RB'),
  ...form.X('isync', 19, 150, ''), ...form.X('sync', 31, 598, 'L2'), ...form.X('eieio', 31, 854, ''), ...form.X('wait', 31, 30, ''),
  ...form.X('lbarx', 31, 52, 'RT RA0 RB'), ...form.X('lharx', 31, 116, 'RT RA0 RB'),
  ...form.X('lwarx', 31, 20, 'RT RA0 RB'), ...form.X('ldarx', 31, 84, 'RT RA0 RB'), ...form.X('lqarx', 31, 276, 'RT RA0 RB'),
  ...rows('stbcx', 31, [21, 30, 694], 'RS RA0 RB', { fixed: [[31, 31, 1]] }).map(dot),
  ...rows('sthcx', 31, [21, 30, 726], 'RS RA0 RB', { fixed: [[31, 31, 1]] }).map(dot),
  ...rows('stwcx', 31, [21, 30, 150], 'RS RA0 RB', { fixed: [[31, 31, 1]] }).map(dot),
  ...rows('stdcx', 31, [21, 30, 214], 'RS RA0 RB', { fixed: [[31, 31, 1]] }).map(dot),
  ...rows('stqcx', 31, [21, 30, 182], 'RS RA0 RB', { fixed: [[31, 31, 1]] }).map(dot),
];

function dot(row: Row): Row {
  return { ...row, mnemonic: `${row.mnemonic}.`, record: true };
}
