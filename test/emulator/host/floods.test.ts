/**
 * Guests that emit without end, in real workers: the thread that owns them stays free and small, they can be stopped, their
 * power cycles end with a reason, and a partition beside them is not disturbed (docs/adr/011).
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { YIELDING } from '../../../src/base/thread-priority.ts';
import {
  openPartition,
  type PartitionConfig,
  type PartitionEnd,
  type PartitionHandle,
  type PartitionNotice,
  VTY_INPUT_BYTES,
} from '../../../src/emulator/host/index.ts';
import { Session } from '../../../src/panic/guest/session.ts';
import { bareKernelFile } from '../../synth/bare-kernel.ts';
import { printing, rtasCalls, unknownCalls } from '../../synth/flooding-guests.ts';
import { b } from '../../synth/power-words.ts';

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open: PartitionHandle[] = [];
afterEach(async () => {
  for (const handle of open.splice(0)) await handle.close();
});

let kernels = 0;
function configOf(words: readonly number[]): PartitionConfig {
  const kernel = join(folder, `kernel-${kernels++}`);
  writeFileSync(kernel, bareKernelFile(words));
  return {
    processor: 'power9',
    mmu: 'radix',
    cpus: 1,
    memory: [{ base: 0, size: 64 * MIB }],
    kernel,
    append: '',
    seed: 1,
    disks: [],
    lineTerminal: { prefixes: ['ok '], longest: 100 },
  };
}

function machine(words: readonly number[], change: Partial<PartitionConfig> = {}): PartitionHandle {
  const handle = openPartition({ ...configOf(words), ...change });
  open.push(handle);
  return handle;
}

function endOf(handle: PartitionHandle): Promise<PartitionEnd> {
  return new Promise((resolve) => {
    handle.subscribe((notice) => {
      if (notice.kind === 'ended') resolve(notice.end);
    });
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const FLOODS = [
  ['lines on the second terminal', printing(1, 'ok a\nok a\nok a\n')],
  ['text on the console', printing(0, 'sixteen letters\n')],
  ['calls that there are not', unknownCalls()],
  ['RTAS calls', rtasCalls()],
] as const;

it('a guest that never reads its terminal → 64 KiB are taken, more is not', async () => {
  const handle = machine([b(0)]);
  await handle.start();
  const piece = new Uint8Array(VTY_INPUT_BYTES / 4);
  const taken: boolean[] = [];
  for (let i = 0; i < 6; i++) taken.push((await handle.input(0, piece)) !== undefined);
  expect(taken).toEqual([true, true, true, true, false, false]);
  // The other terminal has room of its own, and a new power cycle begins with an empty one.
  expect(await handle.input(1, piece)).toBeDefined();
  await handle.stop();
  await handle.start();
  expect(await handle.input(0, piece)).toBeDefined();
});

describe('a guest that emits without end', () => {
  it.each(FLOODS)('%s → its owner stays free and small, and stops it', async (_what, words) => {
    const handle = machine(words);
    const session = new Session(handle, true);
    await session.start();
    // Every line is looked at while its owner waits for another one.
    const answer = session.command('status', 1e6);
    await session.signal.until(() => (session.output ?? session.unsupported[0]) && true);
    const before = process.memoryUsage().heapUsed;
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    await pause(3000);
    delay.disable();
    const asked = performance.now();
    await handle.stop();
    expect(await answer).toEqual({ kind: 'ended', end: { kind: 'stopped' } });
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect(delay.percentile(99) / 1e6).toBeLessThan(500);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(128 * MIB);
    session.close();
  });

  it('beside another partition → that one runs on, and answers', async () => {
    const flood = machine(printing(1, 'ok a\nok a\nok a\n'));
    const other = machine(printing(0, 'sixteen letters\n'));
    await flood.start();
    await other.start();
    for (let i = 0; i < 5; i++) {
      expect((await other.vcpus())[0]?.state).toBe('running');
      await pause(100);
    }
    await flood.stop();
    expect((await other.vcpus())[0]?.state).toBe('running');
    await other.stop();
  });

  it('beyond its limits → its power cycle ends with the reason, and it can be started again', async () => {
    const handle = machine(printing(1, 'ok a\nok a\nok a\n'), {
      limits: {
        terminals: [
          { pace: { burst: 1000, perSecond: 0 }, most: { burst: 10_000, perSecond: 0 } },
          { pace: { burst: 1000, perSecond: 0 }, most: { burst: 10_000, perSecond: 0 } },
        ],
        lines: { burst: 100, perSecond: 0 },
        events: { burst: 100, perSecond: 0 },
        systemCalls: { burst: 100, perSecond: 0 },
        unsupported: 10,
      },
    });
    for (let cycle = 0; cycle < 2; cycle++) {
      const end = endOf(handle);
      await handle.start();
      expect(await end).toMatchObject({
        kind: 'exceeded',
        vty: 1,
        message: expect.stringContaining('second terminal'),
      });
    }
  });
});

describe('an owner that takes nothing for a while', () => {
  it('the guest waits, loses nothing, and prints the same as for an owner that is quick', async () => {
    const limits = {
      terminals: [
        { pace: { burst: MIB / 4, perSecond: MIB }, most: { burst: MIB / 3, perSecond: 0 } },
        { pace: { burst: MIB, perSecond: 0 }, most: { burst: MIB, perSecond: 0 } },
      ],
      lines: { burst: 100, perSecond: 0 },
      events: { burst: 100, perSecond: 0 },
      systemCalls: { burst: 100, perSecond: 0 },
      unsupported: 10,
    } as const;
    const run = async (slow: boolean): Promise<string> => {
      const handle = machine(printing(0, 'sixteen letters\n'), { limits });
      const notices: PartitionNotice[] = [];
      handle.subscribe((notice) => {
        notices.push(notice);
        // The owner's thread is held: no batch is acknowledged meanwhile.
        if (slow && notice.kind === 'console')
          for (const until = performance.now() + 20; performance.now() < until; );
      });
      const end = endOf(handle);
      await handle.start();
      await end;
      const bytes = notices.flatMap((each) => (each.kind === 'console' ? [Buffer.from(each.bytes)] : []));
      const last = notices.findLast((each) => each.kind === 'ended');
      return `${Buffer.concat(bytes).toString('latin1')} ${JSON.stringify(last)}`;
    };
    const quick = await run(false);
    expect(quick.length).toBeGreaterThan(MIB / 4);
    expect((await run(true)) === quick).toBe(true);
  });
});

describe('a worker that needs more memory than it may have', () => {
  it('it ends alone and says why; a partition beside it runs on', async () => {
    const other = machine(printing(0, 'sixteen letters\n'));
    await other.start();
    const starved = openPartition(configOf(printing(0, 'x')), { heapMiB: 8 });
    await expect(starved.start()).rejects.toThrow('needed more than its 8 MiB of memory and was ended');
    expect((await other.vcpus())[0]?.state).toBe('running');
    await other.stop();
  });
});

/** Threads of this process that have the nice value. Source: proc_pid_stat(5), the seventeenth field behind the name. */
function threadsAt(nice: number): number {
  const stats = readdirSync('/proc/self/task').map((thread) =>
    readFileSync(`/proc/self/task/${thread}/stat`, 'utf8'),
  );
  return stats.filter((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]) === nice).length;
}

// Where the tests themselves run at the highest value, no thread can have a higher one.
it.skipIf(process.platform !== 'linux' || getPriority() + YIELDING > 19)(
  'a guest that spins yields to the thread that owns it',
  async () => {
    const before = threadsAt(getPriority() + YIELDING);
    const handle = machine([b(0)]);
    await handle.start();
    expect(threadsAt(getPriority() + YIELDING)).toBe(before + 1);
    expect(threadsAt(getPriority())).toBeGreaterThan(0);
  },
);
