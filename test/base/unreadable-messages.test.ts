/**
 * Messages between threads that cannot be read: whoever waits for an answer learns that it never comes. Node says so by the event
 * `messageerror`; nothing that this program sends brings it about, so that the tests raise it.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MessageChannel, Worker, type WorkerOptions } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPartition } from '../../src/emulator/host/index.ts';
import { ReadingThreads } from '../../src/panic/reading/index.ts';
import { checkInThread } from '../../src/panic/store/check-thread.ts';
import { openVmcoreStore } from '../../src/vmcore/store/index.ts';
import { pathsIn, writeStores } from '../panic/store/stored-world.ts';

const CHANNEL = 'raise messageerror';
/** Raises the event in the thread that was started last. */
async function raiseInThread(): Promise<void> {
  await listening;
  const bell = new BroadcastChannel(CHANNEL);
  bell.postMessage('now');
  bell.close();
}
/** The thread that was started last. */
let worker: Worker | undefined;
let listening: Promise<void> | undefined;

/** The channel that was opened last. */
let channel: MessageChannel | undefined;
vi.mock('node:worker_threads', async (original) => {
  const threads = await original<typeof import('node:worker_threads')>();
  return {
    ...threads,
    MessageChannel: class extends threads.MessageChannel {
      constructor() {
        super();
        channel = this;
      }
    },
  };
});

/** The worker's module, and a listener that raises the event in its thread. */
vi.mock('../../src/base/worker.ts', () => ({
  startWorker: (name: string, callerUrl: string, options: WorkerOptions) => {
    const module = JSON.stringify(new URL(`${name}.ts`, callerUrl).href);
    const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
    const bootstrap = `
      import { parentPort } from 'node:worker_threads';
      import { tsImport } from ${tsx};
      await tsImport(${module}, ${module});
      new BroadcastChannel('${CHANNEL}').onmessage = () => parentPort.emit('messageerror', new Error('no such class'));
      parentPort.postMessage('listening');`;
    worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`), options);
    const started = worker;
    listening = new Promise((resolve) => {
      started.on('message', (message) => message === 'listening' && resolve());
    });
    return started;
  },
}));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-messages-'));
});
afterEach(async () => {
  await worker?.terminate();
  rmSync(folder, { recursive: true });
});

it('a reply of the store → what was asked, and is asked later, rejects with the reason; the thread ends', async () => {
  const store = await openVmcoreStore({ path: join(folder, 'chunks.db') });
  const asked = store.list();
  const exit = new Promise((resolve) => worker?.once('exit', resolve));
  worker?.emit('messageerror', new Error('no such class'));
  await expect(asked).rejects.toThrow("a message of the store's worker could not be read");
  await expect(store.list()).rejects.toThrow('could not be read');
  await exit;
});

it('a request to the store → its thread ends with the reason, and what was asked rejects', async () => {
  const store = await openVmcoreStore({ path: join(folder, 'chunks.db') });
  const ended = new Promise((resolve) => worker?.once('exit', resolve));
  await raiseInThread();
  await ended;
  await expect(store.list()).rejects.toThrow("the store's worker failed: Error: no such class");
});

it('a request to a partition → its thread ends with the reason, and the partition with it', async () => {
  const handle = openPartition({
    processor: 'power9',
    mmu: 'radix',
    cpus: 1,
    memory: [{ base: 0, size: 2 ** 26 }],
    kernel: '/k',
    append: '',
    seed: 1,
    disks: [],
  });
  const end = new Promise((resolve) => {
    handle.subscribe((notice) => notice.kind === 'ended' && resolve(notice.end));
  });
  await raiseInThread();
  expect(await end).toEqual({ kind: 'error', message: expect.stringContaining('no such class') });
  await expect(handle.vcpus()).rejects.toThrow('no such class');
});

it('an answer of the thread that checks the store → the check fails with the reason', async () => {
  const paths = pathsIn(folder);
  await writeStores(paths);
  const check = checkInThread({ kind: 'verify', paths }, () => undefined, new AbortController().signal);
  worker?.emit('messageerror', new Error('no such class'));
  await expect(check).rejects.toThrow('a message of the thread that checks the store could not be read');
});

describe('threads that read what a guest made', () => {
  const threads = () => new ReadingThreads('../../src/panic/guest/dump-worker', import.meta.url);
  const disk = { disk: 0, bytes: 512 };
  const machine = {
    readDisk: async (_disk: number, _offset: number, length: number) => new Uint8Array(length),
  };

  it('what one says → the reading fails with the reason', async () => {
    const reading = threads().read(machine, disk, { what: 'the dump' });
    channel?.port1.emit('messageerror', new Error('no such class'));
    await expect(reading).rejects.toThrow(
      'a message of the thread that reads a guest’s bytes could not be read',
    );
  });

  it('what one is told → it ends, and the next reading has another one', async () => {
    const readers = threads();
    await readers.read(machine, disk, { what: 'the dump' });
    const first = worker;
    const ended = new Promise((resolve) => first?.once('exit', resolve));
    await raiseInThread();
    await ended;
    await readers.read(machine, disk, { what: 'the dump' });
    expect(worker).not.toBe(first);
  });
});
