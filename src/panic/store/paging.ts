/** Reads a table page by page, newest first. The cursor is the row number of the last item: added and removed rows do not move it. */

import type { Database } from 'better-sqlite3';
import { assert } from '../../base/errors.ts';
import type { ListQuery, Page } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';

/** @param filters column to wanted value; undefined does not filter. @throws Refusal `invalid` for a bad cursor. */
export function pageOf<T>(
  db: Database,
  table: 'operation' | 'capture',
  query: ListQuery,
  filters: Readonly<Record<string, string | undefined>>,
): Page<T> {
  assert(Number.isInteger(query.limit) && query.limit > 0, 'a page has a limit of at least 1');
  const wanted = Object.entries(filters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const where = ['seq < ?', ...wanted.map(([column]) => `${column} = ?`)].join(' AND ');
  const rows = db
    .prepare<(string | number)[], { seq: number; record: string }>(
      `SELECT seq, record FROM ${table} WHERE ${where} ORDER BY seq DESC LIMIT ?`,
    )
    .all(before(query.cursor), ...wanted.map(([, value]) => value), query.limit + 1);
  const items = rows.slice(0, query.limit).map((row) => JSON.parse(row.record) as T);
  const last = rows[query.limit - 1];
  return rows.length > query.limit && last !== undefined ? { items, next: String(last.seq) } : { items };
}

function before(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  if (!/^[1-9]\d{0,14}$/.test(cursor))
    throw new Refusal('invalid', 'the cursor is not one that an earlier page returned');
  return Number(cursor);
}
