/**
 * Defines the service's own schedules: one removes captures beyond the limit, one removes unused content from the store, one
 * verifies the store.
 */

import type { FastifyBaseLogger } from 'fastify';
import type { SweepResult } from '../vmcore/store/index.ts';
import type { ScheduleConfig } from './config.ts';
import type { CaptureReader } from './http/shared/ports.ts';
import { type RetentionLimits, sweepCaptures } from './schedule/retention.ts';
import type { Schedule } from './schedule/scheduler.ts';

export type MaintenanceOptions = {
  readonly schedules: ScheduleConfig;
  readonly limits: RetentionLimits;
  readonly captures: Pick<CaptureReader, 'list' | 'remove'>;
  /**
   * Removes stored content that belongs to no capture. It must leave alone what is being stored meanwhile: a vmcore
   * is written before its capture is.
   */
  readonly sweepStore: () => Promise<SweepResult>;
  /** Verifies the store and reports what it finds; it reads at a bounded rate. */
  readonly verifyStore: (signal: AbortSignal) => Promise<unknown>;
  /** The keys' own limits of captures: a guest that crashes all day makes more than its owner may have. */
  readonly maxCapturesOfKey: () => Promise<ReadonlyMap<string, number>>;
  readonly pruneAudit: () => Promise<number>;
  readonly logger: FastifyBaseLogger;
};

/** For a Scheduler. */
export function maintenanceSchedules(options: MaintenanceOptions): readonly Schedule[] {
  const log = options.logger.child({ component: 'maintenance' });
  return [
    {
      id: 'retention',
      cron: options.schedules.retention,
      run: async () => {
        const { kept, removed, removedBytes } = await sweepCaptures(
          options.captures,
          { ...options.limits, maxOfKey: await options.maxCapturesOfKey() },
          Date.now(),
        );
        await options.pruneAudit();
        if (removed.length > 0)
          log.info({ kept, removed, removedBytes }, 'captures beyond the limit removed');
      },
    },
    {
      id: 'store-sweep',
      cron: options.schedules.storeSweep,
      run: async () => {
        const swept = await options.sweepStore();
        if (swept.heldBack !== undefined)
          log.warn({ heldBack: swept.heldBack }, 'the store is damaged: nothing is removed from it');
        if (swept.chunks > 0) log.info({ chunks: swept.chunks, removedBytes: swept.bytes }, 'store swept');
      },
    },
    {
      id: 'store-verify',
      cron: options.schedules.storeVerify,
      run: async (signal) => {
        await options.verifyStore(signal);
      },
    },
  ];
}
