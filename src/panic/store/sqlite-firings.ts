/** Stores the journal of schedules in SQLite. Source of the layout: migrations/meta. */

import { SealedTable } from '../../vmcore/store/index.ts';
import type { WorkerId } from '../operations/index.ts';
import type { FiringStore, ScheduleFiring } from './contract.ts';
import { inTransaction, type Tables } from './rows.ts';

/** So many of a schedule are kept: a week of one that fires every ten minutes. */
const KEPT = 1000;

type Row = {
  readonly schedule_id: string;
  readonly fire_time: string;
  readonly state: ScheduleFiring['state'];
  readonly ended_at: string | null;
  readonly error: string | null;
  readonly worker: string | null;
  readonly worker_epoch: number | null;
};

export class SqliteFirings implements FiringStore {
  readonly #tables: Tables;
  readonly #rows: SealedTable<Row>;

  constructor(tables: Tables) {
    this.#tables = tables;
    this.#rows = new SealedTable({
      db: tables.db,
      name: 'schedule_firing',
      key: 'schedule_id',
      onDamage: tables.damage.add,
    });
  }

  async add(
    { scheduleId, fireTime, state, endedAt, error }: ScheduleFiring,
    worker?: WorkerId,
  ): Promise<boolean> {
    return inTransaction(this.#tables.db, () => {
      const isNew = this.#rows.insertNew({
        schedule_id: scheduleId,
        fire_time: fireTime,
        state,
        ended_at: endedAt ?? null,
        error: error ?? null,
        worker: worker?.id ?? null,
        worker_epoch: worker?.epoch ?? null,
      });
      this.#tables.db
        .prepare(
          'DELETE FROM schedule_firing WHERE schedule_id = ? AND fire_time <= (SELECT fire_time FROM schedule_firing WHERE schedule_id = ? ORDER BY fire_time DESC LIMIT 1 OFFSET ?)',
        )
        .run(scheduleId, scheduleId, KEPT);
      return isNew;
    });
  }

  async end({ scheduleId, fireTime, state, endedAt, error }: ScheduleFiring): Promise<boolean> {
    return inTransaction(this.#tables.db, () => {
      const row = this.#rows.find({ schedule_id: scheduleId, fire_time: fireTime });
      if (row === undefined || row === 'damaged' || row.state !== 'running') return false;
      this.#rows.change(row, { state, ended_at: endedAt ?? null, error: error ?? null });
      return true;
    });
  }

  async last(scheduleId: string, limit: number): Promise<readonly ScheduleFiring[]> {
    return this.#rows
      .good(
        'WHERE schedule_id = ? ORDER BY fire_time DESC LIMIT ?',
        [scheduleId, limit],
        (row) => row.schedule_id === scheduleId,
      )
      .map(firingOf);
  }

  async failOrphans(worker: WorkerId, error: string): Promise<number> {
    const endedAt = new Date(this.#tables.now()).toISOString();
    return inTransaction(this.#tables.db, () => {
      const orphans = this.#rows.good("WHERE state = 'running' AND worker = ? AND worker_epoch < ?", [
        worker.id,
        worker.epoch,
      ]);
      for (const row of orphans) this.#rows.change(row, { state: 'failed', ended_at: endedAt, error });
      return orphans.length;
    });
  }
}

function firingOf(row: Row): ScheduleFiring {
  return {
    scheduleId: row.schedule_id,
    fireTime: row.fire_time,
    state: row.state,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    ...(row.error === null ? {} : { error: row.error }),
  };
}
