/** The table of meanings: what each instruction does, by the base mnemonic of its row. */

import { BRANCH } from './branch/branch.ts';
import { CONDITION_REGISTER } from './branch/condition-register.ts';
import { ARITHMETIC } from './fixed-point/arithmetic.ts';
import { COMPARE } from './fixed-point/compare.ts';
import { LOGICAL } from './fixed-point/logical.ts';
import { FLOATING_POINT } from './floating-point/arithmetic.ts';
import { FLOATING_POINT_STATUS } from './floating-point/status.ts';
import { FLOATING_POINT_STORAGE } from './floating-point/storage.ts';
import type { Semantics } from './ops/ops.ts';
import { STORAGE } from './storage/storage.ts';
import { SYSTEM } from './system/registers.ts';
import { SPECIALS } from './system/specials.ts';
import { VECTOR_BITS } from './vector/bits.ts';
import { VECTOR_DECIMAL } from './vector/decimal.ts';
import { VECTOR_FLOAT } from './vector/float.ts';
import { VECTOR_INTEGER } from './vector/integer.ts';
import { VECTOR_PERMUTE } from './vector/permute.ts';
import { VECTOR_STORAGE } from './vector/storage.ts';
import { VECTOR_SCALAR } from './vsx/arithmetic.ts';
import { QUAD_PRECISION } from './vsx/quad.ts';
import { VSX_STORAGE } from './vsx/storage.ts';

export type { LoadKind, Ops, Semantics, StoreWidth, Trap, XerBit } from './ops/ops.ts';

/** Base mnemonic → meaning, for every row of isa/. */
export const SEMANTICS: ReadonlyMap<string, Semantics> = new Map([
  ...ARITHMETIC,
  ...COMPARE,
  ...LOGICAL,
  ...BRANCH,
  ...CONDITION_REGISTER,
  ...STORAGE,
  ...SYSTEM,
  ...SPECIALS,
  ...FLOATING_POINT_STORAGE,
  ...FLOATING_POINT_STATUS,
  ...VECTOR_STORAGE,
  ...VSX_STORAGE,
  ...VECTOR_PERMUTE,
  ...VECTOR_BITS,
  ...VECTOR_INTEGER,
  ...FLOATING_POINT,
  ...VECTOR_FLOAT,
  ...VECTOR_DECIMAL,
  ...VECTOR_SCALAR,
  ...QUAD_PRECISION,
]);
