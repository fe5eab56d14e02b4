/** Runs the daemon: HTTP service, events, documentation, dashboard, and schedules. */

export { isHostOrOrigin } from './access/index.ts';
export { DEFAULT_CONFIG } from './config.ts';
export { type Daemon, type DaemonOptions, openDaemon } from './daemon.ts';
export { partitionRequestProblem } from './http/schemas/index.ts';
export type { TroubledPartition } from './http/shared/ports.ts';
export { createLogger } from './logger.ts';
