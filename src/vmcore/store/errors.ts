/** Lists this folder's {@link FormatError} codes: what can be wrong with a store or with a request to it. */

import type { FormatErrorDetail } from '../../base/errors.ts';
import { FormatError } from '../../base/errors.ts';

export const STORE_ERRORS = {
  'store/unknown-manifest': 'no stored vmcore has this id',
  'store/bad-range': 'the range asked for lies outside the vmcore',
  'store/short-source': 'the source of a vmcore ended before the length that was promised',
  'store/missing-chunk': 'a chunk that a manifest names is not in the store',
  'store/corrupt-chunk': 'a chunk that was read back does not match its hash',
  'store/corrupt-manifest': 'the chunks of a manifest do not add up to its vmcore',
  'store/stale-sweep': 'a sweep was given chunks, or ended, after another one was begun or it had ended',
  'store/not-a-database': 'a file of the data folder is not a SQLite database',
  'store/damaged-database': 'a database is damaged, or lacks tables that it should have',
  'store/foreign-database': 'a database belongs to another program, or is the other one of the two',
  'store/migration-drift': 'a migration that was applied differs from its file',
  'store/migration-order':
    'migrations are not numbered 001, 002, … without gaps, or the database is from a newer version',
} as const;

export type StoreErrorCode = keyof typeof STORE_ERRORS;

/** A {@link FormatError} of this folder; the caller throws it. */
export function storeError(
  code: StoreErrorCode,
  message: string,
  detail: FormatErrorDetail = {},
): FormatError {
  return new FormatError(code, message, detail);
}
