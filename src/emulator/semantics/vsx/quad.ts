/**
 * Quad precision on vector registers: Power ISA 3.0B, Book I §7.6, the qp forms. Helpers compute (helpers/float-quad.ts,
 * float-convert.ts); moves of signs, exponents and fractions are emitted here. VRT is:
 *
 *     add sub mul div sqrt    round(a op b); o forms round to odd
 *     madd msub nmadd nmsub   round(a × b ± t); n: negated
 *     cvqp… cv…qp b as a double, an integer, a quad
 *     rqpi rqpxp  b rounded to an integer, to the precision of x87's extended format, in mode R ‖ RMC; x: XX is set
 *     cmpu cmpo   CR field BF and FPCC ← less ‖ greater ‖ equal ‖ unordered; cmpexp: of exponents alone
 *     tstdc       CR field BF ← sign ‖ 0 ‖ b is of a class that DCMX names ‖ 0
 *     abs nabs neg cpsgn  b with sign 0, 1, its own complemented, a's
 *     xexp xsig iexp   b's exponent; b's significand with its leading bit; a's sign and fraction with exponent b
 */

import { HELPER } from '../../cpu/layout.ts';
import { type I64, i32, i32c, i64, i64c, pair64 } from '../../wasm/index.ts';
import { trapEnabled } from '../floating-point/status.ts';
import type { Semantics } from '../ops/ops.ts';
import { highHalf, inElement0, lowHalf } from '../vector/elements.ts';
import { SIGN, setOperands, test, whole } from './arithmetic.ts';

const QUAD_FRACTION_HIGH = (1n << 48n) - 1n;
const QUAD_EXPONENT = 0x7fffn << 48n;

function quad(helper: string, operands: readonly string[]): Semantics {
  return whole(helper, operands, 'VRT');
}
/** Changes the high doubleword only. */
function quadMove(f: (high: I64) => I64): Semantics {
  return (o) => {
    const b = o.let(o.vector('VRB'));
    o.setVector('VRT', pair64(lowHalf(b), f(highHalf(b))));
  };
}
function roundQuad(helper: string, exact?: number): Semantics {
  return (o) => {
    setOperands(o, ['VRB']);
    const args = [o.imm('RINT'), o.imm('RMC'), ...(exact === undefined ? [] : [i32c(exact)])];
    o.if(o.helper(helper, args), () => o.setVector('VRT', o.stateVector(HELPER)));
    trapEnabled(o);
  };
}
function quadCompare(ordered: number): Semantics {
  return (o) => {
    setOperands(o, ['VRA', 'VRB']);
    o.setCrField('BF', o.helper('xscmpqp', [i32c(ordered)]));
    trapEnabled(o);
  };
}
const odd = (stem: string, operands: readonly string[]): [string, Semantics][] =>
  [stem, `${stem}o`].map((name) => [name, quad(name, operands)]);

// biome-ignore format: related entries share a line
export const QUAD_PRECISION: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...['xsaddqp', 'xssubqp', 'xsmulqp', 'xsdivqp'].flatMap((name) => odd(name, ['VRA', 'VRB'])),
  ...odd('xssqrtqp', ['VRB']), ...odd('xscvqpdp', ['VRB']),
  ...['xsmaddqp', 'xsmsubqp', 'xsnmaddqp', 'xsnmsubqp'].flatMap((name) => odd(name, ['VRA', 'VRB', 'VRT'])),
  ...['xscvdpqp', 'xscvqpswz', 'xscvqpuwz', 'xscvqpsdz', 'xscvqpudz', 'xscvsdqp', 'xscvudqp'].map(
    (name): [string, Semantics] => [name, quad(name, ['VRB'])],
  ),
  ['xscmpuqp', quadCompare(0)], ['xscmpoqp', quadCompare(1)], ['xscmpexpqp', test('xscmpexpqp', ['VRA', 'VRB'])],
  ['xststdcqp', test('xststdcqp', ['VRB'], 'DCMXs')],
  ['xsrqpi', roundQuad('xsrqpi', 0)], ['xsrqpix', roundQuad('xsrqpi', 1)], ['xsrqpxp', roundQuad('xsrqpxp')],
  ['xsabsqp', quadMove((a) => i64.and(a, i64c(SIGN - 1n)))], ['xsnabsqp', quadMove((a) => i64.or(a, i64c(SIGN)))],
  ['xsnegqp', quadMove((a) => i64.xor(a, i64c(SIGN)))],
  ['xscpsgnqp', (o) => {
    const sign = i64.and(highHalf(o.vector('VRA')), i64c(SIGN));
    const b = o.let(o.vector('VRB'));
    o.setVector('VRT', pair64(lowHalf(b), i64.or(sign, i64.and(highHalf(b), i64c(SIGN - 1n)))));
  }],
  ['xsxexpqp', (o) => o.setVector('VRT', inElement0(i64.and(i64.shrU(highHalf(o.vector('VRB')), i64c(48)), i64c(0x7fff))))],
  ['xsxsigqp', (o) => {
    const b = o.let(o.vector('VRB'));
    const e = o.let(i64.and(highHalf(b), i64c(QUAD_EXPONENT)));
    const special = i32.or(i64.eqz(e), i64.eq(e, i64c(QUAD_EXPONENT)));
    const leading = i64.select(i64c(0), i64c(1n << 48n), special);
    o.setVector('VRT', pair64(lowHalf(b), i64.or(i64.and(highHalf(b), i64c(QUAD_FRACTION_HIGH)), leading)));
  }],
  ['xsiexpqp', (o) => {
    const a = o.let(o.vector('VRA'));
    const exponent = i64.shl(i64.and(highHalf(o.vector('VRB')), i64c(0x7fff)), i64c(48));
    o.setVector('VRT', pair64(lowHalf(a), i64.or(i64.and(highHalf(a), i64c(SIGN | QUAD_FRACTION_HIGH)), exponent)));
  }],
]);
