/**
 * Between the single format in storage and the double format in registers: Power ISA 3.0B, Book I §4.6.2 and §4.6.3.
 * Neither direction rounds or reads FPSCR; NaN payloads pass unchanged.
 *
 *     load        FRT ← the double of the same value as the single WORD; a NaN: sign ‖ 0x7ff ‖ fraction ‖ 29 zeros
 *     store       WORD ← d[0:1] ‖ d[5:34] where the exponent is above 896 or d is 0; else sign ‖ significand shifted right
 */

import { f32, f64, type I32, type I64, i32, i32c, i64, i64c } from '../../wasm/index.ts';
import type { Ops } from '../ops/ops.ts';

/** Exact for everything but NaNs, which do not get here. */
function promote(word: I32): I64 {
  return i64.reinterpret(f64.promote(f32.reinterpret(word)));
}

/** The double format of a single in the low 32 bits. */
export function doubleFromSingle(o: Ops, single: I64): I64 {
  const s = o.let(single);
  const special = i64.eq(i64.and(s, i64c(0x7f800000n)), i64c(0x7f800000n));
  const sign = i64.shl(i64.and(s, i64c(0x80000000n)), i64c(32));
  const fraction = i64.shl(i64.and(s, i64c(0x7fffffn)), i64c(29));
  return o.let(
    i64.select(i64.or(i64.or(sign, i64c(0x7ff0000000000000n)), fraction), promote(i32.wrap(s)), special),
  );
}

/**
 * The single in the low 32 bits for a double: bits dropped where the exponent fits, denormalized below. Smaller ones, for
 * which the book leaves the result undefined, give zero.
 */
export function singleFromDouble(o: Ops, double: I64): I64 {
  const d = o.let(double);
  const exponent = o.let(i32.and(i32.wrap(i64.shrU(d, i64c(52))), i32c(0x7ff)));
  const plain = i64.or(
    i64.and(i64.shrU(d, i64c(32)), i64c(0xc0000000n)),
    i64.and(i64.shrU(d, i64c(29)), i64c(0x3fffffffn)),
  );
  const sign = i64.and(i64.shrU(d, i64c(32)), i64c(0x80000000n));
  const significand = i64.or(i64.and(d, i64c(0xfffffffffffffn)), i64c(0x10000000000000n));
  const distance = o.let(i32.sub(i32c(926), exponent));
  const shifted = i64.shrU(significand, i64.extendU(distance));
  const denormal = i64.or(sign, i64.select(i64c(0), shifted, i32.gtU(distance, i32c(52))));
  const normal = i32.or(i32.gtU(exponent, i32c(896)), i64.eqz(i64.shl(d, i64c(1))));
  return o.let(i64.select(plain, denormal, normal));
}
