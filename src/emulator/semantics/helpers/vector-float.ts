/**
 * Helpers of the vector facility's floating-point instructions: Power ISA 3.0B, Book I §6.10. Always round to
 * nearest, no exceptions, FPSCR untouched. With VSCR[NJ] denormal operands and results count as zeros of their sign.
 * Estimates are as near as JavaScript computes them.
 */

import { VSCR } from '../../cpu/layout.ts';
import { readElement, writeElement } from './elements.ts';
import type { Helper } from './helper.ts';
import {
  add,
  type Context,
  compare,
  divide,
  fromInteger,
  fused,
  type IntegerRange,
  infinity,
  integerRange,
  type Rounding,
  SINGLE,
  squareRoot,
  toIntegral,
  unpack,
  zero,
} from './softfloat/index.ts';

const NJ = 0x10000;
const fresh = (rounding: Rounding = 'nearest'): Context => ({ rounding, enables: 0, flags: 0 });

/** A denormal as zero when the mode is non-Java. */
function flush(state: DataView, bits: bigint): bigint {
  const denormal = (bits & 0x7f800000n) === 0n;
  return denormal && (state.getUint32(VSCR, true) & NJ) !== 0 ? bits & 0x80000000n : bits;
}

type Element = (operands: readonly bigint[]) => bigint;

function lanes(count: number, element: Element): Helper {
  return {
    arity: 0,
    run: (state) => {
      for (let i = 0; i < 4; i++) {
        const operands = Array.from({ length: count }, (_, n) => flush(state, readElement(state, n, i, 4)));
        writeElement(state, i, 4, flush(state, element(operands)));
      }
      return 0;
    },
  };
}

type One = readonly [bigint];
type Two = readonly [bigint, bigint];
type Three = readonly [bigint, bigint, bigint];

const quiet = (bits: bigint): bigint => bits | 0x400000n;
const isNaN32 = (bits: bigint): boolean => (bits & 0x7fffffffn) > 0x7f800000n;

/** The first NaN made quiet; of numbers the greater or lesser, positive zero being the greater. */
function extreme(greatest: boolean): Element {
  return (operands) => {
    const [a, b] = operands as Two;
    if (isNaN32(a)) return quiet(a);
    if (isNaN32(b)) return quiet(b);
    const order = compare(a, b, SINGLE);
    if (order === 'equal') return unpack(a, SINGLE).negative === greatest ? b : a;
    return (order === 'greater') === greatest ? a : b;
  };
}

/** An estimate by JavaScript's double arithmetic, for operands that are not NaNs. */
function estimate(f: (x: number) => number): Element {
  const view = new DataView(new ArrayBuffer(4));
  return (operands) => {
    const [bits] = operands as One;
    if (isNaN32(bits)) return quiet(bits);
    view.setUint32(0, Number(bits));
    const result = f(view.getFloat32(0));
    if (Number.isNaN(result)) return 0x7fc00000n;
    view.setFloat32(0, result);
    return BigInt(view.getUint32(0));
  };
}

function reciprocalRoot(bits: bigint): bigint {
  const value = unpack(bits, SINGLE);
  if (value.kind === 'zero') return infinity(value.negative, SINGLE);
  return divide(0x3f800000n, squareRoot(bits, SINGLE, SINGLE, fresh()), SINGLE, SINGLE, fresh());
}

/** Argument: the power of two by which values are scaled. Words saturate, a NaN gives zero. Answers 1 on saturation. */
function toWords(range: IntegerRange): Helper {
  return {
    arity: 1,
    run: (state, scale) => {
      let saturated = 0;
      for (let i = 0; i < 4; i++) {
        const value = unpack(readElement(state, 0, i, 4), SINGLE);
        let result = 0n;
        if (value.kind === 'finite') {
          // Scaling may leave the format's range, so the number is cut down here and not in it.
          const exponent = value.exponent + scale;
          const magnitude =
            exponent >= 0
              ? value.significand << BigInt(Math.min(exponent, 64))
              : value.significand >> BigInt(-exponent);
          result = value.negative ? -magnitude : magnitude;
        } else if (value.kind === 'infinity')
          result = value.negative ? range.least - 1n : range.greatest + 1n;
        const clamped =
          result < range.least ? range.least : result > range.greatest ? range.greatest : result;
        if (clamped !== result) saturated = 1;
        writeElement(state, i, 4, clamped);
      }
      return saturated;
    },
  };
}
/** Argument: the power of two by which the result is divided. */
function fromWords(signed: boolean): Helper {
  return {
    arity: 1,
    run: (state, scale) => {
      for (let i = 0; i < 4; i++) {
        const word = readElement(state, 0, i, 4);
        const bits = fromInteger(signed ? BigInt.asIntN(32, word) : word, SINGLE, fresh());
        const value = unpack(bits, SINGLE);
        // At most 2^-31 of a number that is at least 1: never denormal.
        writeElement(
          state,
          i,
          4,
          value.kind === 'zero' ? zero(false, SINGLE) : bits - (BigInt(scale) << 23n),
        );
      }
      return 0;
    },
  };
}

