/**
 * Floating-point on vector-scalar registers: Power ISA 3.0B, Book I §7.6. A scalar (xs) is doubleword 0 and leaves
 * doubleword 1 zero; vectors (xv) are two doubles (dp) or four singles (sp). Helpers compute (helpers/float*.ts); moves of
 * signs, exponents and fractions are emitted here. Each element of XT:
 *
 *     add sub mul div sqrt re rsqrte   as the f forms of §4.6.6, of XA and XB
 *     madd msub nmadd nmsub   a form: a × b ± t; m form: a × t ± b; n: negated
 *     rsp rdp…    b rounded to single; to an integer: i nearest away, ic current mode, iz to zero, ip up, im down
 *     cv…         b from one format or integer to the other; saturated to integers
 *     cmpu cmpo   CR field BF and FPCC ← less ‖ greater ‖ equal ‖ unordered; cmpexp: of exponents alone
 *     cmpeq cmpgt cmpge   a op b ? all ones : 0; record forms: CR6 ← all ‖ 0 ‖ none ‖ 0
 *     max min     the greater, the lesser; c and j: by the rules of C and of Java
 *     tdiv tsqrt  CR field BF ← 1 ‖ operands out of range ‖ … ‖ 0
 *     tstdc       CR field BF ← sign ‖ 0 ‖ b is of a class that DCMX names ‖ not single; xv: all ones or 0
 *     abs nabs neg cpsgn  b with sign 0, 1, its own complemented, a's
 *     xexp xsig iexp   b's exponent; b's significand with its leading bit; a's sign and fraction with exponent b
 */

import { HELPER } from '../../cpu/layout.ts';
import {
  constant128,
  type I64,
  i32,
  i32c,
  i32x4,
  i64,
  i64c,
  i64x2,
  type V128,
  v128,
} from '../../wasm/index.ts';
import { doubleFromSingle, singleFromDouble } from '../floating-point/format.ts';
import { trapEnabled } from '../floating-point/status.ts';
import type { Ops, Semantics } from '../ops/ops.ts';
import { highHalf, inElement0 } from '../vector/elements.ts';

export const setOperands = (o: Ops, operands: readonly string[]): void => {
  operands.forEach((each, i) => {
    o.setStateVector(HELPER + 16 * i, o.vector(each));
  });
};

/** Doublewords 0 to HELPER, eight bytes apart; the result is doubleword 0. */
function scalar(helper: string, operands: readonly string[]): Semantics {
  return (o) => {
    operands.forEach((each, i) => {
      o.setState64(HELPER + 8 * i, highHalf(o.vector(each)));
    });
    o.if(o.helper(helper, []), () => o.setVector('XT', inElement0(o.state64(HELPER))));
    trapEnabled(o);
  };
}
/** Doublewords 0 in vectors whose other half is zero; the result likewise. */
function scalarInVector(helper: string): Semantics {
  return (o) => {
    ['XA', 'XB'].forEach((each, i) => {
      o.setStateVector(HELPER + 16 * i, inElement0(highHalf(o.vector(each))));
    });
    o.if(o.helper(helper, []), () => o.setVector('XT', inElement0(highHalf(o.stateVector(HELPER)))));
    trapEnabled(o);
  };
}
/** Whole registers. */
export function whole(helper: string, operands: readonly string[], to = 'XT'): Semantics {
  return (o) => {
    setOperands(o, operands);
    o.if(o.helper(helper, []), () => o.setVector(to, o.stateVector(HELPER)));
    trapEnabled(o);
  };
}

/** The fused forms: `a` multiplies XA and XB and adds XT, `m` multiplies XA and XT and adds XB. */
const ORDERS = { a: ['XA', 'XB', 'XT'], m: ['XA', 'XT', 'XB'] } as const;
const fused = ['madd', 'msub', 'nmadd', 'nmsub'].flatMap((name): [string, Semantics][] =>
  (['a', 'm'] as const).flatMap((form): [string, Semantics][] => [
    [`xs${name}${form}dp`, scalar(`f${name}`, ORDERS[form])],
    [`xs${name}${form}sp`, scalar(`f${name}s`, ORDERS[form])],
    [`xv${name}${form}dp`, whole(`xv${name}dp`, ORDERS[form])],
    [`xv${name}${form}sp`, whole(`xv${name}sp`, ORDERS[form])],
  ]),
);
const arithmetic = (
  [
    ['add', ['XA', 'XB']],
    ['sub', ['XA', 'XB']],
    ['mul', ['XA', 'XB']],
    ['div', ['XA', 'XB']],
    ['sqrt', ['XB']],
    ['re', ['XB']],
    ['rsqrte', ['XB']],
  ] as const
).flatMap(([name, operands]): [string, Semantics][] => [
  [`xs${name}dp`, scalar(`f${name}`, operands)],
  [`xs${name}sp`, scalar(`f${name}s`, operands)],
  [`xv${name}dp`, whole(`xv${name}dp`, operands)],
  [`xv${name}sp`, whole(`xv${name}sp`, operands)],
]);

