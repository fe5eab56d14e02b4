/** Exact binary floating-point on bigints, with the Power ISA's exceptions. */
export { add, divide, fused, multiply, propagate, squareRoot } from './arithmetic.ts';
export {
  compare,
  convert,
  fromInteger,
  type IntegerRange,
  integerRange,
  isSignaling,
  type Order,
  toInteger,
  toIntegral,
} from './convert.ts';
export {
  DOUBLE,
  type Format,
  HALF,
  infinity,
  QUAD,
  resultClass,
  SINGLE,
  unpack,
  type Value,
  zero,
} from './format.ts';
export { type Context, contextOf, type Rounding } from './round.ts';
