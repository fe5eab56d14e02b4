/**
 * Helpers of the VSX conversions: Power ISA 3.0B, Book I §7.6 (between formats, to and from
 * integers). Source and result are elements of 16-byte operands; elements not written become zero.
 */

import { FPRF, FPRF_SHIFT, VE, VXCVI } from '../../cpu/fpscr.ts';
import { FPSCR, HELPER } from '../../cpu/layout.ts';
import { clearResult, readElement, writeElement } from './elements.ts';
import { raise, SCALAR_STATUS, setFprf, statusOf, trapEnabled } from './float.ts';
import type { Helper } from './helper.ts';
import {
  type Context,
  contextOf,
  convert,
  DOUBLE,
  type Format,
  fromInteger,
  HALF,
  integerRange,
  QUAD,
  type Rounding,
  resultClass,
  SINGLE,
  toInteger,
} from './softfloat/index.ts';

type Place = { readonly width: number; readonly element: (i: number) => number };
const each = (width: number): Place => ({ width, element: (i) => i });
/** The even-numbered elements, which is where narrow ones stand beside wide ones. */
const even = (width: number): Place => ({ width, element: (i) => 2 * i });
const odd = (width: number): Place => ({ width, element: (i) => 2 * i + 1 });

type Conversion = {
  readonly count: number;
  readonly from: Place;
  readonly to: Place;
  /** The result stands in the next element too, as all processors do where the book left it undefined. */
  readonly twice?: boolean;
  readonly rounding?: Rounding;
  /** The class of a scalar's result goes to FPRF. */
  readonly fprf?: Format;
  readonly convert: (bits: bigint, context: Context) => bigint;
};

/** A scalar sets FR, FI and perhaps FPRF; a vector only exceptions. */
function conversion(scalar: boolean, what: Conversion): Helper {
  return {
    arity: 0,
    run: (state) => {
      const word = state.getUint32(FPSCR, true);
      const results: bigint[] = [];
      let flags = 0;
      for (let i = 0; i < what.count; i++) {
        const context = contextOf(word, what.rounding);
        results.push(what.convert(readElement(state, 0, what.from.element(i), what.from.width), context));
        flags |= context.flags;
      }
      const allowed = raise(state, scalar ? statusOf(flags) : flags, scalar ? SCALAR_STATUS : 0);
      if (!allowed || (!scalar && trapEnabled(flags, word))) return 0;
      if (what.fprf !== undefined) setFprf(state, resultClass(results[0] as bigint, what.fprf));
      clearResult(state);
      results.forEach((result, i) => {
        const element = what.to.element(i);
        writeElement(state, element, what.to.width, result);
        if (what.twice === true) writeElement(state, element + 1, what.to.width, result);
      });
      return 1;
    },
  };
}

const between =
  (from: Format, to: Format): Conversion['convert'] =>
  (bits, context) =>
    convert(bits, from, to, context);
const scalars: readonly [string, Conversion][] = [
  [
    'xscvdpsp',
    { count: 1, from: each(8), to: each(4), twice: true, fprf: SINGLE, convert: between(DOUBLE, SINGLE) },
  ],
  ['xscvspdp', { count: 1, from: each(4), to: each(8), fprf: DOUBLE, convert: between(SINGLE, DOUBLE) }],
  [
    'xscvdphp',
    {
      count: 1,
      from: each(8),
      to: { width: 2, element: () => 3 },
      fprf: HALF,
      convert: between(DOUBLE, HALF),
    },
  ],
  [
    'xscvhpdp',
    {
      count: 1,
      from: { width: 2, element: () => 3 },
      to: each(8),
      fprf: DOUBLE,
      convert: between(HALF, DOUBLE),
    },
  ],
  ['xscvqpdp', { count: 1, from: each(16), to: each(8), fprf: DOUBLE, convert: between(QUAD, DOUBLE) }],
  [
    'xscvqpdpo',
    { count: 1, from: each(16), to: each(8), fprf: DOUBLE, rounding: 'odd', convert: between(QUAD, DOUBLE) },
  ],
  ['xscvdpqp', { count: 1, from: each(8), to: each(16), fprf: QUAD, convert: between(DOUBLE, QUAD) }],
];
const vectors: readonly [string, Conversion][] = [
  ['xvcvdpsp', { count: 2, from: each(8), to: even(4), twice: true, convert: between(DOUBLE, SINGLE) }],
  ['xvcvspdp', { count: 2, from: even(4), to: each(8), convert: between(SINGLE, DOUBLE) }],
  ['xvcvsphp', { count: 4, from: each(4), to: odd(2), convert: between(SINGLE, HALF) }],
  ['xvcvhpsp', { count: 4, from: odd(2), to: each(4), convert: between(HALF, SINGLE) }],
];

