/**
 * Floating-point arithmetic, conversion and comparison: Power ISA 3.0B, Book I §4.6.6 to §4.6.8. Helpers compute
 * (helpers/float.ts), because WebAssembly has one rounding mode, no status and no exact NaNs.
 *
 *     fadd fsub fdiv    FRT ← round((FRA) op (FRB)); fmul: (FRA) × (FRC); fsqrt: √(FRB)
 *     fre frsqrte    FRT ← an estimate of 1 ÷ (FRB), of 1 ÷ √(FRB)
 *     fmadd fmsub    FRT ← round((FRA) × (FRC) ± (FRB)); fnmadd, fnmsub: negated after rounding
 *     …s          the same, rounded to single
 *     frsp        FRT ← (FRB) rounded to single
 *     fcfid       FRT ← round(the integer in FRB); u: unsigned; s: to single
 *     fctid fctiw    FRT ← (FRB) as an integer of 64, 32 bits, saturated; u: unsigned; z: towards zero
 *     frin friz frip frim   FRT ← (FRB) rounded to an integer: nearest, to zero, up, down
 *     fcmpu fcmpo    CR field BF and FPCC ← less ‖ greater ‖ equal ‖ unordered
 *     ftdiv ftsqrt   CR field BF ← 1 ‖ operands out of range ‖ … ‖ 0, for software division and square root
 *
 * All set FPRF, FR, FI and exceptions, record forms CR1; an enabled exception may keep the target (§4.4).
 */

import { HELPER } from '../../cpu/layout.ts';
import { i32c } from '../../wasm/index.ts';
import type { Semantics } from '../ops/ops.ts';
import { recordCr1, trapEnabled } from './status.ts';

/** Operands to HELPER, eight bytes apart; FRT only where no enabled exception forbids it. */
function arithmetic(helper: string, operands: readonly string[]): Semantics {
  return (o) => {
    operands.forEach((each, i) => {
      o.setState64(HELPER + 8 * i, o.fpr(each));
    });
    o.if(o.helper(helper, []), () => o.setFpr('FRT', o.state64(HELPER)));
    recordCr1(o);
    trapEnabled(o);
  };
}

function compare(ordered: number): Semantics {
  return (o) => {
    o.setState64(HELPER, o.fpr('FRA'));
    o.setState64(HELPER + 8, o.fpr('FRB'));
    o.setCrField('BF', o.helper('fcmp', [i32c(ordered)]));
    trapEnabled(o);
  };
}

/** The tests for software divide and square root work on vectors' element 0, which is at the upper end. */
function test(helper: string, operands: readonly string[]): Semantics {
  return (o) => {
    operands.forEach((each, i) => {
      o.setState64(HELPER + 16 * i + 8, o.fpr(each));
    });
    o.setCrField('BF', o.helper(helper, []));
  };
}

const BOTH = ['FRA', 'FRB'];
const inBoth = (stem: string, operands: readonly string[]): [string, Semantics][] =>
  [stem, `${stem}s`].map((name) => [name, arithmetic(name, operands)]);

// biome-ignore format: related entries share a line
export const FLOATING_POINT: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...inBoth('fadd', BOTH), ...inBoth('fsub', BOTH), ...inBoth('fmul', ['FRA', 'FRC']), ...inBoth('fdiv', BOTH),
  ...inBoth('fsqrt', ['FRB']), ...inBoth('fre', ['FRB']), ...inBoth('frsqrte', ['FRB']),
  ...['fmadd', 'fmsub', 'fnmadd', 'fnmsub'].flatMap((name) => inBoth(name, ['FRA', 'FRC', 'FRB'])),
  ...['frsp', 'fcfid', 'fcfidu', 'fcfids', 'fcfidus', 'fctid', 'fctidz', 'fctidu', 'fctiduz', 'fctiw', 'fctiwz', 'fctiwu', 'fctiwuz'].map(
    (name): [string, Semantics] => [name, arithmetic(name, ['FRB'])],
  ),
  ['frin', arithmetic('xsrdpi', ['FRB'])], ['friz', arithmetic('xsrdpiz', ['FRB'])],
  ['frip', arithmetic('xsrdpip', ['FRB'])], ['frim', arithmetic('xsrdpim', ['FRB'])],
  ['fcmpu', compare(0)], ['fcmpo', compare(1)],
  ['ftdiv', test('xstdivdp', BOTH)], ['ftsqrt', test('xstsqrtdp', ['FRB'])],
]);
