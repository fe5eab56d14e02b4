/**
 * The fidelity report of a partition that executes real instructions: a guest that stores to old memory after T1 is caught
 * by name, and so is a dump that is not what memory was.
 */

import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import type { Partition } from '../../../src/emulator/partition/index.ts';
import { examine } from '../../../src/panic/fidelity/examine.ts';
import type { Examination } from '../../../src/panic/fidelity/index.ts';
import { judgeRules } from '../../../src/panic/index.ts';
import { buildElfCore } from '../../../src/vmcore/format/index.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, dForm, li, lis, NOP } from '../../synth/power-words.ts';
import { goodHandoff, inputOf } from '../../synth/rule-input.ts';
import { foundDump, handleOf } from './partition-under-test.ts';

const MIB = 2 ** 20;
const at = (word: number): number => KERNEL_ENTRY + 4 * word;
const stw = (rs: number, ra: number, d: number): number => dForm(36, rs, ra, d);
/** 16 to 32 MiB. */
const RESERVED = { start: hex64(16 * MIB), bytes: 16 * MIB };
const OLD = 0x200000;

const PANICS = [
  lis(4, 0x20),
  lis(6, 0x100),
  li(5, 0x11),
  stw(5, 4, 0),
  NOP, // T0
  stw(5, 4, 4),
  stw(5, 4, 0x1000),
  NOP, // T1
];
const T0 = 4;
const T1 = 7;
/** The numbers of the two places. */
const [PANIC, ENTRY] = [1, 2];
/** What the crash kernel may do: its reservation, and the first 64 KiB. */
const QUIET = [li(5, 0x22), stw(5, 6, 0), stw(5, 0, 0x2000)];
/** A wild store, to what was old memory. */
const WILD = [...QUIET, stw(5, 4, 0x1008)];

async function crashed(
  after: readonly number[],
  dumpOf: (partition: Partition) => Uint8Array = dumpAtT1,
  entered: number | undefined = T1 + 1,
): Promise<Examination> {
  const { partition } = bareKernel([...PANICS, ...after, ATTN], {
    probes: [
      { raddr: at(T0), mark: PANIC },
      { raddr: at(T1), mark: ENTRY },
    ],
    instants: [
      { name: 't0', at: [{ kind: 'fetch', mark: PANIC }] },
      { name: 't1', at: [{ kind: 'fetch', mark: ENTRY }] },
    ],
  });
  expect(partition.run(10_000)).toBe('ended');
  const dump = dumpOf(partition);
  return await examine({
    handle: handleOf(partition, dump),
    facts: {
      name: 'test',
      symbols: { production: 'none' },
      probes: [],
      running: { memory: [{ start: hex64(0), bytes: 64 * MIB }], reservation: RESERVED },
    },
    online: [0],
    dump: foundDump(dump),
    ...(entered === undefined ? {} : { entered }),
    nameOf: (nia) => (nia === BigInt(at(11)) ? 'wild+0x0' : undefined),
  });
}

/** All memory but the reservation; the disk's sectors want it aligned. */
function dump(read: (from: number, length: number) => Uint8Array): Uint8Array {
  return buildElfCore({
    endian: 'big',
    notes: [],
    ranges: [
      { paddr: 0n, data: read(0, 16 * MIB) },
      { paddr: BigInt(32 * MIB), data: read(32 * MIB, 32 * MIB) },
    ],
  });
}
const dumpAtT1 = (partition: Partition): Uint8Array =>
  dump((from, length) => partition.readInstant('t1', from, length));
const dumpOfNow = (partition: Partition): Uint8Array =>
  dump((from, length) => {
    const bytes = partition.ram.read(from, length);
    // The backup region.
    if (from === 0) bytes.set(partition.readInstant('t1', 0, 0x10000));
    return bytes;
  });

function verdictOf(rule: string, { records, fidelity }: Examination) {
  const input = { ...inputOf(goodHandoff()), ...(records && { records }), ...(fidelity && { fidelity }) };
  return judgeRules(input).find(({ name }) => name === rule);
}

