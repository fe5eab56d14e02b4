/**
 * Verifies or repairs a store in a thread and with database connections of its own, so that the daemon and its store continue
 * meanwhile. workerData: {@link CheckJob}. It ends with one answer.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/errors.ts';
import type { CheckAnswer, CheckJob } from './check-thread.ts';
import { repairStore, verifyStore } from './verify-store.ts';

assert(parentPort !== null, 'the worker runs in a thread');
const port = parentPort;
const { kind, paths, bytesPerSecond } = workerData as CheckJob;
const say = (answer: CheckAnswer): void => port.postMessage(answer);
const check = kind === 'verify' ? verifyStore : repairStore;

try {
  const options = bytesPerSecond === undefined ? {} : { bytesPerSecond };
  const result = await check(paths, { ...options, onProgress: (phase) => say({ kind: 'phase', phase }) });
  say({ kind: 'done', result });
} catch (error) {
  say({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
}
