/**
 * Runs in every thread of a profiled daemon before the daemon's own modules (`node --import`). It samples or counts, and leaves
 * a record when the command asks for it, or when the thread ends. The daemon's modules are those of dist/, unchanged: what is
 * followed in them are public methods.
 */

import { readlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BroadcastChannel, isMainThread, threadId, Worker, workerData } from 'node:worker_threads';
import { ORDER_VARIABLE, type Order, type ThreadRecord } from '../record.ts';
import { followGuest } from './guest.ts';
import { startSampling } from './sampling.ts';
import { followStoring } from './storing.ts';

/** Milliseconds that a thread gets to leave its record. */
const LEAVE_MS = 30_000;
const PARTITION_WORKER = 'emulator/host/worker.js';

type Said = { readonly kind: 'leave' | 'left'; readonly threadId: number };

const order = JSON.parse(process.env[ORDER_VARIABLE] ?? '') as Order;
const dist = join(import.meta.dirname, '..', '..', '..', 'dist');
const module = relative(dist, process.argv[1] ?? '');
const channel = new BroadcastChannel('kdumpd-profile');
channel.unref();

const guest = module === PARTITION_WORKER ? await followGuest(dist, order.what === 'counts') : undefined;
if (guest !== undefined && order.jit !== undefined)
  (workerData as { config: { jit?: { threshold: number } } }).config.jit = { threshold: order.jit };
const storing = isMainThread ? await followStoring(dist) : undefined;
const stopSampling = order.what === 'samples' ? startSampling() : undefined;
const began = Number(process.hrtime.bigint());

let hasLeft = false;
function leave(): void {
  if (hasLeft) return;
  hasLeft = true;
  const profile = stopSampling?.();
  const record: ThreadRecord = {
    thread: Number(readlinkSync('/proc/thread-self').split('/').at(-1)),
    module,
    began,
    ...(profile === undefined ? {} : { profile }),
    ...(guest === undefined ? {} : { guest: guest() }),
    ...storing?.(),
  };
  writeFileSync(join(order.folder, `thread-${threadId}.json`), JSON.stringify(record));
  channel.postMessage({ kind: 'left', threadId } satisfies Said);
}

process.on('exit', leave);
channel.onmessage = (event) => {
  const said = (event as { readonly data: Said }).data;
  if (said.kind === 'leave' && said.threadId === threadId) leave();
};
if (isMainThread) serveCommand();

/** The main thread has every thread leave its record: those that it ends, before, and all others when the command asks. */
function serveCommand(): void {
  const running = new Set<number>();
  const waiting = new Map<number, () => void>();
  process.on('worker', (worker) => {
    const id = worker.threadId;
    running.add(id);
    worker.on('exit', () => {
      running.delete(id);
      waiting.get(id)?.();
    });
  });
  const inTime = (id: number): Promise<void> =>
    new Promise((resolve) => {
      if (!running.has(id)) return resolve();
      const timer = setTimeout(resolve, LEAVE_MS);
      waiting.set(id, () => {
        clearTimeout(timer);
        resolve();
      });
      channel.postMessage({ kind: 'leave', threadId: id } satisfies Said);
    });
  channel.onmessage = (event) => {
    const said = (event as { readonly data: Said }).data;
    if (said.kind !== 'left') return;
    running.delete(said.threadId);
    waiting.get(said.threadId)?.();
  };
  const terminate = Worker.prototype.terminate;
  Worker.prototype.terminate = async function (this: Worker): Promise<number> {
    await inTime(this.threadId);
    return await terminate.call(this);
  };
  process.on('message', async (message) => {
    if (message !== 'leave') return;
    leave();
    await Promise.all([...running].map(inTime));
    process.send?.('left');
  });
}