describe('examine', () => {
  it('a quiet crash kernel: every page accounted for, changes by owner, rules held', async () => {
    const result = await crashed(QUIET);
    const { fidelity } = result;
    expect(fidelity?.pages).toMatchObject({
      total: 16384,
      equal: 12288 - 16,
      fromBackup: 16,
      reservation: 4096,
      differingPages: 0,
      missing: 0,
    });
    expect(fidelity?.changedPagesAfterT1).toEqual({
      reservation: 1,
      'low-64k': 1,
      rtas: 0,
      hypervisor: 0,
      unexplained: 0,
    });
    expect(fidelity?.changedBeforeT1).toEqual([
      {
        raddr: hex64(OLD + 7),
        bytes: 1,
        owner: 'production',
        writer: { by: 'cpu', cpu: 0, nia: hex64(at(5)), insn: 5 },
      },
      {
        raddr: hex64(OLD + 0x1003),
        bytes: 1,
        owner: 'production',
        writer: { by: 'cpu', cpu: 0, nia: hex64(at(6)), insn: 6 },
      },
    ]);
    for (const rule of ['memory-intact', 'vmcore-complete', 'backup-64k', 'hv-quiet', 'interrupts-quiet'])
      expect(verdictOf(rule, result)).toMatchObject({ verdict: 'held' });
  });

  it('a wild store after T1: memory-intact names CPU, address and instruction', async () => {
    const result = await crashed(WILD);
    const writer = { by: 'cpu', cpu: 0, nia: hex64(at(11)), symbol: 'wild+0x0', insn: 11 };
    expect(result.fidelity?.changedAfterT1.filter(({ owner }) => owner === 'unexplained')).toEqual([
      { raddr: hex64(OLD + 0x100b), bytes: 1, owner: 'unexplained', writer },
    ]);
    expect(verdictOf('memory-intact', result)).toMatchObject({
      verdict: 'broken',
      note: `after T1 changed: 1 byte at ${hex64(OLD + 0x100b)} by CPU 0 at ${hex64(at(11))} (wild+0x0), instruction 11`,
    });
    expect(verdictOf('vmcore-complete', result)).toMatchObject({ verdict: 'held' });
  });

  it('into the reservation before the new kernel runs, by code outside of it: memory-intact names the page', async () => {
    const before = await crashed(QUIET, dumpAtT1, 100);
    const writer = { by: 'cpu', cpu: 0, nia: hex64(at(9)), insn: 9 };
    expect(before.fidelity?.intoReservation).toEqual([{ raddr: hex64(16 * MIB), writer, changed: true }]);
    expect(verdictOf('memory-intact', before)).toMatchObject({
      verdict: 'broken',
      note: `after T1 written into the reservation: the page at ${hex64(16 * MIB)} by CPU 0 at ${hex64(at(9))}, instruction 9`,
    });
    expect((await crashed(QUIET)).fidelity?.intoReservation).toBeUndefined();
  });

  it('the dump was written after the wild store: it differs, and the same writer is named', async () => {
    const result = await crashed(WILD, dumpOfNow);
    expect(result.fidelity?.pages).toMatchObject({
      differingPages: 1,
      differing: [{ raddr: hex64(OLD + 0x100b), bytes: 1, writer: { cpu: 0, nia: hex64(at(11)) } }],
    });
    expect(verdictOf('vmcore-complete', result)).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('by CPU 0 at'),
    });
    expect(verdictOf('backup-64k', result)).toMatchObject({ verdict: 'held' });
  });

  it('a dump without the backup: the first 64 KiB are those of the crash kernel', async () => {
    const result = await crashed(QUIET, (partition) =>
      dump((from, length) => partition.ram.read(from, length)),
    );
    expect(verdictOf('backup-64k', result)).toMatchObject({ verdict: 'broken' });
    expect(result.fidelity?.pages).toMatchObject({ fromBackup: 15, differingPages: 1 });
  });

  it('a dump that lacks memory, and one that has changed by itself', async () => {
    const short = await crashed(QUIET, (partition) =>
      buildElfCore({
        endian: 'big',
        notes: [],
        ranges: [{ paddr: 0n, data: partition.readInstant('t1', 0, 16 * MIB) }],
      }),
    );
    expect(short.fidelity?.pages).toMatchObject({
      missing: 8192,
      missingRanges: [{ raddr: hex64(32 * MIB), bytes: 32 * MIB }],
    });
    expect(verdictOf('vmcore-complete', short)).toMatchObject({ verdict: 'broken' });
    const bent = await crashed(QUIET, (partition) =>
      dump((from, length) => {
        const bytes = partition.readInstant('t1', from, length);
        if (from === 0) bytes[OLD] = 0x77;
        return bytes;
      }),
    );
    expect(verdictOf('vmcore-complete', bent)).toMatchObject({
      verdict: 'broken',
      note: `not as at T1: 1 byte at ${hex64(OLD)}, by no write after T1`,
    });
  });

  it('T1 did not come: nothing to compare; nothing came: nothing at all', async () => {
    const { partition } = bareKernel([NOP, ATTN], {});
    expect(partition.run(10)).toBe('ended');
    const facts = { name: 'test', symbols: { production: 'none' }, probes: [] } as const;
    expect(
      await examine({ handle: handleOf(partition), facts, online: [0], nameOf: () => undefined }),
    ).toEqual({});
  });
});