/** Masks of words by order; answers CR6's value (8 all true, 2 none). */
function compares(holds: (a: bigint, b: bigint) => boolean): Helper {
  return {
    arity: 0,
    run: (state) => {
      const masks = [0, 1, 2, 3].map((i) =>
        holds(flush(state, readElement(state, 0, i, 4)), flush(state, readElement(state, 1, i, 4))),
      );
      masks.forEach((mask, i) => {
        writeElement(state, i, 4, mask ? -1n : 0n);
      });
      return (masks.every((mask) => mask) ? 8 : 0) | (masks.some((mask) => mask) ? 0 : 2);
    },
  };
}
/** vcmpbfp: the highest bit for a above b, the next for a below −b. Answers 2 when all lie within. */
const bounds: Helper = {
  arity: 0,
  run: (state) => {
    let within = true;
    for (let i = 0; i < 4; i++) {
      const [a, b] = [flush(state, readElement(state, 0, i, 4)), flush(state, readElement(state, 1, i, 4))];
      const above = !['less', 'equal'].includes(compare(a, b, SINGLE));
      const below = !['greater', 'equal'].includes(compare(a, b ^ 0x80000000n, SINGLE));
      within &&= !above && !below;
      writeElement(state, i, 4, (above ? 0x80000000n : 0n) | (below ? 0x40000000n : 0n));
    }
    return within ? 2 : 0;
  },
};

const integral = (rounding: Rounding): Helper =>
  lanes(1, ([a]) => toIntegral(a as bigint, SINGLE, rounding, fresh()));

// biome-ignore format: related entries share a line
export const VECTOR_FLOAT_HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ['vaddfp', lanes(2, ([a, b]) => add(a as bigint, b as bigint, SINGLE, SINGLE, false, fresh()))],
  ['vsubfp', lanes(2, ([a, b]) => add(a as bigint, b as bigint, SINGLE, SINGLE, true, fresh()))],
  ['vmaddfp', lanes(3, (each) => madd(each as Three, false))],
  ['vnmsubfp', lanes(3, (each) => madd(each as Three, true))],
  ['vmaxfp', lanes(2, extreme(true))], ['vminfp', lanes(2, extreme(false))],
  ['vrefp', lanes(1, ([a]) => divide(0x3f800000n, a as bigint, SINGLE, SINGLE, fresh()))],
  ['vrsqrtefp', lanes(1, ([a]) => reciprocalRoot(a as bigint))],
  ['vexptefp', lanes(1, estimate((x) => 2 ** x))], ['vlogefp', lanes(1, estimate(Math.log2))],
  ['vrfin', integral('nearest')], ['vrfiz', integral('zero')], ['vrfip', integral('up')], ['vrfim', integral('down')],
  ['vctsxs', toWords(integerRange(32, true))], ['vctuxs', toWords(integerRange(32, false))],
  ['vcfsx', fromWords(true)], ['vcfux', fromWords(false)],
  ['vcmpeqfp', compares((a, b) => compare(a, b, SINGLE) === 'equal')],
  ['vcmpgtfp', compares((a, b) => compare(a, b, SINGLE) === 'greater')],
  ['vcmpgefp', compares((a, b) => ['greater', 'equal'].includes(compare(a, b, SINGLE)))],
  ['vcmpbfp', bounds],
]);

/** a × c + b, or −(a × c − b). */
function madd([a, c, b]: Three, negative: boolean): bigint {
  return fused(a, c, b, SINGLE, SINGLE, { negateAddend: negative, negateResult: negative }, fresh());
}
