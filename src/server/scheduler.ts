/**
 * Work that comes round by the clock: node-cron fires, a run never overlaps itself, and each firing is written down
 * before it runs, so that one that the daemon slept through is made up for once at the next start.
 */

import type { FastifyBaseLogger } from 'fastify';
import cron, { type ScheduledTask } from 'node-cron';
import { assert } from '../base/errors.ts';

export type Schedule = {
  /** Stable: what was last fired is remembered by it. */
  readonly id: string;
  /** Minute hour day month weekday, in UTC. */
  readonly cron: string;
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Where firings are remembered: `(schedule, fire time)` is unique. */
export interface ScheduleJournal {
  /** @returns false when this firing is already written down. */
  claim(scheduleId: string, fireTime: Date): Promise<boolean>;
  /** The last firing written down; null: never. */
  last(scheduleId: string): Promise<Date | null>;
}

/** Remembers for as long as the process lives. */
export class MemoryJournal implements ScheduleJournal {
  readonly #last = new Map<string, number>();

  async claim(scheduleId: string, fireTime: Date): Promise<boolean> {
    if ((this.#last.get(scheduleId) ?? Number.NEGATIVE_INFINITY) >= fireTime.getTime()) return false;
    this.#last.set(scheduleId, fireTime.getTime());
    return true;
  }

  async last(scheduleId: string): Promise<Date | null> {
    const time = this.#last.get(scheduleId);
    return time === undefined ? null : new Date(time);
  }
}

export type SchedulerOptions = {
  readonly schedules: readonly Schedule[];
  readonly journal: ScheduleJournal;
  readonly logger: FastifyBaseLogger;
};

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #tasks: ScheduledTask[] = [];
  readonly #running = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();

  /** @throws Error when an expression is no cron expression or an id comes twice. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
    const ids = new Set<string>();
    for (const { id, cron: expression } of options.schedules) {
      if (!cron.validate(expression))
        throw new Error(`schedule ${id}: "${expression}" is no cron expression`);
      assert(!ids.has(id), `schedule ${id} is given twice`);
      ids.add(id);
    }
  }

  /** Starts the clock, and makes up for what was missed: once a schedule, however often it was. */
  async start(): Promise<void> {
    for (const schedule of this.#options.schedules) {
      const task = cron.schedule(schedule.cron, ({ date }) => this.fire(schedule.id, date), {
        name: schedule.id,
        timezone: 'UTC',
        unref: true,
      });
      this.#tasks.push(task);
      const last = await this.#options.journal.last(schedule.id);
      const due = last === null ? null : previousFiring(task, last, new Date());
      if (due !== null) await this.fire(schedule.id, due);
    }
  }

  /**
   * Runs a schedule for a fire time, unless it still runs or that firing was already written down.
   * A run that fails is logged; the next firing tries again.
   * @returns whether it ran
   */
  async fire(id: string, fireTime: Date): Promise<boolean> {
    const schedule = this.#options.schedules.find((s) => s.id === id);
    assert(schedule !== undefined, `no schedule ${id}`);
    const log = this.#options.logger.child({ component: 'scheduler', schedule: id });
    if (this.#abort.signal.aborted) return false;
    if (this.#running.has(id)) {
      log.warn('still running, firing skipped');
      return false;
    }
    const run = (async () => {
      if (!(await this.#options.journal.claim(id, fireTime))) return false;
      const begun = performance.now();
      try {
        await schedule.run(this.#abort.signal);
        log.info({ durationMs: Math.round(performance.now() - begun) }, 'schedule ran');
      } catch (err) {
        log.error({ err, durationMs: Math.round(performance.now() - begun) }, 'schedule failed');
      }
      return true;
    })();
    this.#running.set(
      id,
      run.then(
        () => undefined,
        () => undefined,
      ),
    );
    try {
      return await run;
    } finally {
      this.#running.delete(id);
    }
  }

  /** Stops the clock, tells what runs to end, and waits for it. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#tasks.splice(0).map((task) => task.destroy()));
    await Promise.all(this.#running.values());
  }
}

const MINUTE_MS = 60_000;
/** Looked back no further than this: a yearly schedule is not made up for. */
const LOOK_BACK_MS = 8 * 24 * 3_600_000;

/** The latest time in (last, now] at which the task would have fired, to the minute; null: none. */
function previousFiring(task: ScheduledTask, last: Date, now: Date): Date | null {
  const newest = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  const oldest = Math.max(last.getTime(), now.getTime() - LOOK_BACK_MS);
  for (let time = newest; time > oldest; time -= MINUTE_MS) {
    const date = new Date(time);
    if (task.match(date)) return date;
  }
  return null;
}
