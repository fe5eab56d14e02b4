/**
 * Cryptographic, polynomial and decimal vector instructions: Power ISA 3.0B, Book I §6.11 and §6.17. Helpers compute.
 *
 *     vcipher vncipher  VRT ← one round of AES, of its inverse, with key (VRB); last: the last round
 *     vsbox       each byte of VRT ← the AES substitution of (VRA)'s
 *     vshasigmaw vshasigmad   each word, doubleword of VRT ← σ or Σ (ST), 0 or 1 (SIX, a bit each) of SHA-2 of (VRA)'s
 *     vpmsum      each pair of elements: VRT ← a₀ × b₀ ⊕ a₁ × b₁, without carries
 *     bcdadd. bcdsub.   VRT ← (VRA) ± (VRB), 31 digits and a sign
 *     bcds. bcdus. bcdsr.     VRT ← (VRB) shifted by (VRA)'s byte 7 in digits; us: unsigned; sr: rounded
 *     bcdtrunc. bcdutrunc.    VRT ← (VRB)'s last (VRA)[48:63] digits
 *     bcdcpsgn. bcdsetsgn.    VRT ← (VRA) with (VRB)'s sign; (VRB) with the preferred code of its sign
 *     bcdcfn. bcdctn. bcdcfz. bcdctz.   VRT ← (VRB) from national, to national, from zoned, to zoned decimal
 *     bcdcfsq. bcdctsq. VRT ← (VRB) from, to a signed quadword
 *     all bcd     CR6 ← less ‖ greater ‖ equal to 0 ‖ overflow or invalid
 *     vmul10uq    VRT ← (VRA) × 10; euq: + (VRB)'s last digit; cuq, ecuq: the carry of that
 */

import { HELPER } from '../../cpu/layout.ts';
import { i32, i32c } from '../../wasm/index.ts';
import type { Semantics } from '../ops/ops.ts';
import { byHelper } from './by-helper.ts';

/** `ps`: the row has the operand PS. The helper returns CR6, with 16 where the target is written. */
function decimal(helper: string, operands: readonly string[], ps: boolean): Semantics {
  return (o) => {
    operands.forEach((each, i) => {
      o.setStateVector(HELPER + 16 * i, o.vector(each));
    });
    const answer = o.let(o.helper(helper, [ps ? o.imm('PS') : i32c(0)]));
    o.if(i32.and(answer, i32c(16)), () => o.setVector('VRT', o.stateVector(HELPER)));
    o.setCrField(6, i32.and(answer, i32c(15)));
  };
}
function sigma(helper: string): Semantics {
  return (o) => {
    o.setStateVector(HELPER, o.vector('VRA'));
    o.let(o.helper(helper, [o.imm('ST'), o.imm('SIX')]));
    o.setVector('VRT', o.stateVector(HELPER));
  };
}
function timesTen(extended: boolean, carry: boolean): Semantics {
  return (o) => {
    o.setStateVector(HELPER, o.vector('VRA'));
    if (extended) o.setStateVector(HELPER + 16, o.vector('VRB'));
    o.let(o.helper('vmul10', [i32c(extended ? 1 : 0), i32c(carry ? 1 : 0)]));
    o.setVector('VRT', o.stateVector(HELPER));
  };
}
const BOTH = ['VRA', 'VRB'];

// biome-ignore format: related entries share a line
export const VECTOR_DECIMAL: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...['vcipher', 'vcipherlast', 'vncipher', 'vncipherlast', 'vpmsumb', 'vpmsumh', 'vpmsumw', 'vpmsumd'].map(
    (name): [string, Semantics] => [name, byHelper(name, BOTH)],
  ),
  ['vsbox', byHelper('vsbox', ['VRA'])], ['vshasigmaw', sigma('vshasigmaw')], ['vshasigmad', sigma('vshasigmad')],
  ...['bcdadd', 'bcdsub', 'bcds', 'bcdsr', 'bcdtrunc'].map((name): [string, Semantics] => [name, decimal(name, BOTH, true)]),
  ...['bcdus', 'bcdutrunc', 'bcdcpsgn'].map((name): [string, Semantics] => [name, decimal(name, BOTH, false)]),
  ...['bcdcfn', 'bcdcfz', 'bcdctz', 'bcdcfsq', 'bcdsetsgn'].map((name): [string, Semantics] => [name, decimal(name, ['VRB'], true)]),
  ...['bcdctn', 'bcdctsq'].map((name): [string, Semantics] => [name, decimal(name, ['VRB'], false)]),
  ['vmul10uq', timesTen(false, false)], ['vmul10cuq', timesTen(false, true)],
  ['vmul10euq', timesTen(true, false)], ['vmul10ecuq', timesTen(true, true)],
]);
