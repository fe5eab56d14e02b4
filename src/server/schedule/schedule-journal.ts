/** Keeps the journal of schedules in the metadata store, and lists schedules for REST. */

import type { WorkerId } from '../../panic/operations/index.ts';
import type { FiringStore, ScheduleFiring } from '../../panic/store/index.ts';
import type { ScheduleView } from '../http/shared/ports.ts';
import type { ScheduleJournal, Scheduler } from './scheduler.ts';

const SHOWN = 20;
const INTERRUPTED = 'the service was restarted while this was not done';

/** Opens the journal. What an earlier incarnation of this worker ran when it went down has failed. */
export async function openScheduleJournal(store: FiringStore, worker: WorkerId): Promise<ScheduleJournal> {
  await store.failOrphans(worker, INTERRUPTED);
  const firing = (scheduleId: string, at: Date, state: ScheduleFiring['state']): ScheduleFiring => ({
    scheduleId,
    fireTime: at.toISOString(),
    state,
  });
  return {
    claim: (id, at) => store.add(firing(id, at, 'running'), worker),
    end: async (id, at, error) => {
      const endedAt = new Date().toISOString();
      await store.end(
        error === undefined
          ? { ...firing(id, at, 'succeeded'), endedAt }
          : { ...firing(id, at, 'failed'), endedAt, error },
      );
    },
    miss: async (id, at) => {
      await store.add(firing(id, at, 'missed'));
    },
    last: async (id) => {
      const [last] = await store.last(id, 1);
      return last === undefined ? null : new Date(last.fireTime);
    },
  };
}

/** Every schedule with its last firings. */
export function viewSchedules(scheduler: Scheduler, store: FiringStore): Promise<readonly ScheduleView[]> {
  return Promise.all(
    scheduler.list().map(async ({ id, cron, next }): Promise<ScheduleView> => {
      const firings = await store.last(id, SHOWN);
      return {
        id,
        cron,
        ...(next === null ? {} : { next: next.toISOString() }),
        firings: firings.map(({ scheduleId: _id, ...shown }) => shown),
      };
    }),
  );
}
