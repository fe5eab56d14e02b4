/** Exact binary floating-point on bigints, with the Power ISA's exceptions. */
export { add, divide, type FusedSigns, fused, multiply, propagate, squareRoot } from './arithmetic.ts';
export {
  compare, convert, fromInteger, type IntegerRange, integerRange, isSignaling, type Order, toInteger, toIntegral,
} from './convert.ts';
export { defaultNaN, DOUBLE, type Format, HALF, infinity, QUAD, quieted, resultClass, SINGLE, unpack, type Value, zero } from './format.ts';
export { type Context, contextOf, type Rounding, round } from './round.ts';
