/**
 * Helpers of decimal arithmetic in vector registers: Power ISA 3.0B, Book I §6.17. A signed number has 31 digits
 * and a sign, four bits each; an unsigned one 32 digits.
 *
 * Answers CR6 (LT 8, GT 4, EQ 2; 1 for an overflow or an invalid operand), and 16 when the target is to be written. Where
 * the book leaves the target undefined it keeps its value.
 */

import { readElement, writeElement } from './elements.ts';
import type { Helper } from './helper.ts';

const WRITTEN = 16;
const INVALID = 1;
const OVERFLOW = 1;
const DIGITS = 31;
const LIMIT = 10n ** BigInt(DIGITS);

/** A number, or undefined where a digit or the sign is invalid. */
type Signed = { readonly negative: boolean; readonly magnitude: bigint };

function digitsOf(packed: bigint): bigint | undefined {
  const text = packed.toString(16);
  return /^[0-9]+$/.test(text) ? BigInt(text) : undefined;
}
const pack = (magnitude: bigint): bigint => BigInt(`0x${magnitude}`);

function signed(bits: bigint): Signed | undefined {
  const sign = Number(bits & 15n);
  const magnitude = digitsOf(bits >> 4n);
  return sign < 10 || magnitude === undefined
    ? undefined
    : { negative: sign === 0xb || sign === 0xd, magnitude };
}

/** PS chooses between the two plus signs. */
function signCode(negative: boolean, ps: number): bigint {
  return negative ? 0xdn : ps === 0 ? 0xcn : 0xfn;
}
function order(value: Signed): number {
  return value.magnitude === 0n ? 2 : value.negative ? 8 : 4;
}
/** Writes a number cut to 31 digits. */
function put(state: DataView, value: Signed, ps: number): void {
  writeElement(state, 0, 16, (pack(value.magnitude % LIMIT) << 4n) | signCode(value.negative, ps));
}

type Run = (state: DataView, ps: number) => number;
const helper = (run: Run): Helper => ({ arity: 1, run: (state, ps) => run(state, ps) });

/** An operation on one signed operand, the last of those at HELPER. */
function unary(operand: number, f: (state: DataView, value: Signed, ps: number) => number): Helper {
  return helper((state, ps) => {
    const value = signed(readElement(state, operand, 0, 16));
    return value === undefined ? INVALID : f(state, value, ps) | WRITTEN;
  });
}

function add(subtract: boolean): Helper {
  return helper((state, ps) => {
    const a = signed(readElement(state, 0, 0, 16));
    const b = signed(readElement(state, 1, 0, 16));
    if (a === undefined || b === undefined) return INVALID;
    const plain = (value: Signed): bigint => (value.negative ? -value.magnitude : value.magnitude);
    const sum = subtract ? plain(a) - plain(b) : plain(a) + plain(b);
    const result = { negative: sum < 0n, magnitude: sum < 0n ? -sum : sum };
    put(state, result, ps);
    return order(result) | (result.magnitude >= LIMIT ? OVERFLOW : 0) | WRITTEN;
  });
}

const PLUS = 0x2bn;
const MINUS = 0x2dn;
/** National decimal: seven digits and a sign as 16-bit characters. */
const fromNational: Run = (state, ps) => {
  const characters = Array.from({ length: 8 }, (_, i) => readElement(state, 0, i, 2));
  const sign = characters[7] as bigint;
  const digits = characters.slice(0, 7);
  if ((sign !== PLUS && sign !== MINUS) || digits.some((each) => each < 0x30n || each > 0x39n))
    return INVALID;
  const value = {
    negative: sign === MINUS,
    magnitude: digits.reduce((made, each) => made * 10n + (each - 0x30n), 0n),
  };
  put(state, value, ps);
  return order(value) | WRITTEN;
};
const toNational = unary(0, (state, value) => {
  const text = (value.magnitude % 10n ** 7n).toString().padStart(7, '0');
  [...text].forEach((digit, i) => {
    writeElement(state, i, 2, 0x30n + BigInt(digit));
  });
  writeElement(state, 7, 2, value.negative ? MINUS : PLUS);
  return order(value) | (value.magnitude >= 10n ** 7n ? OVERFLOW : 0);
});

/** Zoned decimal: sixteen digits with a zone each, the last digit's being the sign. PS chooses between two encodings. */
const fromZoned: Run = (state, ps) => {
  const bits = readElement(state, 0, 0, 16);
  const zone = ps === 0 ? 0x3n : 0xfn;
  const sign = (bits >> 4n) & 15n;
  let magnitude = 0n;
  for (let i = 15; i >= 0; i--) {
    const byte = (bits >> BigInt(8 * i)) & 0xffn;
    if ((byte & 15n) > 9n || (i > 0 && byte >> 4n !== zone)) return INVALID;
    magnitude = magnitude * 10n + (byte & 15n);
  }
  if (ps !== 0 && sign < 10n) return INVALID;
  const value = { negative: ps === 0 ? (sign & 4n) !== 0n : sign === 0xbn || sign === 0xdn, magnitude };
  put(state, value, 0);
  return order(value) | WRITTEN;
};
const toZoned = unary(0, (state, value, ps) => {
  const zone = ps === 0 ? 0x30n : 0xf0n;
  const signs = ps === 0 ? [0x30n, 0x70n] : [0xc0n, 0xd0n];
  const digits = value.magnitude % 10n ** 16n;
  const text = digits.toString().padStart(16, '0');
  let bits = 0n;
  [...text].forEach((digit, i) => {
    const upper = i < 15 ? zone : (signs[value.negative ? 1 : 0] as bigint);
    bits = (bits << 8n) | upper | BigInt(digit);
  });
  writeElement(state, 0, 16, bits);
  return order(value) | (value.magnitude >= 10n ** 16n ? OVERFLOW : 0);
});

