/** Ids of the SQLite stores: row numbers as decimal text. */

/** The row of an id; 0, which no row has, for text that is none of ours. */
export function rowOf(id: string): number {
  return /^[1-9]\d{0,15}$/.test(id) ? Number(id) : 0;
}
