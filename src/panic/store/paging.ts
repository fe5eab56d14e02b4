/** Reads a table page by page, newest first. The cursor is the row number of the last item: added and removed rows do not move it. */

import { assert } from '../../base/errors.ts';
import type { SealedTable, SqlValue } from '../../vmcore/store/index.ts';
import type { ListQuery, Page } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';

/**
 * @param filters column to wanted value; undefined does not filter.
 * @throws Refusal `invalid` for a bad cursor.
 */
export function pageOf<
  Row extends { readonly [Column in keyof Row]: SqlValue } & { readonly record: string },
  T,
>(
  table: SealedTable<Row>,
  query: Pick<ListQuery, 'limit' | 'cursor'>,
  filters: { readonly [Column in keyof Row]?: string | undefined },
): Page<T> {
  assert(Number.isInteger(query.limit) && query.limit > 0, 'a page has a limit of at least 1');
  const wanted = Object.entries(filters).filter(
    (entry): entry is [keyof Row & string, string] => entry[1] !== undefined,
  );
  const where = ['rowid < ?', ...wanted.map(([column]) => `${column} = ?`)].join(' AND ');
  const entries = table.all(`WHERE ${where} ORDER BY rowid DESC LIMIT ?`, [
    before(query.cursor),
    ...wanted.map(([, value]) => value),
    query.limit + 1,
  ]);
  const page = entries.slice(0, query.limit);
  const items = page.flatMap((entry) =>
    'row' in entry && wanted.every(([column, value]) => entry.row[column] === value)
      ? [JSON.parse(entry.row.record) as T]
      : [],
  );
  const damaged = page.flatMap((entry) => ('row' in entry ? [] : [entry.damaged]));
  const last = page.at(-1);
  return {
    items,
    ...(damaged.length > 0 ? { damaged } : {}),
    ...(entries.length > query.limit && last !== undefined ? { next: String(last.rowid) } : {}),
  };
}

function before(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  if (!/^[1-9]\d{0,14}$/.test(cursor))
    throw new Refusal('invalid', 'the cursor is not one that an earlier page returned');
  return Number(cursor);
}
