/**
 * Which handlers stand in the interpreter's main function: those that jump, those that need the place in the slice or call
 * a special handler, and those that a stock kernel executes most. V8 compiles the main function as one piece, so it is
 * kept small.
 */

import { SPR } from '../../cpu/spr.ts';
import type { Handler } from './handlers.ts';

/** LR and CTR because they are hot, TB because it needs the place in the slice. */
const INLINE_SPRS = new Set([SPR.LR, SPR.CTR, SPR.TB]);

export function isInline({ known, row }: Handler): boolean {
  const spr = known.get('SPR');
  if (spr !== undefined) return INLINE_SPRS.has(spr);
  return row.effect === 'branch' || row.hot === true || row.positional === true || row.special !== undefined;
}
