/** Stores the fleet's partitions in SQLite. Source of the layout: migrations/meta. */

import type { Database } from 'better-sqlite3';
import type { PartitionRecord, PartitionStore } from './contract.ts';
import { allRecords, insert } from './rows.ts';

export class SqlitePartitions implements PartitionStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async create(partition: PartitionRecord): Promise<void> {
    insert(
      this.#db,
      'INSERT INTO partition (id, name, image, record) VALUES (?, ?, ?, ?)',
      partition.id,
      partition.name,
      partition.request.image,
      JSON.stringify(partition),
    );
  }

  async list(): Promise<readonly PartitionRecord[]> {
    return allRecords<PartitionRecord>(this.#db, 'SELECT record FROM partition ORDER BY seq');
  }

  async delete(id: string): Promise<boolean> {
    return this.#db.prepare('DELETE FROM partition WHERE id = ?').run(id).changes > 0;
  }
}
