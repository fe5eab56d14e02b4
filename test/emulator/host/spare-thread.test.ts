/** The worker that waits for a partition: who gets it, what becomes of one that dies, and its end. The threads here play a part. */

import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPartition, type PartitionConfig, SpareThread } from '../../../src/emulator/host/index.ts';

/** Every worker that was started, in order. */
let started: Worker[] = [];
vi.mock('../../../src/base/worker.ts', () => ({
  startWorker: () => {
    const worker = new Worker(
      `const { parentPort: port } = require('node:worker_threads');
       port.once('message', ({ config }) => {
         port.on('message', ({ id }) => port.postMessage({ kind: 'answer', id, value: config.seed }));
       });`,
      { eval: true },
    );
    started.push(worker);
    return worker;
  },
}));

const configOf = (seed: number): PartitionConfig => ({
  processor: 'power9',
  mmu: 'radix',
  cpus: 1,
  memory: [{ base: 0, size: 2 ** 26 }],
  kernel: '/k',
  append: '',
  seed,
  disks: [],
});
const ended = (worker: Worker | undefined): Promise<unknown> =>
  new Promise((resolve) => worker?.once('exit', resolve));

beforeEach(() => {
  started = [];
});
afterEach(async () => {
  vi.useRealTimers();
  for (const worker of started) await worker.terminate();
});

describe('SpareThread', () => {
  it('prepare, repeated → one thread; the first partition gets it, the next one a new thread', async () => {
    const spare = new SpareThread({ refills: false });
    spare.prepare();
    spare.prepare();
    expect(started).toHaveLength(1);
    const first = openPartition(configOf(7), { spare });
    expect(started).toHaveLength(1);
    expect(await first.vcpus()).toBe(7);
    const second = openPartition(configOf(8), { spare });
    expect(started).toHaveLength(2);
    expect(await second.vcpus()).toBe(8);
    await Promise.all([first.close(), second.close()]);
  });

  it('a partition with other memory → a new thread; the spare one still waits', async () => {
    const spare = new SpareThread({ refills: false });
    spare.prepare();
    openPartition(configOf(1), { spare, heapMiB: 64 });
    expect(started).toHaveLength(2);
    expect(spare.take()).toBe(started[0]);
  });

  it('it dies while it waits → forgotten: the next partition gets a new one', async () => {
    const spare = new SpareThread({ refills: false });
    spare.prepare();
    const exit = ended(started[0]);
    await started[0]?.terminate();
    await exit;
    const handle = openPartition(configOf(3), { spare });
    expect(started).toHaveLength(2);
    expect(await handle.vcpus()).toBe(3);
    await handle.close();
  });

  it('it dies and nobody knows yet → the partition that got it ends with the reason', async () => {
    const spare = new SpareThread({ refills: false });
    spare.prepare();
    const worker = spare.take();
    const kept = { take: () => worker } as unknown as SpareThread;
    const exit = worker.terminate();
    const handle = openPartition(configOf(3), { spare: kept });
    await expect(handle.vcpus()).rejects.toThrow('the partition’s worker ended');
    await exit;
  });

  it('refills: after one was taken, later → another; never more than one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const spare = new SpareThread({ refills: true });
    spare.take();
    spare.take();
    expect(started).toHaveLength(2);
    await vi.runAllTimersAsync();
    expect(started).toHaveLength(3);
    expect(spare.take()).toBe(started[2]);
    await spare.close();
  });

  it('close: → the one that waits ends, and none is started any more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const spare = new SpareThread({ refills: true });
    spare.take();
    spare.prepare();
    const exit = ended(started[1]);
    await spare.close();
    await exit;
    await vi.runAllTimersAsync();
    spare.prepare();
    expect(started).toHaveLength(2);
  });

  it('close: before a refill is due → it is not started', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const spare = new SpareThread({ refills: true });
    spare.take();
    await spare.close();
    await vi.runAllTimersAsync();
    expect(started).toHaveLength(1);
  });
});
