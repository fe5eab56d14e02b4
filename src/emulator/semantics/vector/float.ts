/** Floating-point instructions of the vector facility: Power ISA 3.0B, Book I §6.10. The host computes (host-vector-float.ts). */

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
