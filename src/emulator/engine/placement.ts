/**
 * Which handlers stand in the interpreter's main function: those that jump or call the host with their address, and
 * those that a stock kernel executes most. The main function is kept small because it is compiled as one piece.
 */

import { SPECIAL_NAMES } from '../semantics/specials.ts';
import type { Handler } from './handlers.ts';

const JUMPS = ['b', 'ba', 'bl', 'bla', 'bc', 'bca', 'bcl', 'bcla', 'bclr', 'bclrl', 'bcctr', 'bcctrl', 'bctar', 'bctarl', 'addpcis', 'mftb'];

const HOT = [
  'addi', 'addis', 'add', 'subf', 'neg', 'mulli', 'mullw', 'mulld', 'mulhdu', 'addic', 'addc', 'subfc', 'adde', 'subfe', 'addze', 'subfic',
  'cmpwi', 'cmpdi', 'cmpw', 'cmpd', 'cmplwi', 'cmpldi', 'cmplw', 'cmpld', 'isel',
  'andi.', 'andis.', 'ori', 'oris', 'xori', 'xoris', 'and', 'and.', 'or', 'or.', 'xor', 'andc', 'nor', 'nand', 'orc', 'eqv',
  'extsb', 'extsh', 'extsw', 'extsw.', 'cntlzd', 'cntlzw', 'cnttzd',
  'rlwinm', 'rlwinm.', 'rlwimi', 'rlwnm', 'rldicl', 'rldicl.', 'rldicr', 'rldicr.', 'rldic', 'rldimi', 'rldcl',
  'slw', 'srw', 'srawi', 'sld', 'srd', 'sradi', 'sraw', 'srad',
  'lbz', 'lbzx', 'lbzu', 'lbzux', 'lhz', 'lhzx', 'lha', 'lwz', 'lwzx', 'lwzu', 'lwa', 'lwax', 'ld', 'ldx', 'ldu', 'ldux', 'lwbrx', 'ldbrx',
  'stb', 'stbx', 'stbu', 'sth', 'sthx', 'stw', 'stwx', 'stwu', 'std', 'stdx', 'stdu', 'stdux',
  'lvx', 'stvx', 'vperm', 'vsldoi', 'vcmpequb.', 'vcmpequb', 'vxor', 'vor', 'xxpermdi', 'lxvd2x', 'stxvd2x', 'lxv', 'stxv', 'mfvsrd', 'mtvsrd', 'lfd', 'stfd',
  'lwarx', 'ldarx', 'stwcx.', 'stdcx.', 'isync', 'sync', 'dcbt', 'mcrf', 'cror', 'mtocrf', 'mfocrf',
];

const INLINE = new Set([...JUMPS, ...SPECIAL_NAMES, 'stqcx.', 'slbfee.', ...HOT]);
/** LR and CTR because they are hot, TB because it needs the place in the slice. */
const INLINE_SPRS = new Set([8, 9, 268]);

export function isInline(handler: Handler): boolean {
  const spr = handler.known.get('SPR');
  if (spr !== undefined) return INLINE_SPRS.has(spr);
  return INLINE.has(handler.row.mnemonic);
}
