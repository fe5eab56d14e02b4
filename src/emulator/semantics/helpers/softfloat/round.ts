/**
 * Rounding an exact result to a format, with the exceptions that rounding raises: Power ISA 3.0B, Book I §4.3.6 (rounding),
 * §4.4.3 to §4.4.5 (overflow, underflow, inexact). Tininess is seen before rounding.
 */

import { FI, FR, OE, OX, RN, UE, UX, XX } from '../../../cpu/fpscr.ts';
import { bitLength, encode, type Format, infinity, largest, zero } from './format.ts';

/** The four modes of FPSCR[RN], ties away from zero (fixed by some instructions), and to odd (quad precision). */
export type Rounding = 'nearest' | 'zero' | 'up' | 'down' | 'away' | 'odd';

/** What an operation is done under, and the FPSCR bits that it raises: exceptions, FR and FI. */
export type Context = { readonly rounding: Rounding; readonly enables: number; flags: number };

const MODES = ['nearest', 'zero', 'up', 'down'] as const;

/** The context that FPSCR's low word asks for. */
export function contextOf(fpscr: number, rounding: Rounding = MODES[fpscr & RN] as Rounding): Context {
  return { rounding, enables: fpscr & 0xff, flags: 0 };
}

/**
 * Whether a magnitude cut off below its last bit goes up.
 * @param rest the cut-off part against one half: −1 less, 0 equal, 1 more, and it is not zero
 */
export function roundsUp(rounding: Rounding, negative: boolean, odd: boolean, rest: -1 | 0 | 1): boolean {
  switch (rounding) {
    case 'nearest':
      return rest > 0 || (rest === 0 && odd);
    case 'away':
      return rest >= 0;
    case 'up':
      return !negative;
    case 'down':
      return negative;
    case 'zero':
      return false;
    case 'odd':
      return !odd;
  }
}

/** Cuts `shift` bits off; `sticky` stands for a non-zero part beyond them. */
export function cut(
  value: bigint,
  shift: number,
  sticky: boolean,
  rounding: Rounding,
  negative: boolean,
): { readonly value: bigint; readonly inexact: boolean; readonly up: boolean } {
  if (shift <= 0) return { value: value << BigInt(-shift), inexact: false, up: false };
  const by = BigInt(shift);
  const kept = value >> by;
  const rest = value - (kept << by);
  if (rest === 0n && !sticky) return { value: kept, inexact: false, up: false };
  const half = 1n << (by - 1n);
  const against = rest > half || (rest === half && sticky) ? 1 : rest === half ? 0 : -1;
  const up = roundsUp(rounding, negative, (kept & 1n) === 1n, against);
  return { value: up ? kept + 1n : kept, inexact: true, up };
}

/**
 * The encoding of ± significand × 2^exponent. `sticky` says that the exact magnitude is a little greater; then the
 * significand must have two bits more than the format at least.
 */
export function round(
  negative: boolean,
  significand: bigint,
  exponent: number,
  sticky: boolean,
  f: Format,
  context: Context,
): bigint {
  const precision = f.fractionBits + 1;
  const leading = exponent + bitLength(significand) - 1;
  const smallest = 1 - f.bias;
  const tiny = leading < smallest;
  const scaled = tiny && (context.enables & UE) !== 0;
  const last = (tiny && !scaled ? smallest : leading) - f.fractionBits;
  const rounded = cut(significand, last - exponent, sticky, context.rounding, negative);
  let magnitude = rounded.value;
  let unit = last;
  if (bitLength(magnitude) > precision) {
    magnitude >>= 1n;
    unit++;
  }
  if (rounded.inexact) context.flags |= XX | FI | (rounded.up ? FR : 0);
  if (tiny && (rounded.inexact || scaled)) context.flags |= UX;
  if (magnitude === 0n) return zero(negative, f);
  const normal = bitLength(magnitude) === precision;
  let biased = normal ? unit + f.fractionBits + f.bias : 0;
  if (scaled) biased += f.adjust;
  if (biased > 2 * f.bias) {
    context.flags |= OX;
    if ((context.enables & OE) === 0) {
      context.flags |= XX | FI;
      return overflow(negative, f, context.rounding);
    }
    biased -= f.adjust;
  }
  const fraction = normal ? magnitude - (1n << BigInt(f.fractionBits)) : magnitude;
  // An adjusted exponent can still lie outside when a conversion leaves a narrow format; the book leaves that open.
  return encode(negative, Math.min(Math.max(biased, 0), 2 * f.bias), fraction, f);
}

function overflow(negative: boolean, f: Format, rounding: Rounding): bigint {
  const toInfinity =
    rounding === 'nearest' ||
    rounding === 'away' ||
    (rounding === 'up' && !negative) ||
    (rounding === 'down' && negative);
  return toInfinity ? infinity(negative, f) : largest(negative, f);
}
