/** Seals the rows that were stored before rows had seals: the step in code of migration 007 of the metadata. */

import type { Database } from 'better-sqlite3';
import { type MigrationSteps, type SqlRow, sealOf } from '../../vmcore/store/index.ts';

/** The tables whose rows carry a seal, each with the column that names a row to people. */
export const SEALED_TABLES: Readonly<Record<string, string>> = {
  partition: 'id',
  operation: 'id',
  operation_trace: 'operation_id',
  capture: 'id',
  trace: 'capture_id',
  console: 'capture_id',
  schedule_firing: 'schedule_id',
  worker: 'id',
  partition_lease: 'partition_id',
  api_key: 'id',
  audit: 'id',
};

/** Those that migration 007 found; later ones have had their seals from the start. */
const FOUND_BY_007 = Object.keys(SEALED_TABLES).filter((table) => table !== 'api_key' && table !== 'audit');

export const META_MIGRATION_STEPS: MigrationSteps = {
  '007_add_digests.sql': (db: Database): void => {
    for (const table of FOUND_BY_007) {
      const rows = db.prepare<[], number>(`SELECT rowid FROM ${table}`).pluck().all();
      const read = db.prepare<[number], SqlRow>(`SELECT * FROM ${table} WHERE rowid = ?`);
      const seal = db.prepare(`UPDATE ${table} SET digest = ? WHERE rowid = ?`);
      for (const row of rows) seal.run(sealOf(table, read.get(row) ?? {}), row);
    }
  },
};
