/** Stores the fleet's partitions in SQLite. Source of the layout: migrations/meta. */

import { SealedTable } from '../../vmcore/store/index.ts';
import type { PartitionRecord, PartitionStore } from './contract.ts';
import { orConflict, type Tables } from './rows.ts';

type Row = {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly record: string;
};

export class SqlitePartitions implements PartitionStore {
  readonly #tables: Tables;
  readonly #rows: SealedTable<Row>;

  constructor(tables: Tables) {
    this.#tables = tables;
    this.#rows = new SealedTable({
      db: tables.db,
      name: 'partition',
      key: 'id',
      onDamage: tables.damage.add,
    });
  }

  async create(partition: PartitionRecord): Promise<void> {
    const { id, name, request } = partition;
    orConflict(id, () =>
      this.#rows.insert({ id, name, image: request.image, record: JSON.stringify(partition) }),
    );
  }

  async list(): Promise<readonly PartitionRecord[]> {
    return this.#rows.good('ORDER BY seq').map(({ record }) => JSON.parse(record) as PartitionRecord);
  }

  async delete(id: string): Promise<boolean> {
    const { db, damage } = this.#tables;
    damage.forget('partition', id);
    return db.prepare('DELETE FROM partition WHERE id = ?').run(id).changes > 0;
  }
}
