/**
 * Stores metadata in SQLite. Source of the layout: migrations/meta. Rows are small and calls short, so they run in the
 * caller's thread; traces and consoles are compressed in another one.
 */

import { openDatabase, type RecordDamage } from '../../vmcore/store/index.ts';
import type { MetadataStore } from './contract.ts';
import { DamageLog, type Tables } from './rows.ts';
import { META_MIGRATION_STEPS } from './seal-rows.ts';
import { SqliteAudit } from './sqlite-audit.ts';
import { SqliteCaptures } from './sqlite-captures.ts';
import { SqliteFirings } from './sqlite-firings.ts';
import { SqliteKeys } from './sqlite-keys.ts';
import { SqliteLeases } from './sqlite-leases.ts';
import { SqliteOperations } from './sqlite-operations.ts';
import { SqlitePartitions } from './sqlite-partitions.ts';
import { SqliteStarts } from './sqlite-starts.ts';

export type MetadataOptions = {
  /** Milliseconds since 1970; default the clock. */
  readonly now?: () => number;
  /** Called once for each row that is found damaged. */
  readonly onDamage?: (damage: RecordDamage) => void;
};

/** Opens or creates the metadata database `path` (`:memory:` for none). @throws FormatError `store/migration-…`. */
export function openMetadataStore(path: string, options: MetadataOptions = {}): MetadataStore {
  const db = openDatabase(path, 'meta', META_MIGRATION_STEPS);
  const damage = new DamageLog((found) => options.onDamage?.(found));
  const tables: Tables = { db, damage, now: options.now ?? Date.now };
  return {
    partitions: new SqlitePartitions(tables),
    starts: new SqliteStarts(tables),
    leases: new SqliteLeases(tables),
    operations: new SqliteOperations(tables),
    captures: new SqliteCaptures(tables),
    firings: new SqliteFirings(tables),
    keys: new SqliteKeys(tables),
    audit: new SqliteAudit(tables),
    damaged: async () => damage.list(),
    close: async () => {
      db.close();
    },
  };
}
