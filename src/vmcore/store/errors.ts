/** Lists this folder's {@link FormatError} codes: what can be wrong with a store or with a request to it. */

import type { FormatErrorDetail } from '../../base/errors.ts';
import { FormatError, StoredDataError } from '../../base/errors.ts';

export const STORE_ERRORS = {
  'store/unknown-manifest': 'no stored vmcore has this id',
  'store/bad-range': 'the range asked for lies outside the vmcore',
  'store/short-source': 'the source of a vmcore ended before the length that was promised',
  'store/missing-chunk': 'a chunk that a manifest names is not in the store',
  'store/corrupt-chunk': 'a chunk that was read does not match its hash',
  'store/corrupt-manifest': 'a manifest does not match its digest, or its chunks do not add up to its vmcore',
  'store/stale-sweep': 'a sweep was given chunks, or ended, after another one was begun or it had ended',
  'store/not-a-database': 'a file of the data folder is not a SQLite database',
  'store/missing-manifest': 'the vmcore that a capture names is not in the store',
  'store/corrupt-record': 'a record of the metadata does not match its digest',
  'store/damaged-database': 'a database is damaged, or lacks tables that it should have',
  'store/foreign-database': 'a database belongs to another program, or is the other one of the two',
  'store/migration-drift': 'a migration that was applied differs from its file',
  'store/migration-order':
    'migrations are not numbered 001, 002, … without gaps, or the database is from a newer version',
} as const;

export type StoreErrorCode = keyof typeof STORE_ERRORS;

/** Codes for which not a request is at fault, but what is stored. */
const DAMAGE: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  'store/missing-chunk',
  'store/corrupt-chunk',
  'store/corrupt-manifest',
  'store/missing-manifest',
  'store/corrupt-record',
  'store/damaged-database',
  'store/not-a-database',
]);

/** A {@link FormatError} of this folder, a {@link StoredDataError} where stored data is damaged; the caller throws it. */
export function storeError(
  code: StoreErrorCode,
  message: string,
  detail: FormatErrorDetail = {},
): FormatError {
  return DAMAGE.has(code)
    ? new StoredDataError(code, message, detail)
    : new FormatError(code, message, detail);
}

/**
 * What a database error says of the file: a {@link StoredDataError} where SQLite found it damaged or no database at all,
 * anything else as it is.
 */
export function databaseError(error: unknown, what: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const how = `it is damaged (${code}); \`kdumpd store verify\` says what is affected`;
  if (code.startsWith('SQLITE_CORRUPT'))
    return storeError('store/damaged-database', `${what}: ${how}`, { what, cause: error });
  return code === 'SQLITE_NOTADB'
    ? storeError('store/not-a-database', `${what}: ${how}`, { what, cause: error })
    : error;
}

/**
 * Whether an error says that a database file is damaged: SQLite's, our own refusal to open it, or that of a statement which names
 * what the schema has lost.
 */
export function isDamage(error: unknown): boolean {
  if (error instanceof FormatError) return error.code.startsWith('store/');
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'SQLITE_ERROR' || databaseError(error, '') instanceof StoredDataError;
}

/** Runs `work`; an error by which SQLite reports damage is thrown as {@link databaseError} makes it. */
export function guarded<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw databaseError(error, what);
  }
}