function scalarCompare(ordered: number): Semantics {
  return (o) => {
    o.setState64(HELPER, highHalf(o.vector('XA')));
    o.setState64(HELPER + 8, highHalf(o.vector('XB')));
    o.setCrField('BF', o.helper('fcmp', [i32c(ordered)]));
    trapEnabled(o);
  };
}
function vectorCompare(helper: string): Semantics {
  return (o) => {
    setOperands(o, ['XA', 'XB']);
    const answer = o.let(o.helper(helper, []));
    o.if(answer, () => {
      o.setVector('XT', o.stateVector(HELPER));
      if (o.record) o.setCrField(6, i32.and(answer, i32c(15)));
    });
    trapEnabled(o);
  };
}
/** A mask in doubleword 0. */
function compareToMask(helper: string): Semantics {
  return (o) => {
    setOperands(o, ['XA', 'XB']);
    o.if(o.helper(helper, []), () => o.setVector('XT', inElement0(highHalf(o.stateVector(HELPER)))));
    trapEnabled(o);
  };
}
export function test(helper: string, operands: readonly string[], argument?: string): Semantics {
  return (o) => {
    setOperands(o, operands);
    o.setCrField('BF', o.helper(helper, argument === undefined ? [] : [o.imm(argument)]));
  };
}
function testClass(helper: string): Semantics {
  return (o) => {
    setOperands(o, ['XB']);
    o.if(o.helper(helper, [o.imm('DCMX')]), () => o.setVector('XT', o.stateVector(HELPER)));
  };
}

/** Sign manipulation on all elements of a width. */
const SIGNS = {
  dp: constant128(1n << 63n, 1n << 63n),
  sp: constant128(0x8000000080000000n, 0x8000000080000000n),
} as const;
const signs = (['dp', 'sp'] as const).flatMap((suffix): [string, Semantics][] => {
  const sign = SIGNS[suffix];
  return [
    [`xvabs${suffix}`, (o) => o.setVector('XT', v128.andNot(o.vector('XB'), sign))],
    [`xvnabs${suffix}`, (o) => o.setVector('XT', v128.or(o.vector('XB'), sign))],
    [`xvneg${suffix}`, (o) => o.setVector('XT', v128.xor(o.vector('XB'), sign))],
    [`xvcpsgn${suffix}`, (o) => o.setVector('XT', v128.bitselect(o.vector('XA'), o.vector('XB'), sign))],
  ];
});
export const SIGN: bigint = 1n << 63n;
function scalarMove(f: (a: I64) => I64): Semantics {
  return (o) => o.setVector('XT', inElement0(f(highHalf(o.vector('XB')))));
}

/** Exponents to the low end of each element, and significands with the leading bit that a normal number has. */
function exponents(lanes: typeof i32x4 | typeof i64x2, fractionBits: number, mask: bigint): Semantics {
  return (o) =>
    o.setVector('XT', v128.and(lanes.shrU(o.vector('XB'), i32c(fractionBits)), constant128(mask, mask)));
}
function significands(
  lanes: typeof i32x4 | typeof i64x2,
  fraction: bigint,
  exponent: bigint,
  leading: bigint,
): Semantics {
  const [fractions, maximum] = [constant128(fraction, fraction), constant128(exponent, exponent)];
  return (o) => {
    const b = o.let(o.vector('XB'));
    const e = o.let(v128.and(b, maximum));
    const special = v128.or(lanes.eq(e, maximum), lanes.eq(e, constant128(0n, 0n)));
    const bit = v128.andNot(constant128(leading, leading), special);
    o.setVector('XT', v128.or(v128.and(b, fractions), bit));
  };
}
/** Sign and fraction of XA with the exponent in XB. */
function insertExponents(
  lanes: typeof i32x4 | typeof i64x2,
  fractionBits: number,
  exponent: bigint,
): Semantics {
  return (o) => {
    const mask = constant128(exponent, exponent);
    o.setVector('XT', v128.bitselect(lanes.shl(o.vector('XB'), i32c(fractionBits)), o.vector('XA'), mask));
  };
}
const DP = { fraction: (1n << 52n) - 1n, exponent: 0x7ffn << 52n, leading: 1n << 52n } as const;
const twice = (word: bigint): bigint => (word << 32n) | word;

function significand64(o: Ops, value: I64): I64 {
  const d = o.let(value);
  const e = o.let(i64.and(d, i64c(DP.exponent)));
  const special = i32.or(i64.eqz(e), i64.eq(e, i64c(DP.exponent)));
  return i64.or(i64.and(d, i64c(DP.fraction)), i64.select(i64c(0), i64c(DP.leading), special));
}

/** A single in the low 32 bits as both words of doubleword 0. */
function bothWords(single: I64): V128 {
  return inElement0(i64.mul(single, i64c(0x100000001n)));
}

const CONVERSIONS = [
  'xscvdpsp',
  'xscvspdp',
  'xscvdphp',
  'xscvhpdp',
  'xvcvdpsp',
  'xvcvspdp',
  'xvcvsphp',
  'xvcvhpsp',
  ...['s', 'u'].flatMap((s) => [
    `xscvdp${s}xws`,
    `xscvdp${s}xds`,
    `xvcvdp${s}xws`,
    `xvcvdp${s}xds`,
    `xvcvsp${s}xws`,
    `xvcvsp${s}xds`,
    `xvcv${s}xddp`,
    `xvcv${s}xwdp`,
    `xvcv${s}xwsp`,
    `xvcv${s}xdsp`,
  ]),
];

