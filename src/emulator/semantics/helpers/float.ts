/**
 * Helpers of floating-point instructions: scalar and vector operations on HELPER through softfloat/, and what they do to
 * FPSCR (Power ISA 3.0B, Book I §4.4, §7.4). Compiled code comes here with what compiled/ has no code for.
 *
 * Scalar helpers take doublewords at HELPER, +8, +16 and leave one at HELPER; vector helpers take 16 bytes each. Both
 * answer 1 where the target is to be written, 0 where an enabled exception keeps it.
 */

import * as fpscr from '../../cpu/fpscr.ts';
import { FPSCR, HELPER } from '../../cpu/layout.ts';
import type { Helper } from './helper.ts';
import {
  add,
  type Context,
  contextOf,
  convert,
  DOUBLE,
  divide,
  type Format,
  fromInteger,
  fused,
  multiply,
  type Rounding,
  resultClass,
  SINGLE,
  squareRoot,
  toIntegral,
} from './softfloat/index.ts';

/** What an operation of one element does: encodings to an encoding, raising flags in the context. */
export type Element = (operands: readonly bigint[], context: Context) => bigint;

/**
 * Merges raised exceptions into FPSCR.
 * @param replaced status bits that the instruction sets from the flags or clears: FR and FI for scalars, none for vectors
 * @returns whether the target may be written
 */
export function raise(state: DataView, flags: number, replaced: number): boolean {
  const old = state.getUint32(FPSCR, true);
  const exceptions = (flags & fpscr.EXCEPTIONS) >>> 0;
  let next = ((old & ~replaced) | (flags & replaced) | exceptions) >>> 0;
  if ((exceptions & ~old) !== 0) next = (next | fpscr.FX) >>> 0;
  state.setUint32(FPSCR, summarized(next), true);
  const invalid = (flags & fpscr.VX_ALL) !== 0 && (old & fpscr.VE) !== 0;
  return !invalid && !((flags & fpscr.ZX) !== 0 && (old & fpscr.ZE) !== 0);
}

/** With VX and FEX computed. */
function summarized(word: number): number {
  let out = (word & ~(fpscr.VX | fpscr.FEX)) >>> 0;
  if ((out & fpscr.VX_ALL) !== 0) out = (out | fpscr.VX) >>> 0;
  const enables = fpscr.VE | fpscr.OE | fpscr.UE | fpscr.ZE | fpscr.XE;
  if (((out >>> fpscr.ENABLE_DISTANCE) & out & enables) !== 0) out = (out | fpscr.FEX) >>> 0;
  return out;
}

export function setFprf(state: DataView, value: number): void {
  const old = state.getUint32(FPSCR, true);
  state.setUint32(FPSCR, ((old & ~fpscr.FPRF) | (value << fpscr.FPRF_SHIFT)) >>> 0, true);
}

/** FR and FI: cleared by invalid operations and divisions by zero. */
export const SCALAR_STATUS: number = fpscr.FR | fpscr.FI;
const VOIDS_STATUS = fpscr.VX_ALL | fpscr.ZX;

export function statusOf(flags: number): number {
  return (flags & VOIDS_STATUS) !== 0 ? flags & ~SCALAR_STATUS : flags;
}

/** A value of `from` as the register image that a double-format register holds. */
export function registerImage(bits: bigint, from: Format): bigint {
  return from === DOUBLE ? bits : convert(bits, from, DOUBLE, { rounding: 'nearest', enables: 0, flags: 0 });
}

/** An operation on doublewords whose result is of the precision `to`, held in double format. */
function scalar(count: number, to: Format, element: Element): Helper {
  return {
    arity: 0,
    run: (state) => {
      const context = contextOf(state.getUint32(FPSCR, true));
      const result = element(read(state, count, 8), context);
      const written = raise(state, statusOf(context.flags), SCALAR_STATUS);
      if (!written) return 0;
      setFprf(state, resultClass(result, to));
      state.setBigUint64(HELPER, registerImage(result, to), true);
      return 1;
    },
  };
}

function read(state: DataView, count: number, distance: number): bigint[] {
  return Array.from({ length: count }, (_, i) => state.getBigUint64(HELPER + i * distance, true));
}

/** The same operation on each element of vectors of `f`. Results are written together or not at all. */
export function vector(count: number, f: Format, element: Element, rounding?: Rounding, cleared = 0): Helper {
  const bytes = f === SINGLE ? 4 : 8;
  return {
    arity: 0,
    run: (state) => {
      const results: bigint[] = [];
      const enabled = state.getUint32(FPSCR, true);
      let flags = 0;
      for (let at = 0; at < 16; at += bytes) {
        const operands = Array.from({ length: count }, (_, i) =>
          element0(state, HELPER + 16 * i + at, bytes),
        );
        const context = contextOf(enabled, rounding);
        results.push(element(operands, context));
        flags |= context.flags;
      }
      flags &= ~cleared;
      if (!raise(state, flags, 0) || trapEnabled(flags, enabled)) return 0;
      results.forEach((result, i) => {
        if (bytes === 4) state.setUint32(HELPER + 4 * i, Number(result), true);
        else state.setBigUint64(HELPER + 8 * i, result, true);
      });
      return 1;
    },
  };
}
function element0(state: DataView, at: number, bytes: number): bigint {
  return bytes === 4 ? BigInt(state.getUint32(at, true)) : state.getBigUint64(at, true);
}
/** Vectors are not written at all when any exception of any element is enabled. */
export function trapEnabled(flags: number, enables: number): boolean {
  const invalid = (flags & fpscr.VX_ALL) !== 0 ? fpscr.VX : 0;
  return (((flags | invalid) >>> fpscr.ENABLE_DISTANCE) & enables & 0xf8) !== 0;
}

