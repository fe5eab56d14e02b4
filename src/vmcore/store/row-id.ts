/** Converts ids of the SQLite stores, which are row numbers as decimal text. */

/** The row of an id; 0, which no row has, for any other text. */
export function rowOf(id: string): number {
  return /^[1-9]\d{0,15}$/.test(id) ? Number(id) : 0;
}