// biome-ignore format: related entries share a line
export const VECTOR_SCALAR: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...arithmetic, ...fused, ...signs,
  ...CONVERSIONS.map((name): [string, Semantics] => [name, whole(name, ['XB'])]),
  ['xscvsxddp', scalar('fcfid', ['XB'])], ['xscvuxddp', scalar('fcfidu', ['XB'])],
  ['xscvsxdsp', scalar('fcfids', ['XB'])], ['xscvuxdsp', scalar('fcfidus', ['XB'])],
  ['xsrsp', scalar('frsp', ['XB'])],
  ...['i', 'iz', 'ip', 'im', 'ic'].flatMap((mode): [string, Semantics][] => [
    [`xsrdp${mode}`, scalar(`xsrdp${mode}`, ['XB'])],
    [`xvrdp${mode}`, whole(`xvrdp${mode}`, ['XB'])], [`xvrsp${mode}`, whole(`xvrsp${mode}`, ['XB'])],
  ]),
  ['xscvspdpn', (o) => o.setVector('XT', inElement0(doubleFromSingle(o, i64.shrU(highHalf(o.vector('XB')), i64c(32)))))],
  ['xscvdpspn', (o) => o.setVector('XT', bothWords(singleFromDouble(o, highHalf(o.vector('XB')))))],
  ['xscmpudp', scalarCompare(0)], ['xscmpodp', scalarCompare(1)], ['xscmpexpdp', test('xscmpexpdp', ['XA', 'XB'])],
  ...['eq', 'gt', 'ge'].flatMap((relation): [string, Semantics][] => [
    [`xscmp${relation}dp`, compareToMask(`xscmp${relation}dp`)],
    [`xvcmp${relation}dp`, vectorCompare(`xvcmp${relation}dp`)], [`xvcmp${relation}sp`, vectorCompare(`xvcmp${relation}sp`)],
  ]),
  ...['max', 'min'].flatMap((name): [string, Semantics][] => [
    [`xs${name}dp`, scalarInVector(`xv${name}dp`)], [`xs${name}cdp`, scalarInVector(`xs${name}cdp`)],
    [`xs${name}jdp`, scalarInVector(`xs${name}jdp`)],
    [`xv${name}dp`, whole(`xv${name}dp`, ['XA', 'XB'])], [`xv${name}sp`, whole(`xv${name}sp`, ['XA', 'XB'])],
  ]),
  ['xstdivdp', test('xstdivdp', ['XA', 'XB'])], ['xstsqrtdp', test('xstsqrtdp', ['XB'])],
  ['xvtdivdp', test('xvtdivdp', ['XA', 'XB'])], ['xvtsqrtdp', test('xvtsqrtdp', ['XB'])],
  ['xvtdivsp', test('xvtdivsp', ['XA', 'XB'])], ['xvtsqrtsp', test('xvtsqrtsp', ['XB'])],
  ['xststdcsp', test('xststdcsp', ['XB'], 'DCMXs')], ['xststdcdp', test('xststdcdp', ['XB'], 'DCMXs')],
  ['xvtstdcsp', testClass('xvtstdcsp')], ['xvtstdcdp', testClass('xvtstdcdp')],
  ['xsabsdp', scalarMove((a) => i64.and(a, i64c(SIGN - 1n)))], ['xsnabsdp', scalarMove((a) => i64.or(a, i64c(SIGN)))],
  ['xsnegdp', scalarMove((a) => i64.xor(a, i64c(SIGN)))],
  ['xscpsgndp', (o) => o.setVector('XT', inElement0(highHalf(v128.bitselect(o.vector('XA'), o.vector('XB'), SIGNS.dp))))],
  ['xsxexpdp', (o) => o.setGpr('RT', i64.and(i64.shrU(highHalf(o.vector('XB')), i64c(52)), i64c(0x7ff)))],
  ['xsxsigdp', (o) => o.setGpr('RT', significand64(o, highHalf(o.vector('XB'))))],
  ['xsiexpdp', (o) => {
    const exponent = i64.shl(i64.and(o.gpr('RB'), i64c(0x7ff)), i64c(52));
    o.setVector('XT', inElement0(i64.or(i64.and(o.gpr('RA'), i64c(SIGN | DP.fraction)), exponent)));
  }],
  ['xvxexpdp', exponents(i64x2, 52, 0x7ffn)], ['xvxexpsp', exponents(i32x4, 23, twice(0xffn))],
  ['xvxsigdp', significands(i64x2, DP.fraction, DP.exponent, DP.leading)],
  ['xvxsigsp', significands(i32x4, twice(0x7fffffn), twice(0x7f800000n), twice(0x800000n))],
  ['xviexpdp', insertExponents(i64x2, 52, DP.exponent)], ['xviexpsp', insertExponents(i32x4, 23, twice(0x7f800000n))],
]);
