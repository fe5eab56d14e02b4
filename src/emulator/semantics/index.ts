/** What each instruction does, by the base name of its row. */

import { ARITHMETIC } from './arithmetic.ts';
import { BRANCH } from './branch.ts';
import { COMPARE } from './compare.ts';
import { LOGICAL } from './logical.ts';
import type { Semantics } from './ops.ts';
import { STORAGE } from './storage.ts';
import { SYSTEM } from './system.ts';

export type { LoadKind, Ops, Semantics, StoreWidth, Trap, XerBit } from './ops.ts';

/** Base mnemonic → meaning, for every row of isa/. */
export const SEMANTICS: ReadonlyMap<string, Semantics> = new Map([
  ...ARITHMETIC,
  ...COMPARE,
  ...LOGICAL,
  ...BRANCH,
  ...STORAGE,
  ...SYSTEM,
]);
