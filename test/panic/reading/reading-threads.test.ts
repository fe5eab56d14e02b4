import { getPriority } from 'node:os';
import { describe, expect, it } from 'vitest';
import { threadNumber, YIELDING } from '../../../src/base/thread-priority.ts';
import { OutsideMemory } from '../../../src/emulator/memory/contract.ts';
import { type MachineReads, ReadingThreads } from '../../../src/panic/reading/index.ts';
import type { Deed } from '../../support/reading-worker.ts';

const threads = new ReadingThreads<Deed, number | string | undefined>(
  '../../support/reading-worker',
  import.meta.url,
);
const MACHINE: Partial<MachineReads> = {
  readMemory: async (raddr, length) => {
    if (raddr > 1000) throw new OutsideMemory(raddr, length);
    return new Uint8Array(length).fill(1);
  },
  readDisk: async (_disk, _offset, length) => new Uint8Array(length).fill(2),
};
const what = 'the dump';

describe('ReadingThreads', () => {
  it('reads memory, disks and names of the owner; one thread does one reading after another', async () => {
    expect(await threads.read(MACHINE, { kind: 'sum', from: 0, length: 10 }, { what })).toBe(30);
    const nameAt = (nia: bigint, insn: number): string => `panic+${nia} at ${insn}`;
    expect(await threads.read(MACHINE, { kind: 'name', nia: 4n }, { what, nameAt })).toBe('panic+4 at 7');
    const both = [5, 6].map((length) => threads.read(MACHINE, { kind: 'sum', from: 0, length }, { what }));
    expect(await Promise.all(both)).toEqual([15, 18]);
  });

  it('warm: a thread waits for the reading, one for all calls; one that died meanwhile is replaced', async () => {
    const own = new ReadingThreads<Deed, number | string | undefined>(
      '../../support/reading-worker',
      import.meta.url,
    );
    own.warm();
    own.warm();
    const first = await own.read(MACHINE, { kind: 'thread' }, { what });
    expect(await own.read(MACHINE, { kind: 'leave' }, { what })).toBe(first);
    let next: unknown = first;
    while (next === first) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      // One that dies under a reading fails it, and is not kept.
      next = await own.read(MACHINE, { kind: 'thread' }, { what }).catch(() => first);
    }
    expect(next).toBeGreaterThan(first as number);
    own.warm();
    expect(await own.read(MACHINE, { kind: 'thread' }, { what })).toBe(next);
  });

  it('its thread yields to the others, which stay as they were', async () => {
    const own = getPriority();
    expect(await threads.read(MACHINE, { kind: 'nice' }, { what })).toBe(Math.min(19, own + YIELDING));
    expect(getPriority(threadNumber())).toBe(own);
  });

  it('memory that is none, and what the input breaks, keep their classes', async () => {
    const outside = threads.read(MACHINE, { kind: 'sum', from: 2000, length: 8 }, { what });
    await expect(outside).rejects.toBeInstanceOf(OutsideMemory);
    const refused = threads.read(MACHINE, { kind: 'refuse' }, { what });
    await expect(refused).rejects.toMatchObject({ name: 'FormatError', code: 'vmcore/bad-notes' });
  });

  it('a machine that is gone → its error', async () => {
    const gone = { ...MACHINE, readMemory: () => Promise.reject(new Error('the worker ended with 1')) };
    const reading = threads.read(gone, { kind: 'sum', from: 0, length: 1 }, { what });
    await expect(reading).rejects.toThrow('the worker ended with 1');
  });

  it.each<[string, Deed, object, string]>([
    ['without end', { kind: 'loop' }, { seconds: 1 }, 'the dump could not be read: it took more than 1 s'],
    [
      'of any size',
      { kind: 'hoard' },
      { heapMiB: 64 },
      'the dump could not be read: it needed more than 64 MiB of memory',
    ],
  ])('a reading %s → a sentence, and the next one is served', async (_name, deed, limits, sentence) => {
    await expect(threads.read(MACHINE, deed, { what, ...limits })).rejects.toMatchObject({
      name: 'ReadingFailure',
      message: sentence,
    });
    expect(await threads.read(MACHINE, { kind: 'sum', from: 0, length: 1 }, { what })).toBe(3);
  });

  it('a signal ends a reading without end', async () => {
    const abort = new AbortController();
    const reading = threads.read(MACHINE, { kind: 'loop' }, { what, signal: abort.signal });
    abort.abort(new Error('cancelled on request'));
    await expect(reading).rejects.toThrow('the dump could not be read: cancelled on request');
  });
});
