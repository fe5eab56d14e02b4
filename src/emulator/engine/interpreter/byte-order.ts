/** Code that reverses the bytes of a value. */

import { type FunctionBody, type I64, i32, i32c, i64, i64x2, type V128, v128 } from '../../wasm/index.ts';

const REVERSE16 = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
const REVERSE8 = [7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0];

/** Reverses the low `bytes` bytes; higher ones of the result are zero. */
export function reverseBytes(body: FunctionBody, value: I64, bytes: number): I64 {
  if (bytes === 1) return value;
  if (bytes === 8) {
    // Through a vector: cheaper than shifts and masks (docs/adr).
    const splat = i64x2.splat(value);
    return i64x2.extract(v128.shuffle(splat, splat, REVERSE8), 0);
  }
  const word = body.let(i32.wrap(value));
  if (bytes === 4) {
    const swapped = i32.or(
      i32.and(i32.rotl(word, i32c(8)), i32c(0x00ff00ff)),
      i32.and(i32.rotl(word, i32c(24)), i32c(0xff00ff00 | 0)),
    );
    return i64.extendU(swapped);
  }
  return i64.extendU(
    i32.or(i32.shl(i32.and(word, i32c(0xff)), i32c(8)), i32.and(i32.shrU(word, i32c(8)), i32c(0xff))),
  );
}

/** All sixteen bytes in the opposite order. */
export function reverse16(value: V128): V128 {
  return v128.shuffle(value, value, REVERSE16);
}
