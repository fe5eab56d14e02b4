/** Defines the daemon's configuration and its defaults. It comes from the command line; the environment is not read. */

import type { LogOptions } from './logger.ts';
import type { RetentionLimits } from './schedule/retention.ts';

export type ServerConfig = {
  readonly host: string;
  readonly port: number;
  readonly log: LogOptions;
  readonly retention: RetentionLimits;
  readonly schedules: ScheduleConfig;
  /** With less room on the data folder's disk no capture and no import begins. */
  readonly minFreeBytes: number;
};

/** Cron expressions (minute hour day month weekday), in UTC. */
export type ScheduleConfig = {
  readonly retention: string;
  readonly storeSweep: string;
  readonly storeVerify: string;
};

export const DEFAULT_CONFIG: ServerConfig = {
  host: '127.0.0.1',
  port: 8470,
  log: { level: 'info' },
  retention: { maxCaptures: 200 },
  minFreeBytes: 256 * 2 ** 20,
  schedules: { retention: '*/10 * * * *', storeSweep: '30 3 * * *', storeVerify: '0 4 * * 0' },
};
