/** Gives the rows of a sealed table that changed by one bit their content back; every other damaged row stays as it is. */

import type { Database } from 'better-sqlite3';
import { bitsApart, correctSealed } from './one-bit.ts';
import { isSealed, type SealedPart, type SqlRow, type SqlValue, sealOf } from './seal.ts';

/** @returns how many rows were repaired */
export function repairRows(db: Database, table: string): number {
  const keys = keyColumns(db, table);
  const columns = db.prepare<[], string>(`SELECT name FROM pragma_table_info('${table}')`).pluck().all();
  const where = keys.map((key) => `${key} = ?`).join(' AND ');
  const all = db
    .prepare<[], SqlRow>(`SELECT ${keys.map((key) => `${key} AS ${key}`).join(', ')} FROM ${table}`)
    .all();
  let repaired = 0;
  for (const key of all) {
    const at = keys.map((name) => key[name] ?? null);
    const row = db.prepare<SqlValue[], SqlRow>(`SELECT * FROM ${table} WHERE ${where}`).get(...at);
    if (row === undefined || isSealed(table, row) || !(row.digest instanceof Uint8Array)) continue;
    const right =
      bitsApart(row.digest, sealOf(table, row)) === 1
        ? { digest: sealOf(table, row) }
        : corrected(table, rawParts(db, table, columns, where, at), row.digest);
    if (right === undefined) continue;
    const changed = Object.entries(right);
    db.prepare(`UPDATE ${table} SET ${changed.map(([name]) => `${name} = ?`).join(', ')} WHERE ${where}`).run(
      ...changed.map(([, value]) => value),
      ...at,
    );
    repaired += 1;
  }
  return repaired;
}

/** The columns that a row is found by: the row number, or the primary key where a table has none. */
function keyColumns(db: Database, table: string): readonly string[] {
  const sql =
    db.prepare<[string], string>('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(table) ?? '';
  if (!/WITHOUT ROWID\s*$/i.test(sql)) return ['rowid'];
  return db
    .prepare<[], string>(`SELECT name FROM pragma_table_info('${table}') WHERE pk > 0 ORDER BY pk`)
    .pluck()
    .all();
}

/** The columns under the seal, text as the bytes that are stored. */
function rawParts(
  db: Database,
  table: string,
  columns: readonly string[],
  where: string,
  at: readonly SqlValue[],
): readonly SealedPart[] {
  return [...columns].sort().flatMap((name): SealedPart[] => {
    if (name === 'digest' || name === 'seq') return [];
    const found = db
      .prepare<SqlValue[], { kind: string; value: Buffer | number | null }>(
        `SELECT typeof(${name}) AS kind, CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END AS value FROM ${table} WHERE ${where}`,
      )
      .get(...at);
    if (found === undefined || found.value === null) return [];
    const { kind, value } = found;
    if (kind !== 'text' && kind !== 'integer' && kind !== 'blob') return [];
    return [{ name, kind, bytes: value instanceof Uint8Array ? value : Buffer.from(String(value)) }];
  });
}

function corrected(
  table: string,
  parts: readonly SealedPart[],
  seal: Uint8Array,
): Readonly<Record<string, SqlValue>> | undefined {
  const right = correctSealed(table, parts, seal);
  if (right === undefined) return undefined;
  return Object.fromEntries(
    right
      .filter((part, i) => part !== parts[i])
      .map(({ name, kind, bytes }): [string, SqlValue] => {
        if (kind === 'blob') return [name, bytes];
        const text = Buffer.from(bytes).toString('utf8');
        return [name, kind === 'text' ? text : Number(text)];
      }),
  );
}
