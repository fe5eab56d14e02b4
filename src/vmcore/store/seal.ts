/**
 * Seals rows: a row's seal is a SHA-256 over the table's name and every column that has a value, with its name, its type and its
 * length. It is written with the row and compared when the row is read, so that a row whose bytes changed on the disk is
 * never taken for what was stored. A column that is added later without a value leaves the seals of older rows as they are.
 */

import { createHash } from 'node:crypto';

export type SqlValue = string | number | bigint | Uint8Array | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** Not under the seal: the column that holds it, and the row number, which the table's unique index proves. */
const NOT_SEALED: ReadonlySet<string> = new Set(['digest', 'seq', 'rowid']);

export function sealOf(table: string, row: SqlRow): Buffer {
  const hash = createHash('sha256').update(`${table}\n`);
  for (const name of Object.keys(row).sort()) {
    const value = row[name];
    if (value === null || value === undefined || NOT_SEALED.has(name)) continue;
    const bytes = value instanceof Uint8Array ? value : Buffer.from(String(value), 'utf8');
    hash.update(`${name} ${kindOf(value)} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest();
}

/** Whether the row's `digest` is the seal of its other columns. */
export function isSealed(table: string, row: SqlRow): boolean {
  const { digest } = row;
  return digest instanceof Uint8Array && Buffer.compare(digest, sealOf(table, row)) === 0;
}

function kindOf(value: Exclude<SqlValue, null>): 'blob' | 'integer' | 'text' {
  if (value instanceof Uint8Array) return 'blob';
  return typeof value === 'string' ? 'text' : 'integer';
}
