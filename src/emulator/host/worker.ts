/**
 * The thread of a partition: it imports its code and adopts the compiled interpreters, then waits for the partition that it is
 * to run. So it may be started before anybody asks for one (spare-thread.ts).
 */

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/errors.ts';
import { yieldToOthers } from '../../base/thread-priority.ts';
import { adoptModules } from '../engine/interpreter/modules.ts';
import type { OpenPartition, WorkerStart } from './protocol.ts';
import { servePartition } from './serve-partition.ts';

const port = parentPort;
assert(port !== null, 'the partition worker runs in a worker thread');
adoptModules((workerData as WorkerStart).interpreters);
// A guest may execute without end: the daemon's threads go first.
yieldToOthers();

// A request that cannot be read would never be answered: the worker ends, and its owner learns why.
port.on('messageerror', (error) => {
  throw error;
});

port.once('message', (open: OpenPartition) => servePartition(port, open));
