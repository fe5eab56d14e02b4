/**
 * One crash of one guest in a daemon: the built `kdumpd serve` in a process of its own, in whose threads `threads/preload.ts` samples or
 * counts. The capture is stored as every capture is; then the threads leave their records.
 */

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Capture, Operation, PartitionRequest, PartitionView } from '../../src/panic/contract/index.ts';
import type { Trace } from '../../src/panic/trace/index.ts';
import { type Daemon, serveFleet } from '../guests/our-daemon.ts';
import { Client } from '../soak/client.ts';
import { type Nanoseconds, ORDER_VARIABLE, type Order, type ThreadRecord } from './record.ts';
import { followThreads, type ThreadTimes } from './thread-times.ts';

/** Seconds of the host for each step, however busy it is. */
const STEP_SECONDS = 3600;

export type CrashSpec = {
  readonly partition: Omit<PartitionRequest, 'name'>;
  /** Folder of the images. */
  readonly images: string;
  readonly dump: string;
  readonly jit?: number;
};

/** What a run leaves. */
export type Run = {
  readonly begun: Nanoseconds;
  readonly threads: readonly ThreadRecord[];
  readonly times: ReadonlyMap<number, ThreadTimes>;
  readonly trace: Trace;
  readonly capture: Capture;
};

/** @throws Error where the guest does not crash, or its dump is not captured */
export async function runCrash(spec: CrashSpec, what: Order['what']): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-profile-'));
  const order: Order = { what, folder, ...(spec.jit === undefined ? {} : { jit: spec.jit }) };
  const begun = Number(process.hrtime.bigint());
  let endTimes: (() => ReadonlyMap<number, ThreadTimes>) | undefined;
  let daemon: Daemon | undefined;
  try {
    daemon = await serveFleet([{ ...spec.partition, name: 'profiled' }], spec.images, STEP_SECONDS, {
      node: ['--import', pathToFileURL(join(import.meta.dirname, 'threads', 'preload.ts')).href],
      serve: ['--host-timeout', String(STEP_SECONDS)],
      environment: { [ORDER_VARIABLE]: JSON.stringify(order) },
      onStart: ({ pid }) => {
        if (pid !== undefined) endTimes = followThreads(pid);
      },
    });
    const client = new Client(daemon.base);
    const capture = await crash(client, spec.dump);
    const trace = await body<Trace>(client, 'GET', `/captures/${capture.id}/trace`);
    await leave(daemon.process);
    const times = endTimes?.() ?? new Map();
    const threads = readdirSync(folder).map(
      (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as ThreadRecord,
    );
    return { begun, threads, times, trace, capture };
  } finally {
    endTimes?.();
    await daemon?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits by the stream of events: to ask again and again would cost the daemon time. */
async function crash(client: Client, dump: string): Promise<Capture> {
  const { items } = await body<{ items: PartitionView[] }>(client, 'GET', '/partitions');
  const events = await fetch(`${client.base}/api/v1/events`);
  const accepted = await body<Operation>(client, 'POST', `/partitions/${items[0]?.id}/panic`, {
    trigger: 'sysrq',
    dump,
  });
  let text = '';
  for await (const piece of events.body ?? []) {
    text += Buffer.from(piece).toString();
    if (/^event: capture$/m.test(text) || /"state":"failed"/.test(text)) break;
  }
  const capture = (await body<{ items: Capture[] }>(client, 'GET', '/captures')).items[0];
  if (capture?.outcome === 'captured') return capture;
  const { error } = await body<Operation>(client, 'GET', `/operations/${accepted.id}`);
  throw new Error(`the crash was not captured: ${capture?.reason ?? error?.message}`);
}

async function body<T>(client: Client, method: string, path: string, sent?: unknown): Promise<T> {
  const answer = await client.call<T>(method, path, sent, STEP_SECONDS * 1000);
  if (answer.body === undefined) throw new Error(`${method} ${path}: ${answer.why}`);
  return answer.body;
}

/** Has every thread of the daemon leave its record. */
async function leave(child: ChildProcess): Promise<void> {
  const left = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  child.send('leave');
  await left;
}
