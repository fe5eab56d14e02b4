/** Every helper by the name that code calls it by. */

import { FIXED_POINT_HELPERS } from './fixed-point.ts';
import { FLOAT_HELPERS } from './float.ts';
import { FLOAT_COMPARE_HELPERS } from './float-compare.ts';
import { FLOAT_CONVERT_HELPERS } from './float-convert.ts';
import { FLOAT_QUAD_HELPERS } from './float-quad.ts';
import type { Helper } from './helper.ts';
import { VECTOR_HELPERS } from './vector.ts';
import { VECTOR_CRYPTO_HELPERS } from './vector-crypto.ts';
import { VECTOR_DECIMAL_HELPERS } from './vector-decimal.ts';
import { VECTOR_FLOAT_HELPERS } from './vector-float.ts';

export type { Helper } from './helper.ts';

export const HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ...FIXED_POINT_HELPERS,
  ...VECTOR_HELPERS,
  ...VECTOR_CRYPTO_HELPERS,
  ...VECTOR_DECIMAL_HELPERS,
  ...VECTOR_FLOAT_HELPERS,
  ...FLOAT_HELPERS,
  ...FLOAT_COMPARE_HELPERS,
  ...FLOAT_CONVERT_HELPERS,
  ...FLOAT_QUAD_HELPERS,
]);
