/** Reads and writes rows that hold a record as JSON, and translates the errors of an insert. */

import { promisify } from 'node:util';
import { gunzip, gzip, type ZlibOptions } from 'node:zlib';
import type { Database } from 'better-sqlite3';
import { Refusal } from '../contract/index.ts';

/** Consoles are bounded by 8 MiB and traces by the recorder; damaged data must not become more than this. */
const MAX_UNPACKED = 256 * 2 ** 20;
const unpack: (data: Uint8Array, options: ZlibOptions) => Promise<Buffer> = promisify(gunzip);

/** Off the calling thread. */
export const compress: (data: string | Uint8Array) => Promise<Buffer> = promisify(gzip);
export const decompress = (data: Uint8Array): Promise<Buffer> =>
  unpack(data, { maxOutputLength: MAX_UNPACKED });

type RecordRow = { readonly record: string };

export function oneRecord<T>(db: Database, sql: string, key: string): T | null {
  const row = db.prepare<[string], RecordRow>(sql).get(key);
  return row === undefined ? null : (JSON.parse(row.record) as T);
}

export function allRecords<T>(db: Database, sql: string, ...values: readonly (string | number)[]): T[] {
  return db
    .prepare<(string | number)[], RecordRow>(sql)
    .all(...values)
    .map((row) => JSON.parse(row.record) as T);
}

/** @throws Refusal `conflict` where a unique value is taken. */
export function insert(
  db: Database,
  sql: string,
  ...values: readonly (string | number | Buffer | null)[]
): void {
  try {
    db.prepare(sql).run(...values);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'SQLITE_CONSTRAINT_UNIQUE' && code !== 'SQLITE_CONSTRAINT_PRIMARYKEY') throw error;
    throw new Refusal('conflict', `${JSON.stringify(values[0])} is taken`);
  }
}
