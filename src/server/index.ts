/** The HTTP service: REST v1, events, documentation and the dashboard, and what it does by the clock. */

export { allowedHostsFor, DEFAULT_CONFIG, type ScheduleConfig, type ServerConfig } from './config.ts';
export { type Daemon, type DaemonOptions, type FleetWanted, openDaemon } from './daemon.ts';
export { FleetWatch, type FleetWatchOptions } from './fleet-watch.ts';
export { type AppOptions, buildApp } from './http/app.ts';
export { partitionRequestProblem } from './http/schemas/index.ts';
export { API_PREFIX, type App } from './http/shared/context.ts';
export type {
  CaptureQuery,
  CaptureReader,
  Health,
  HealthCheck,
  ImageCatalogue,
  ImageFile,
  ImageImport,
  ImageView,
  ListQuery,
  Page,
  ScheduleView,
  TroubledPartition,
  VersionInfo,
  VmcoreSource,
} from './http/shared/ports.ts';
export { createLogger, type Logger, type LogOptions } from './logger.ts';
export { type MaintenanceOptions, maintenanceSchedules } from './maintenance.ts';
export { type RetentionLimits, type RetentionResult, sweepCaptures } from './schedule/retention.ts';
export { openScheduleJournal, viewSchedules } from './schedule/schedule-journal.ts';
export {
  type Schedule,
  type ScheduleJournal,
  Scheduler,
  type SchedulerOptions,
} from './schedule/scheduler.ts';
