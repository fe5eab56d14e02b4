/**
 * Runs work by the clock. node-cron fires, a run never overlaps itself, and each firing is recorded before it runs. Firings
 * that fell while the daemon was down are recorded as missed at its next start; only the last missed one of each schedule is
 * made up for.
 */

import type { FastifyBaseLogger } from 'fastify';
import cron, { type ScheduledTask } from 'node-cron';
import { assert } from '../../base/errors.ts';
import { failureText } from '../../base/failure-text.ts';

export type Schedule = {
  /** Stable: what was last fired is remembered by it. */
  readonly id: string;
  /** Minute hour day month weekday, in UTC. */
  readonly cron: string;
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Where firings are remembered, over restarts: `(schedule, fire time)` is unique. */
export interface ScheduleJournal {
  /** Writes down that a firing runs. @returns false when it is written down already. */
  claim(scheduleId: string, fireTime: Date): Promise<boolean>;
  /** Writes down how a claimed firing ended; without `error` it succeeded. */
  end(scheduleId: string, fireTime: Date, error?: string): Promise<void>;
  /** Writes down that nothing ran for a firing. One that is there already is not changed. */
  miss(scheduleId: string, fireTime: Date): Promise<void>;
  /** The last firing written down; null: never. */
  last(scheduleId: string): Promise<Date | null>;
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

  /** Starts the clock; firings since the last one in the journal were missed, the last of them is made up for. */
  async start(): Promise<void> {
    for (const schedule of this.#options.schedules) {
      const task = cron.schedule(schedule.cron, ({ date }) => this.fire(schedule.id, date), {
        name: schedule.id,
        timezone: 'UTC',
        unref: true,
      });
      this.#tasks.push(task);
      await this.#reconcile(schedule.id, task);
    }
  }

  /**
   * Runs a schedule for a fire time (to the second), unless it still runs or that firing was already written down.
   * A run that fails is logged and written down; the next firing tries again.
   * @returns whether it ran
   */
  async fire(id: string, at: Date): Promise<boolean> {
    const fireTime = new Date(Math.floor(at.getTime() / SECOND_MS) * SECOND_MS);
    const schedule = this.#options.schedules.find((s) => s.id === id);
    assert(schedule !== undefined, `no schedule ${id}`);
    const log = this.#options.logger.child({ component: 'scheduler', schedule: id });
    if (this.#abort.signal.aborted) return false;
    if (this.#running.has(id)) {
      log.warn('still running, firing missed');
      await this.#options.journal.miss(id, fireTime);
      return false;
    }
    const run = (async () => {
      if (!(await this.#options.journal.claim(id, fireTime))) return false;
      const begun = performance.now();
      try {
        await schedule.run(this.#abort.signal);
        await this.#options.journal.end(id, fireTime);
        log.info({ durationMs: Math.round(performance.now() - begun) }, 'schedule ran');
      } catch (err) {
        log.error({ err, durationMs: Math.round(performance.now() - begun) }, 'schedule failed');
        await this.#options.journal.end(id, fireTime, failureText(err));
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

  /** The schedules, and when each fires next; null: the clock stands. */
  list(): readonly { readonly id: string; readonly cron: string; readonly next: Date | null }[] {
    return this.#options.schedules.map(({ id, cron: expression }) => ({
      id,
      cron: expression,
      next: this.#tasks.find(({ name }) => name === id)?.getNextRun() ?? null,
    }));
  }

  /** Stops the clock, aborts what runs, and waits for its end. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#tasks.splice(0).map((task) => task.destroy()));
    await Promise.all(this.#running.values());
  }

  async #reconcile(id: string, task: ScheduledTask): Promise<void> {
    const { journal } = this.#options;
    const now = new Date();
    const last = await journal.last(id);
    const missed = firingsBetween(task, last, now);
    // A schedule that never fired begins here: without a first entry, a daemon that is never up at the right time
    // would never find out that it misses every firing.
    for (const time of last === null ? missed.slice(-1) : missed.slice(0, -1)) await journal.miss(id, time);
    const due = last === null ? undefined : missed.at(-1);
    if (last !== null && missed.length > 1) {
      const log = this.#options.logger.child({ component: 'scheduler', schedule: id });
      log.warn({ missed: missed.length - 1 }, 'firings missed while the service was down');
    }
    if (due !== undefined) await this.fire(id, due);
  }
}

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
/** Looked back no further than this: a yearly schedule is not made up for. */
const LOOK_BACK_MS = 8 * 24 * 3_600_000;

/** So many missed firings are written down, the latest ones. */
const MOST_MISSED = 500;

/** The latest times in (last, now] at which the task would have fired, to the minute, in order. */
function firingsBetween(task: ScheduledTask, last: Date | null, now: Date): readonly Date[] {
  const newest = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  const oldest = Math.max(last?.getTime() ?? 0, now.getTime() - LOOK_BACK_MS);
  const found: Date[] = [];
  for (let time = newest; time > oldest && found.length < MOST_MISSED; time -= MINUTE_MS) {
    const date = new Date(time);
    if (task.match(date)) found.unshift(date);
  }
  return found;
}
