/**
 * Helpers of quad-precision arithmetic: Power ISA 3.0B, Book I §7.6, the qp forms. Operands are whole registers,
 * 16 bytes apart in HELPER.
 */

import { FI, FR, XX } from '../../cpu/fpscr.ts';
import { FPSCR } from '../../cpu/layout.ts';
import { readElement, writeElement } from './elements.ts';
import { ELEMENTS, raise, SCALAR_STATUS, setFprf, statusOf } from './float.ts';
import type { Helper } from './helper.ts';
import {
  type Context,
  contextOf,
  convert,
  type Format,
  QUAD,
  type Rounding,
  resultClass,
  toIntegral,
} from './softfloat/index.ts';

/** A quad-precision operation; `rounding` where the instruction fixes it. */
function quad(
  operands: number,
  element: (values: readonly bigint[], context: Context) => bigint,
  rounding?: Rounding,
): Helper {
  return {
    arity: 0,
    run: (state) => {
      const context = contextOf(state.getUint32(FPSCR, true), rounding);
      const values = Array.from({ length: operands }, (_, n) => readElement(state, n, 0, 16));
      return finishQuad(state, element(values, context), context);
    },
  };
}
function finishQuad(state: DataView, result: bigint, context: Context): number {
  if (!raise(state, statusOf(context.flags), SCALAR_STATUS)) return 0;
  setFprf(state, resultClass(result, QUAD));
  writeElement(state, 0, 16, result);
  return 1;
}
const quads = ['add', 'sub', 'mul', 'div', 'sqrt', 'madd', 'msub', 'nmadd', 'nmsub'].flatMap(
  (name): [string, Helper][] => {
    const { operands, make } = ELEMENTS.get(name) as NonNullable<ReturnType<typeof ELEMENTS.get>>;
    const element = make(QUAD, QUAD);
    return [
      [`xs${name}qp`, quad(operands, element)],
      [`xs${name}qpo`, quad(operands, element, 'odd')],
    ];
  },
);

/** R and RMC choose the mode: Power ISA 3.0B, Book I, xsrqpi. */
function quadMode(word: number, r: number, rmc: number): Rounding {
  if (r === 0) return rmc === 0 ? 'away' : contextOf(word).rounding;
  return (['nearest', 'zero', 'up', 'down'] as const)[rmc] as Rounding;
}
/** Arguments: R, RMC, and whether inexact is raised. */
const roundQuad: Helper = {
  arity: 3,
  run: (state, r, rmc, exact) => {
    const word = state.getUint32(FPSCR, true);
    const mode = quadMode(word, r, rmc);
    const context = contextOf(word, mode);
    const result = toIntegral(readElement(state, 0, 0, 16), QUAD, mode, context);
    if (exact === 0) context.flags &= ~(XX | FI | FR);
    return finishQuad(state, result, context);
  },
};
/** A quad rounded to the 64-bit significand of the x87 extended format, and back. */
const EXTENDED: Format = { exponentBits: 15, fractionBits: 63, bias: 16383, adjust: 24576 };
const roundToExtended: Helper = {
  arity: 2,
  run: (state, r, rmc) => {
    const word = state.getUint32(FPSCR, true);
    const context = contextOf(word, quadMode(word, r, rmc));
    const narrow = convert(readElement(state, 0, 0, 16), QUAD, EXTENDED, context);
    return finishQuad(state, convert(narrow, EXTENDED, QUAD, { ...context, flags: 0 }), context);
  },
};

// biome-ignore format: related entries share a line
export const FLOAT_QUAD_HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ...quads, ['xsrqpi', roundQuad], ['xsrqpxp', roundToExtended],
]);
