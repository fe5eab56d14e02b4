/**
 * Reads and writes the rows of one table under their seals (seal.ts). A row that is not what was written is never given: one that
 * was asked for is a StoredDataError, in a list its id is named instead. The table has the column `digest`.
 */

import type { Database } from 'better-sqlite3';
import { guarded, storeError } from './errors.ts';
import { isSealed, type SqlRow, type SqlValue, sealOf } from './seal.ts';

/** A row of a table that is not what was written. */
export type RecordDamage = {
  readonly table: string;
  /** The value of the table's key; `row N` where that cannot be read. */
  readonly id: string;
};

/** A row as it was read. */
export type Stored<Row> = Row & { readonly rowid: number };

/** A place in a list: a row, or the id of one that is damaged. */
export type Entry<Row> =
  | { readonly rowid: number; readonly row: Stored<Row> }
  | { readonly rowid: number; readonly damaged: string };

export type SealedTableOptions<Row> = {
  readonly db: Database;
  readonly name: string;
  /** The column that names a row to people. */
  readonly key: keyof Row & string;
  readonly onDamage: (damage: RecordDamage) => void;
};

export class SealedTable<Row extends { readonly [Column in keyof Row]: SqlValue }> {
  readonly #options: SealedTableOptions<Row>;

  constructor(options: SealedTableOptions<Row>) {
    this.#options = options;
  }

  /** @throws the database's own error where a unique value is taken */
  insert(row: Row): void {
    this.#write('INSERT INTO', row, '');
  }

  /** @returns false where a unique value is taken; then nothing is added */
  insertNew(row: Row): boolean {
    return this.#write('INSERT INTO', row, 'ON CONFLICT DO NOTHING') > 0;
  }

  /** Takes the place of the row with the same unique values. */
  replace(row: Row): void {
    this.#write('INSERT OR REPLACE INTO', row, '');
  }

  /** The row that has these values. @throws StoredDataError `store/corrupt-record` where it is damaged */
  one(where: Partial<Row>): Stored<Row> | undefined {
    const found = this.find(where);
    if (found === 'damaged')
      throw this.#corrupt(String(Object.values(where as SqlRow).find((each) => each !== null)));
    return found;
  }

  /** As {@link one}, without throwing. */
  find(where: Partial<Row>): Stored<Row> | 'damaged' | undefined {
    const wanted = Object.entries(where as SqlRow);
    const row = this.#select(
      `WHERE ${wanted.map(([column]) => `${column} IS ?`).join(' AND ')} LIMIT 1`,
      wanted.map(([, value]) => value),
    )[0];
    if (row === undefined) return undefined;
    // An index whose row number changed names another row, which is whole.
    if (this.#isGood(row) && wanted.every(([column, value]) => row[column] === value))
      return row as unknown as Stored<Row>;
    this.#report(row);
    return 'damaged';
  }

  /** What the rest of a SELECT finds, in order. */
  all(clause: string, values: readonly SqlValue[] = []): readonly Entry<Row>[] {
    return this.#select(clause, values).map((row): Entry<Row> => {
      const rowid = Number(row.rowid);
      return this.#isGood(row)
        ? { rowid, row: row as unknown as Stored<Row> }
        : { rowid, damaged: this.#report(row) };
    });
  }

  /**
   * The rows of {@link all} that are not damaged and for which `isWanted` holds: it says of the row itself what the
   * clause says of an index.
   */
  good(
    clause: string,
    values: readonly SqlValue[] = [],
    isWanted: (row: Row) => boolean = () => true,
  ): readonly Stored<Row>[] {
    return this.all(clause, values).flatMap((each) =>
      'row' in each && isWanted(each.row) ? [each.row] : [],
    );
  }

  /** Writes columns of a row that was read, and its new seal. */
  change(row: Stored<Row>, change: Partial<Row>): Stored<Row> {
    const changed = { ...row, ...change };
    const columns = Object.keys(change);
    const values = [
      ...Object.values(change as SqlRow),
      sealOf(this.#options.name, changed as SqlRow),
      row.rowid,
    ];
    this.#guarded((db) =>
      db
        .prepare(
          `UPDATE ${this.#options.name} SET ${[...columns, 'digest'].map((each) => `${each} = ?`).join(', ')} WHERE rowid = ?`,
        )
        .run(...values),
    );
    return changed;
  }

  #write(verb: string, row: Row, rest: string): number {
    const { name } = this.#options;
    const values = { ...(row as SqlRow), digest: sealOf(name, row as SqlRow) };
    const columns = Object.keys(values);
    return this.#guarded(
      (db) =>
        db
          .prepare(
            `${verb} ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ${rest}`,
          )
          .run(...Object.values(values)).changes,
    );
  }

  #select(clause: string, values: readonly SqlValue[]): SqlRow[] {
    return this.#guarded((db) =>
      db
        .prepare<SqlValue[], SqlRow>(`SELECT rowid AS rowid, * FROM ${this.#options.name} ${clause}`)
        .all(...values),
    );
  }

  #isGood(row: SqlRow): boolean {
    return isSealed(this.#options.name, row);
  }

  /** @returns the row's id, as far as it can be read */
  #report(row: SqlRow): string {
    const { name: table, key, onDamage } = this.#options;
    const id = recordId(row, key);
    onDamage({ table, id });
    return id;
  }

  #corrupt(id: string): Error {
    return storeError('store/corrupt-record', `the ${this.#options.name} ${id} is damaged in the store`);
  }

  #guarded<T>(work: (db: Database) => T): T {
    const { db } = this.#options;
    return guarded('metadata.db', () => work(db));
  }
}

/** The id of a row that is damaged: only text that can be an id is believed. */
export function recordId(row: SqlRow, key: string): string {
  const value = row[key];
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$/.test(value)
    ? value
    : `row ${row.rowid}`;
}
