/** What each instruction does, by the base name of its row. */

import { ARITHMETIC } from './arithmetic.ts';
import { BRANCH } from './branch.ts';
import { COMPARE } from './compare.ts';
import { FLOATING_POINT } from './floating-point.ts';
import { FLOATING_POINT_STATUS } from './floating-point-status.ts';
import { FLOATING_POINT_STORAGE } from './floating-point-storage.ts';
import { LOGICAL } from './logical.ts';
import type { Semantics } from './ops.ts';
import { SPECIALS } from './specials.ts';
import { STORAGE } from './storage.ts';
import { SYSTEM } from './system.ts';
import { VECTOR_BITS } from './vector-bits.ts';
import { VECTOR_DECIMAL } from './vector-decimal.ts';
import { VECTOR_FLOAT } from './vector-float.ts';
import { VECTOR_INTEGER } from './vector-integer.ts';
import { VECTOR_PERMUTE } from './vector-permute.ts';
import { QUAD_PRECISION } from './vector-quad.ts';
import { VECTOR_SCALAR } from './vector-scalar.ts';
import { VECTOR_STORAGE } from './vector-storage.ts';

export type { LoadKind, Ops, Semantics, StoreWidth, Trap, XerBit } from './ops.ts';

/** Base mnemonic → meaning, for every row of isa/. */
export const SEMANTICS: ReadonlyMap<string, Semantics> = new Map([
  ...ARITHMETIC,
  ...COMPARE,
  ...LOGICAL,
  ...BRANCH,
  ...STORAGE,
  ...SYSTEM,
  ...SPECIALS,
  ...FLOATING_POINT_STORAGE,
  ...FLOATING_POINT_STATUS,
  ...VECTOR_STORAGE,
  ...VECTOR_PERMUTE,
  ...VECTOR_BITS,
  ...VECTOR_INTEGER,
  ...FLOATING_POINT,
  ...VECTOR_FLOAT,
  ...VECTOR_DECIMAL,
  ...VECTOR_SCALAR,
  ...QUAD_PRECISION,
]);
