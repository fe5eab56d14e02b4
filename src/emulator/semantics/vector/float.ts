/**
 * Floating-point instructions of the vector facility: Power ISA 3.0B, Book I §6.10. Helpers compute (helpers/vector-float.ts).
 * Each word of VRT, rounded to nearest, without exceptions:
 *
 *     vaddfp vsubfp     a + b, a − b
 *     vmaddfp vnmsubfp  a × c + b, −(a × c − b)
 *     vmaxfp vminfp     the greater, the lesser of a and b
 *     vrefp vrsqrtefp vexptefp vlogefp  estimates of 1 ÷ b, 1 ÷ √b, 2 to the power of b, log₂ b
 *     vrfin vrfiz vrfip vrfim  b as an integer: nearest, to zero, up, down
 *     vctsxs vctuxs     b × 2^UIM as a signed, unsigned word, saturated
 *     vcfsx vcfux       the signed, unsigned word b ÷ 2^UIM
 *     vcmpeqfp vcmpgtfp vcmpgefp  a op b ? all ones : 0; record forms: CR6 ← all ‖ 0 ‖ none ‖ 0
 *     vcmpbfp           ¬(a ≤ b) ‖ ¬(a ≥ −b) ‖ 30 zeros; record form: CR6 ← 0 ‖ 0 ‖ all within ‖ 0
 */

import { HELPER, VSCR } from '../../cpu/layout.ts';
import { i32 } from '../../wasm/index.ts';
import type { Semantics } from '../ops/ops.ts';
import { byHelper } from './by-helper.ts';

/** Conversions with a scale; the helper answers 1 on saturation. */
function scaled(helper: string): Semantics {
  return (o) => {
    o.setStateVector(HELPER, o.vector('VRB'));
    const saturated = o.let(o.helper(helper, [o.imm('UIM5')]));
    o.setState32(VSCR, i32.or(o.state32(VSCR), saturated));
    o.setVector('VRT', o.stateVector(HELPER));
  };
}
function compare(helper: string): Semantics {
  return (o) => {
    o.setStateVector(HELPER, o.vector('VRA'));
    o.setStateVector(HELPER + 16, o.vector('VRB'));
    const condition = o.let(o.helper(helper, []));
    o.setVector('VRT', o.stateVector(HELPER));
    if (o.record) o.setCrField(6, condition);
  };
}

const named = (names: readonly string[], make: (name: string) => Semantics): [string, Semantics][] =>
  names.map((name) => [name, make(name)]);

// biome-ignore format: related entries share a line
export const VECTOR_FLOAT: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...named(['vaddfp', 'vsubfp', 'vmaxfp', 'vminfp'], (name) => byHelper(name, ['VRA', 'VRB'])),
  ...named(['vmaddfp', 'vnmsubfp'], (name) => byHelper(name, ['VRA', 'VRC', 'VRB'])),
  ...named(['vrefp', 'vrsqrtefp', 'vexptefp', 'vlogefp', 'vrfin', 'vrfiz', 'vrfip', 'vrfim'], (name) => byHelper(name, ['VRB'])),
  ...named(['vctsxs', 'vctuxs', 'vcfsx', 'vcfux'], scaled),
  ...named(['vcmpeqfp', 'vcmpgtfp', 'vcmpgefp', 'vcmpbfp'], compare),
]);