const OPERATIONS: readonly [string, number, (f: Format, to: Format) => Element][] = [
  [
    'add',
    2,
    (f, to) =>
      ([a, b], c) =>
        add(a as bigint, b as bigint, f, to, false, c),
  ],
  [
    'sub',
    2,
    (f, to) =>
      ([a, b], c) =>
        add(a as bigint, b as bigint, f, to, true, c),
  ],
  [
    'mul',
    2,
    (f, to) =>
      ([a, b], c) =>
        multiply(a as bigint, b as bigint, f, to, c),
  ],
  [
    'div',
    2,
    (f, to) =>
      ([a, b], c) =>
        divide(a as bigint, b as bigint, f, to, c),
  ],
  [
    'sqrt',
    1,
    (f, to) =>
      ([a], c) =>
        squareRoot(a as bigint, f, to, c),
  ],
  ['madd', 3, fusedElement(false, false)],
  ['msub', 3, fusedElement(true, false)],
  ['nmadd', 3, fusedElement(false, true)],
  ['nmsub', 3, fusedElement(true, true)],
  [
    're',
    1,
    (f, to) =>
      ([a], c) =>
        divide(oneOf(f), a as bigint, f, to, c),
  ],
  [
    'rsqrte',
    1,
    (f, to) =>
      ([a], c) =>
        reciprocalRoot(a as bigint, f, to, c),
  ],
];

/** Operands: multiplicand, multiplier, addend. */
function fusedElement(negateAddend: boolean, negateResult: boolean): (f: Format, to: Format) => Element {
  return (f, to) =>
    ([a, c, b], context) =>
      fused(a as bigint, c as bigint, b as bigint, f, to, { negateAddend, negateResult }, context);
}

/** The operations in a format, for the quad and vector helpers of other files. */
export const ELEMENTS: ReadonlyMap<
  string,
  { readonly operands: number; readonly make: (f: Format, to: Format) => Element }
> = new Map(OPERATIONS.map(([name, operands, make]) => [name, { operands, make }]));

function oneOf(f: Format): bigint {
  return BigInt(f.bias) << BigInt(f.fractionBits);
}

/** An estimate may be any value near enough; this one is the quotient of the rounded root. */
function reciprocalRoot(a: bigint, f: Format, to: Format, context: Context): bigint {
  return divide(oneOf(f), squareRoot(a, f, f, context), f, to, context);
}

const arithmetic = OPERATIONS.flatMap(([name, count, make]): [string, Helper][] => [
  [`f${name}`, scalar(count, DOUBLE, make(DOUBLE, DOUBLE))],
  [`f${name}s`, scalar(count, SINGLE, make(DOUBLE, SINGLE))],
  [`xv${name}dp`, vector(count, DOUBLE, make(DOUBLE, DOUBLE))],
  [`xv${name}sp`, vector(count, SINGLE, make(SINGLE, SINGLE))],
]);

const fromIntegers = (
  [
    ['fcfid', DOUBLE, true],
    ['fcfidu', DOUBLE, false],
    ['fcfids', SINGLE, true],
    ['fcfidus', SINGLE, false],
  ] as const
).map(([name, to, signed]): [string, Helper] => [
  name,
  scalar(1, to, ([a], c) => fromInteger(signed ? BigInt.asIntN(64, a as bigint) : (a as bigint), to, c)),
]);

/** Rounding to integral values in a mode of the instruction raises no inexact; in the mode of FPSCR it does. */
export const INTEGRAL_MODES: readonly [string, Rounding | undefined][] = [
  ['i', 'away'],
  ['iz', 'zero'],
  ['ip', 'up'],
  ['im', 'down'],
  ['ic', undefined],
];
export function integral(f: Format, rounding: Rounding | undefined): Element {
  return ([a], c) => {
    const result = toIntegral(a as bigint, f, rounding ?? c.rounding, c);
    if (rounding !== undefined) c.flags &= ~(fpscr.XX | fpscr.FI | fpscr.FR);
    return result;
  };
}
const integrals = INTEGRAL_MODES.flatMap(([suffix, rounding]): [string, Helper][] => [
  [`xsrdp${suffix}`, scalar(1, DOUBLE, integral(DOUBLE, rounding))],
  [`xvrdp${suffix}`, vector(1, DOUBLE, integral(DOUBLE, rounding))],
  [`xvrsp${suffix}`, vector(1, SINGLE, integral(SINGLE, rounding))],
]);

// biome-ignore format: related entries share a line
export const FLOAT_HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ...arithmetic, ...fromIntegers, ...integrals,
  ['frsp', scalar(1, SINGLE, ([a], c) => convert(a as bigint, DOUBLE, SINGLE, c))],
]);
