/** What a partition's owner can rely on whatever its worker does: the worker here is a thread that plays a part. */

import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  openPartition,
  type PartitionConfig,
  type PartitionEnd,
  type PartitionHandle,
} from '../../../src/emulator/host/index.ts';
import { eventually } from '../../support/eventually.ts';

/** JavaScript that the worker runs instead of the machine, once it is given its partition. */
let part = '';
let worker: Worker | undefined;
vi.mock('../../../src/base/worker.ts', () => ({
  startWorker: () => {
    worker = new Worker(
      `const { parentPort: port } = require('node:worker_threads');
       const answer = ({ id }) => port.postMessage({ kind: 'answer', id });
       port.once('message', () => { ${part} });`,
      { eval: true, resourceLimits: { maxOldGenerationSizeMb: 32 } },
    );
    return worker;
  },
}));

const CONFIG: PartitionConfig = {
  processor: 'power9',
  mmu: 'radix',
  cpus: 1,
  memory: [{ base: 0, size: 2 ** 26 }],
  kernel: '/k',
  append: '',
  seed: 1,
  disks: [],
};
/** What is promised, and a second for a host that does other things as well. */
const SOON_MS = 3000;

let ends: PartitionEnd[] = [];
beforeEach(() => {
  ends = [];
});
afterEach(async () => {
  await worker?.terminate();
});

function open(plays: string): PartitionHandle {
  part = plays;
  const handle = openPartition(CONFIG);
  handle.subscribe((notice) => {
    if (notice.kind === 'ended') ends.push(notice.end);
  });
  return handle;
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work;
  expect(performance.now() - begun).toBeLessThan(ms);
  return result;
}

describe('a worker that spins in one request', () => {
  const SPINS = `port.on('message', (message) => {
    if (message.request.kind === 'vcpus') for (;;);
    answer(message);
  });`;

  it('stop: → terminated, reported as stopped, what was asked rejects, and later requests reject', async () => {
    const handle = open(SPINS);
    await handle.start();
    const asked = expect(handle.vcpus()).rejects.toThrow('did not answer');
    await within(SOON_MS, handle.stop());
    await asked;
    expect(ends).toEqual([
      { kind: 'stopped', reason: expect.stringContaining('terminated'), terminated: true },
    ]);
    await expect(handle.readMemory(0, 8)).rejects.toThrow('did not answer');
    await handle.stop();
    await handle.close();
    expect(handle.hostSeconds).toBeGreaterThan(0.5);
  });

  it('close: → terminated, and what was asked rejects', async () => {
    const handle = open(SPINS);
    await handle.start();
    const asked = expect(handle.vcpus()).rejects.toThrow('closed');
    await within(SOON_MS, handle.close());
    await asked;
    expect(ends).toMatchObject([{ kind: 'stopped' }]);
  });
});

it('stop: a partition that is off → resolved at once, without asking a worker that is busy', async () => {
  const handle = open(`port.on('message', (message) => {
    if (message === 'taken') return;
    if (message.request.kind === 'vcpus') for (;;);
    answer(message);
    if (message.request.kind === 'start')
      port.postMessage({ kind: 'notices', notices: [{ kind: 'ended', end: { kind: 'power-off' }, insn: 1 }] });
  });`);
  await handle.start();
  await eventually(() => ends[0]);
  const asked = expect(handle.vcpus()).rejects.toThrow('closed');
  await handle.stop();
  expect(ends).toEqual([{ kind: 'power-off' }]);
  await handle.close();
  await asked;
});

describe('a worker that dies → an error as the end, and every promise rejects', () => {
  it.each([
    ['throws', `port.on('message', () => { throw new Error('oops'); });`, 'oops'],
    ['exits', `port.on('message', () => process.exit(3));`, 'ended with 3'],
    [
      'runs out of memory',
      `port.on('message', () => { const all = []; for (;;) all.push(new Array(1e6).fill(0)); });`,
      'memory',
    ],
  ])('%s', async (_what, plays, message) => {
    const handle = open(plays);
    await expect(handle.start()).rejects.toThrow(message);
    expect(ends).toEqual([{ kind: 'error', message: expect.stringContaining(message) }]);
    await handle.stop();
    await handle.close();
  });

  it('sends a message that cannot be read', async () => {
    const handle = open(
      `port.on('message', (message) => message.request.kind === 'start' && answer(message));`,
    );
    await handle.start();
    const asked = expect(handle.vcpus()).rejects.toThrow('could not be read');
    const exit = new Promise((resolve) => worker?.once('exit', resolve));
    worker?.emit('messageerror', new Error('no such class'));
    await asked;
    expect(ends).toEqual([
      { kind: 'error', message: 'a message of the partition’s worker could not be read' },
    ]);
    await expect(handle.readMemory(0, 8)).rejects.toThrow('could not be read');
    await exit;
  });

  it('is terminated from outside', async () => {
    const handle = open(`port.on('message', answer);`);
    await handle.start();
    await worker?.terminate();
    await eventually(() => ends[0]);
    expect(ends).toEqual([{ kind: 'error', message: 'the partition’s worker ended with 1' }]);
    await expect(handle.vcpus()).rejects.toThrow('ended with 1');
  });
});