/** To integers, toward zero: formats by letters, `s` or `u`, word or doubleword. */
const SIGNS = [
  ['s', true],
  ['u', false],
] as const;
const intoInteger = (f: Format, bits: number, signed: boolean): Conversion['convert'] => {
  const range = integerRange(bits, signed);
  return (value, context) => toInteger(value, f, range, 'zero', context);
};
const toIntegers = SIGNS.flatMap(([letter, signed]): [string, Helper][] => [
  [
    `xscvdp${letter}xws`,
    conversion(true, {
      count: 1,
      from: each(8),
      to: each(4),
      twice: true,
      convert: intoInteger(DOUBLE, 32, signed),
    }),
  ],
  [
    `xscvdp${letter}xds`,
    conversion(true, { count: 1, from: each(8), to: each(8), convert: intoInteger(DOUBLE, 64, signed) }),
  ],
  [
    `xscvqp${letter}wz`,
    conversion(true, { count: 1, from: each(16), to: each(8), convert: intoInteger(QUAD, 32, signed) }),
  ],
  [
    `xscvqp${letter}dz`,
    conversion(true, { count: 1, from: each(16), to: each(8), convert: intoInteger(QUAD, 64, signed) }),
  ],
  [
    `xvcvdp${letter}xws`,
    conversion(false, {
      count: 2,
      from: each(8),
      to: even(4),
      twice: true,
      convert: intoInteger(DOUBLE, 32, signed),
    }),
  ],
  [
    `xvcvdp${letter}xds`,
    conversion(false, { count: 2, from: each(8), to: each(8), convert: intoInteger(DOUBLE, 64, signed) }),
  ],
  [
    `xvcvsp${letter}xws`,
    conversion(false, { count: 4, from: each(4), to: each(4), convert: intoInteger(SINGLE, 32, signed) }),
  ],
  [
    `xvcvsp${letter}xds`,
    conversion(false, { count: 2, from: even(4), to: each(8), convert: intoInteger(SINGLE, 64, signed) }),
  ],
]);

const ofInteger =
  (bits: number, signed: boolean, to: Format): Conversion['convert'] =>
  (value, context) =>
    fromInteger(signed ? BigInt.asIntN(bits, value) : value, to, context);
const fromIntegers = SIGNS.flatMap(([letter, signed]): [string, Helper][] => [
  [
    `xscv${letter}dqp`,
    conversion(true, {
      count: 1,
      from: each(8),
      to: each(16),
      fprf: QUAD,
      convert: ofInteger(64, signed, QUAD),
    }),
  ],
  [
    `xvcv${letter}xddp`,
    conversion(false, { count: 2, from: each(8), to: each(8), convert: ofInteger(64, signed, DOUBLE) }),
  ],
  [
    `xvcv${letter}xwdp`,
    conversion(false, { count: 2, from: even(4), to: each(8), convert: ofInteger(32, signed, DOUBLE) }),
  ],
  [
    `xvcv${letter}xwsp`,
    conversion(false, { count: 4, from: each(4), to: each(4), convert: ofInteger(32, signed, SINGLE) }),
  ],
  [
    `xvcv${letter}xdsp`,
    conversion(false, {
      count: 2,
      from: each(8),
      to: even(4),
      twice: true,
      convert: ofInteger(64, signed, SINGLE),
    }),
  ],
]);

/**
 * fcti*: doublewords; words fill both halves, as in the VSX forms. The result class after an invalid conversion is that of
 * a quiet NaN, else unchanged; the book leaves both undefined.
 */
const classic = (
  [
    ['fctiw', 32, true],
    ['fctiwu', 32, false],
    ['fctid', 64, true],
    ['fctidu', 64, false],
  ] as const
).flatMap(([name, bits, signed]): [string, Helper][] =>
  (
    [
      ['', undefined],
      ['z', 'zero'],
    ] as const
  ).map(([suffix, rounding]) => {
    const range = integerRange(bits, signed);
    const run = (state: DataView): number => {
      const word = state.getUint32(FPSCR, true);
      const context = contextOf(word, rounding);
      const result = toInteger(state.getBigUint64(HELPER, true), DOUBLE, range, context.rounding, context);
      if ((context.flags & VXCVI) !== 0 && (word & VE) === 0) {
        state.setUint32(FPSCR, ((word & ~FPRF) | (0x11 << FPRF_SHIFT)) >>> 0, true);
      }
      if (!raise(state, statusOf(context.flags), SCALAR_STATUS)) return 0;
      const narrow = BigInt.asUintN(bits, result);
      state.setBigUint64(HELPER, bits === 32 ? (narrow << 32n) | narrow : narrow, true);
      return 1;
    };
    return [`${name}${suffix}`, { arity: 0, run }];
  }),
);

// biome-ignore format: related entries share a line
export const FLOAT_CONVERT_HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ...scalars.map(([name, what]): [string, Helper] => [name, conversion(true, what)]),
  ...vectors.map(([name, what]): [string, Helper] => [name, conversion(false, what)]),
  ...toIntegers, ...fromIntegers, ...classic,
]);
