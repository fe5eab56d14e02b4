/**
 * Vector instructions that a helper computes: Power ISA 3.0B, Book I, chapter 6.
 *
 *     HELPER[i] ← operand i, 16 bytes each; SAT ← SAT ∨ helper(); VRT ← HELPER[0]
 */

import { HELPER, VSCR } from '../../cpu/layout.ts';
import { i32 } from '../../wasm/index.ts';
import type { Semantics } from '../ops/ops.ts';

/** The helper's answer is 1 where an element saturated, else 0. */
export function byHelper(helper: string, operands: readonly string[], to = 'VRT'): Semantics {
  return (o) => {
    operands.forEach((each, i) => {
      o.setStateVector(HELPER + 16 * i, o.vector(each));
    });
    const saturated = o.let(o.helper(helper, []));
    o.setState32(VSCR, i32.or(o.state32(VSCR), saturated));
    o.setVector(to, o.stateVector(HELPER));
  };
}
