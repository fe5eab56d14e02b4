/**
 * Seals rows: a row's seal is a SHA-256 over the table's name and every column that has a value, with its name, its type and its
 * length. It is written with the row and compared when the row is read, so that a row whose bytes changed on the disk is
 * never taken for what was stored. A column that is added later without a value leaves the seals of older rows as they are.
 */

import { createHash, type Hash } from 'node:crypto';

export type SqlValue = string | number | bigint | Uint8Array | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A column under a seal. Text is UTF-8, an integer is decimal text. */
export type SealedPart = {
  readonly name: string;
  readonly kind: 'blob' | 'integer' | 'text';
  readonly bytes: Uint8Array;
};

/** Not under the seal: the column that holds it, and the row number, which the table's unique index proves. */
const NOT_SEALED: ReadonlySet<string> = new Set(['digest', 'seq', 'rowid']);

export function sealOf(table: string, row: SqlRow): Buffer {
  return startSeal(table, partsOf(row)).digest();
}

/** Whether the row's `digest` is the seal of its other columns. */
export function isSealed(table: string, row: SqlRow): boolean {
  const { digest } = row;
  return digest instanceof Uint8Array && Buffer.compare(digest, sealOf(table, row)) === 0;
}

/** What the seal of a row covers, in order. */
export function partsOf(row: SqlRow): readonly SealedPart[] {
  return Object.keys(row)
    .sort()
    .flatMap((name): SealedPart[] => {
      const value = row[name];
      if (value === null || value === undefined || NOT_SEALED.has(name)) return [];
      const bytes = value instanceof Uint8Array ? value : Buffer.from(String(value), 'utf8');
      return [{ name, kind: kindOf(value), bytes }];
    });
}

/**
 * The hash of a seal after `parts`, and after the head of one more, whose bytes are to follow.
 * @param hash continues one that was begun; absent: from the table's name on
 */
export function startSeal(
  table: string,
  parts: readonly SealedPart[],
  next?: SealedPart,
  hash: Hash = createHash('sha256').update(`${table}\n`),
): Hash {
  for (const part of parts) hash.update(headOf(part)).update(part.bytes);
  return next === undefined ? hash : hash.update(headOf(next));
}

function headOf({ name, kind, bytes }: SealedPart): string {
  return `${name} ${kind} ${bytes.length}\n`;
}

function kindOf(value: Exclude<SqlValue, null>): SealedPart['kind'] {
  if (value instanceof Uint8Array) return 'blob';
  return typeof value === 'string' ? 'text' : 'integer';
}
