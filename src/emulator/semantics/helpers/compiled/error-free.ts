/**
 * The exact error of rounded sums and products, and fused multiplication and addition from it, for doubles and for vectors of
 * them and of singles (T. J. Dekker, "A floating-point technique for extending the available precision", 1971; S. Boldo and
 * G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
 *
 * Everything here rounds to nearest. Operands are locals: they are used more than once.
 */

import {
  constant128,
  doubles128,
  type Expr,
  type F64,
  f32x4,
  f64,
  f64c,
  f64x2,
  i32,
  i32c,
  i64,
  i64c,
  i64x2,
  singles128,
  type V128,
  v128,
} from '../../../wasm/index.ts';
import type { HelperCode } from './helper-code.ts';

type Binary<T extends 'f64' | 'v128'> = (a: Expr<T>, b: Expr<T>) => Expr<T>;

/** Numbers of one precision. */
export type Numbers<T extends 'f64' | 'v128'> = {
  readonly add: Binary<T>;
  readonly sub: Binary<T>;
  readonly mul: Binary<T>;
  /** 1 and the power of two that cuts a significand into two halves. */
  readonly splitter: Expr<T>;
  /** A result in this range, of factors not too large to be cut, has an error that is exact. */
  readonly least: number;
  readonly greatest: number;
};
const DOUBLE_RANGE = { least: 2 ** -900, greatest: 2 ** 1000 };
export const SCALAR: Numbers<'f64'> = { ...f64, splitter: f64c(2 ** 27 + 1), ...DOUBLE_RANGE };
export const DOUBLES: Numbers<'v128'> = { ...f64x2, splitter: doubles128(2 ** 27 + 1), ...DOUBLE_RANGE };
export const SINGLES: Numbers<'v128'> = {
  ...f32x4,
  splitter: singles128(2 ** 12 + 1),
  least: 2 ** -100,
  greatest: 2 ** 120,
};

/** The exact a + b less the rounded `sum`. Exact for all finite numbers unless it overflows. */
export function sumError<T extends 'f64' | 'v128'>(
  code: HelperCode,
  { add, sub }: Numbers<T>,
  a: Expr<T>,
  b: Expr<T>,
  sum: Expr<T>,
): Expr<T> {
  const part = code.let(sub(sum, a));
  return code.let(add(sub(a, sub(sum, part)), sub(b, part)));
}

/**
 * The exact a × b less the rounded `product`. Exact where the product's lowest bits are representable; a NaN where a factor is so
 * large that it cannot be cut.
 */
export function productError<T extends 'f64' | 'v128'>(
  code: HelperCode,
  n: Numbers<T>,
  a: Expr<T>,
  b: Expr<T>,
  product: Expr<T>,
): Expr<T> {
  const cut = (x: Expr<T>): readonly [Expr<T>, Expr<T>] => {
    const scaled = code.let(n.mul(n.splitter, x));
    const high = code.let(n.sub(scaled, n.sub(scaled, x)));
    return [high, code.let(n.sub(x, high))];
  };
  const [ah, al] = cut(a);
  const [bh, bl] = a === b ? [ah, al] : cut(b);
  const inner = n.add(n.add(n.sub(n.mul(ah, bh), product), n.mul(ah, bl)), n.mul(al, bh));
  return code.let(n.add(inner, n.mul(al, bl)));
}

/** The exact a − q × b for a rounded quotient or root q: the difference of a and the rounded product is exact, because they are close. */
export function remainder<T extends 'f64' | 'v128'>(
  code: HelperCode,
  n: Numbers<T>,
  a: Expr<T>,
  q: Expr<T>,
  b: Expr<T>,
): Expr<T> {
  const product = code.let(n.mul(q, b));
  const difference = code.let(n.sub(a, product));
  return code.let(n.sub(difference, productError(code, n, q, b, product)));
}

/** A rounded sum and its error to the sum rounded to odd: of its two neighbours, where it is not exact, the one whose last bit is 1. */
type ToOdd<T extends 'f64' | 'v128'> = (code: HelperCode, sum: Expr<T>, error: Expr<T>) => Expr<T>;

export function scalarToOdd(code: HelperCode, sum: F64, error: F64): F64 {
  const bits = code.let(i64.reinterpret(sum));
  const outward = i64.or(i64.shrS(i64.xor(bits, i64.reinterpret(error)), i64c(63)), i64c(1));
  const isMoved = i32.and(f64.ne(error, f64c(0)), i32.eqz(i32.and(i32.wrap(bits), i32c(1))));
  return code.let(f64.reinterpret(i64.add(bits, i64.select(outward, i64c(0), isMoved))));
}
export function doublesToOdd(code: HelperCode, sum: V128, error: V128): V128 {
  const one = constant128(1n, 1n);
  const outward = v128.or(i64x2.shrS(v128.xor(sum, error), i32c(63)), one);
  const isEven = i64x2.sub(v128.and(sum, one), one);
  const isMoved = v128.and(f64x2.ne(error, doubles128(0)), isEven);
  return code.let(i64x2.add(sum, v128.and(outward, isMoved)));
}

/**
 * a × c + b rounded once.
 * @returns `product` is a × c rounded and `nearest` that and b, `error` what the exact value has more than the result, of which only the
 * sign is exact and whether it is 0. Where `nearest` is −0, the result is not.
 */
export function fused<T extends 'f64' | 'v128'>(
  code: HelperCode,
  n: Numbers<T>,
  toOdd: ToOdd<T>,
  { a, c, b }: { readonly a: Expr<T>; readonly c: Expr<T>; readonly b: Expr<T> },
): Readonly<Record<'product' | 'nearest' | 'result', Expr<T>>> & { readonly error: () => Expr<T> } {
  const product = code.let(n.mul(a, c));
  const nearest = code.let(n.add(product, b));
  const ofSum = sumError(code, n, product, b, nearest);
  const ofProduct = productError(code, n, a, c, product);
  const both = code.let(n.add(ofSum, ofProduct));
  // Rounded to odd, so that the last addition sees everything below it.
  const rest = toOdd(code, both, sumError(code, n, ofSum, ofProduct, both));
  const result = code.let(n.add(nearest, rest));
  return { product, nearest, result, error: () => sumError(code, n, nearest, rest, result) };
}
