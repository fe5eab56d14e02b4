/**
 * Stores metadata in SQLite. Source of the layout: migrations/meta. Rows are small and calls short, so they run in the
 * caller's thread; traces and consoles are compressed in another one.
 */

import { openDatabase } from '../../vmcore/store/index.ts';
import type { MetadataStore } from './contract.ts';
import { SqliteCaptures } from './sqlite-captures.ts';
import { SqliteFirings } from './sqlite-firings.ts';
import { SqliteLeases } from './sqlite-leases.ts';
import { SqliteOperations } from './sqlite-operations.ts';
import { SqlitePartitions } from './sqlite-partitions.ts';

export type MetadataOptions = {
  /** Milliseconds since 1970; default the clock. */
  readonly now?: () => number;
};

/** Opens or creates the metadata database `path` (`:memory:` for none). @throws FormatError `store/migration-…`. */
export function openMetadataStore(path: string, options: MetadataOptions = {}): MetadataStore {
  const db = openDatabase(path, 'meta');
  const now = options.now ?? Date.now;
  return {
    partitions: new SqlitePartitions(db),
    leases: new SqliteLeases(db, now),
    operations: new SqliteOperations(db, now),
    captures: new SqliteCaptures(db),
    firings: new SqliteFirings(db, now),
    close: async () => {
      db.close();
    },
  };
}
