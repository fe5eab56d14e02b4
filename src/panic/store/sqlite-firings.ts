/** Stores the journal of schedules in SQLite. Source of the layout: migrations/meta. */

import type { Database } from 'better-sqlite3';
import type { WorkerId } from '../operations/index.ts';
import type { FiringStore, ScheduleFiring } from './contract.ts';

/** So many of a schedule are kept: a week of one that fires every ten minutes. */
const KEPT = 1000;

type Row = {
  readonly schedule_id: string;
  readonly fire_time: string;
  readonly state: ScheduleFiring['state'];
  readonly ended_at: string | null;
  readonly error: string | null;
};

export class SqliteFirings implements FiringStore {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  async add(
    { scheduleId, fireTime, state, endedAt, error }: ScheduleFiring,
    worker?: WorkerId,
  ): Promise<boolean> {
    return this.#db.transaction(() => {
      const added = this.#db
        .prepare('INSERT INTO schedule_firing VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
        .run(
          scheduleId,
          fireTime,
          state,
          endedAt ?? null,
          error ?? null,
          worker?.id ?? null,
          worker?.epoch ?? null,
        ).changes;
      this.#db
        .prepare(
          'DELETE FROM schedule_firing WHERE schedule_id = ? AND fire_time <= (SELECT fire_time FROM schedule_firing WHERE schedule_id = ? ORDER BY fire_time DESC LIMIT 1 OFFSET ?)',
        )
        .run(scheduleId, scheduleId, KEPT);
      return added > 0;
    })();
  }

  async end({ scheduleId, fireTime, state, endedAt, error }: ScheduleFiring): Promise<boolean> {
    const update = this.#db.prepare(
      "UPDATE schedule_firing SET state = ?, ended_at = ?, error = ? WHERE schedule_id = ? AND fire_time = ? AND state = 'running'",
    );
    return update.run(state, endedAt ?? null, error ?? null, scheduleId, fireTime).changes > 0;
  }

  async last(scheduleId: string, limit: number): Promise<readonly ScheduleFiring[]> {
    return this.#db
      .prepare<[string, number], Row>(
        'SELECT * FROM schedule_firing WHERE schedule_id = ? ORDER BY fire_time DESC LIMIT ?',
      )
      .all(scheduleId, limit)
      .map(firingOf);
  }

  async failOrphans(worker: WorkerId, error: string): Promise<number> {
    return this.#db
      .prepare(
        "UPDATE schedule_firing SET state = 'failed', ended_at = ?, error = ? WHERE state = 'running' AND worker = ? AND worker_epoch < ?",
      )
      .run(new Date(this.#now()).toISOString(), error, worker.id, worker.epoch).changes;
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
