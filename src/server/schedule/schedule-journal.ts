/** The journal of schedules over the embedded store, and what REST shows of them. */

import type { MetadataStore, ScheduleFiring } from '../../panic/store/index.ts';
import type { ScheduleView } from '../http/shared/ports.ts';
import type { ScheduleJournal, Scheduler } from './scheduler.ts';

type FiringStore = Pick<MetadataStore, 'addFiring' | 'endFiring' | 'lastFirings' | 'failRunningFirings'>;

const SHOWN = 20;
const INTERRUPTED = 'the service was restarted while this was not done';

/** Opens the journal. What ran when the service went down has failed. */
export async function openScheduleJournal(store: FiringStore): Promise<ScheduleJournal> {
  await store.failRunningFirings(INTERRUPTED, new Date().toISOString());
  const firing = (scheduleId: string, at: Date, state: ScheduleFiring['state']): ScheduleFiring => ({
    scheduleId,
    fireTime: at.toISOString(),
    state,
  });
  return {
    claim: (id, at) => store.addFiring(firing(id, at, 'running')),
    end: async (id, at, error) => {
      const endedAt = new Date().toISOString();
      await store.endFiring(
        error === undefined
          ? { ...firing(id, at, 'succeeded'), endedAt }
          : { ...firing(id, at, 'failed'), endedAt, error },
      );
    },
    miss: async (id, at) => {
      await store.addFiring(firing(id, at, 'missed'));
    },
    last: async (id) => {
      const [last] = await store.lastFirings(id, 1);
      return last === undefined ? null : new Date(last.fireTime);
    },
  };
}

/** Every schedule with its last firings. */
export function viewSchedules(scheduler: Scheduler, store: FiringStore): Promise<readonly ScheduleView[]> {
  return Promise.all(
    scheduler.list().map(async ({ id, cron, next }): Promise<ScheduleView> => {
      const firings = await store.lastFirings(id, SHOWN);
      return {
        id,
        cron,
        ...(next === null ? {} : { next: next.toISOString() }),
        firings: firings.map(({ scheduleId: _id, ...shown }) => shown),
      };
    }),
  );
}