const fromQuadword: Run = (state, ps) => {
  const number = BigInt.asIntN(128, readElement(state, 0, 0, 16));
  const value = { negative: number < 0n, magnitude: number < 0n ? -number : number };
  if (value.magnitude >= LIMIT) return order(value) | OVERFLOW;
  put(state, value, ps);
  return order(value) | WRITTEN;
};
const toQuadword = unary(0, (state, value) => {
  writeElement(state, 0, 16, BigInt.asUintN(128, value.negative ? -value.magnitude : value.magnitude));
  return order(value);
});

/** VRA's number with VRB's sign. */
const copySign: Run = (state) => {
  const [a, b] = [readElement(state, 0, 0, 16), readElement(state, 1, 0, 16)];
  const [value, other] = [signed(a), signed(b)];
  if (value === undefined || other === undefined) return INVALID;
  writeElement(state, 0, 16, (a & ~15n) | (b & 15n));
  return order({ negative: other.negative, magnitude: value.magnitude }) | WRITTEN;
};
const setSign = unary(0, (state, value, ps) => {
  put(state, value, ps);
  return order(value);
});

/** The count of a shift: signed, in byte element 7 of VRA. */
const shiftCount = (state: DataView): number => Number(BigInt.asIntN(8, readElement(state, 0, 0, 8) & 0xffn));

/** Digits moved left or right; `round` adds the last digit lost when that is 5 or more. */
function shifted(
  magnitude: bigint,
  count: number,
  digits: number,
  round: boolean,
): { readonly magnitude: bigint; readonly lost: boolean } {
  const limit = 10n ** BigInt(digits);
  if (count >= 0) {
    const moved = magnitude * 10n ** BigInt(Math.min(count, digits));
    return { magnitude: moved % limit, lost: moved >= limit };
  }
  const before = magnitude / 10n ** BigInt(Math.min(-count, digits + 1) - 1);
  return { magnitude: before / 10n + (round && before % 10n >= 5n ? 1n : 0n), lost: false };
}
function shift(round: boolean): Helper {
  return unary(1, (state, value, ps) => {
    const { magnitude, lost } = shifted(value.magnitude, shiftCount(state), DIGITS, round);
    const result = { negative: value.negative, magnitude };
    put(state, result, ps);
    return order(result) | (lost ? OVERFLOW : 0);
  });
}
/** An operation on 32 digits. */
function unsigned(
  f: (state: DataView, magnitude: bigint) => { readonly magnitude: bigint; readonly lost: boolean },
): Helper {
  return helper((state) => {
    const value = digitsOf(readElement(state, 1, 0, 16));
    if (value === undefined) return INVALID;
    const { magnitude, lost } = f(state, value);
    writeElement(state, 0, 16, pack(magnitude));
    return (magnitude === 0n ? 2 : 4) | (lost ? OVERFLOW : 0) | WRITTEN;
  });
}
/** The digits kept by a truncation: unsigned, in halfword element 3 of VRA. */
const length = (state: DataView): number => Number(readElement(state, 0, 0, 8) & 0xffffn);
function truncated(
  magnitude: bigint,
  digits: number,
  most: number,
): { readonly magnitude: bigint; readonly lost: boolean } {
  const limit = 10n ** BigInt(Math.min(digits, most));
  return { magnitude: magnitude % limit, lost: magnitude >= limit };
}

/** Arguments: whether the digit in VRB is added, and whether the carry is wanted in place of the product. */
const timesTen: Helper = {
  arity: 2,
  run: (state, extended, carry) => {
    const product =
      readElement(state, 0, 0, 16) * 10n + (extended === 0 ? 0n : readElement(state, 1, 0, 16) & 15n);
    writeElement(state, 0, 16, carry === 0 ? product : product >> 128n);
    return 0;
  },
};

// biome-ignore format: related entries share a line
export const VECTOR_DECIMAL_HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ['bcdadd', add(false)], ['bcdsub', add(true)],
  ['bcdcfn', helper(fromNational)], ['bcdctn', toNational], ['bcdcfz', helper(fromZoned)], ['bcdctz', toZoned],
  ['bcdcfsq', helper(fromQuadword)], ['bcdctsq', toQuadword], ['bcdcpsgn', helper(copySign)], ['bcdsetsgn', setSign],
  ['bcds', shift(false)], ['bcdsr', shift(true)],
  ['bcdus', unsigned((state, magnitude) => shifted(magnitude, shiftCount(state), 32, false))],
  ['bcdtrunc', unary(1, (state, value, ps) => {
    const { magnitude, lost } = truncated(value.magnitude, length(state), DIGITS);
    const result = { negative: value.negative, magnitude };
    put(state, result, ps);
    return order(result) | (lost ? OVERFLOW : 0);
  })],
  ['bcdutrunc', unsigned((state, magnitude) => truncated(magnitude, length(state), 32))],
  ['vmul10', timesTen],
]);
