/** What a guest may emit (docs/adr/011): terminals that are busy, a power cycle that ends, events and unknown calls that are counted. */

import { describe, expect, it } from 'vitest';
import { DEFAULT_OUTPUT_LIMITS, type OutputLimits } from '../../../src/emulator/contract/index.ts';
import type { Partition } from '../../../src/emulator/partition/index.ts';
import type { RunOutcome } from '../../../src/emulator/partition/power-cycle.ts';
import { FIRMWARE_CALL_NS, HYPERCALL_NS } from '../../../src/emulator/platform/contract/cost.ts';
import { type BareRun, bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { printing, rtasCalls, unknownCalls } from '../../synth/flooding-guests.ts';

const LINES = { prefixes: ['ok '], longest: 100 };
const KIB = 2 ** 10;
/** Runs for about so many instructions: a pause in the middle of a slice is as good as its end. */
function runFor(partition: Partition, instructions: number): RunOutcome {
  const until = partition.instructions + instructions;
  return partition.run(1e9, () => partition.instructions >= until);
}
/** For some twelve thousand hypercalls, and for as many calls of RTAS. */
const SOME = 12_000 * HYPERCALL_NS;
const SOME_RTAS = 12_000 * (HYPERCALL_NS + FIRMWARE_CALL_NS);

function limits(change: Partial<OutputLimits>): OutputLimits {
  return { ...DEFAULT_OUTPUT_LIMITS, ...change };
}
const bytesOf = (run: BareRun, vty: 0 | 1): number => run.printed[vty].join('').length;

describe('a terminal', () => {
  const pace = { burst: KIB, perSecond: 16 * 100_000 };
  const small = limits({
    terminals: [
      { pace, most: { burst: 1e9, perSecond: 0 } },
      { pace, most: { burst: 4 * KIB, perSecond: 0 } },
    ],
  });

  it('printed on faster than its pace → busy: it takes the burst, then so much a second of the guest', () => {
    const run = bareKernel(printing(0, 'sixteen letters\n'), undefined, [], { limits: small });
    expect(runFor(run.partition, SOME)).toBe('ran');
    const bytes = KIB + (16 * 100_000 * run.partition.instructions) / 1e9;
    expect(bytesOf(run, 0)).toBeGreaterThanOrEqual(bytes - 16);
    expect(bytesOf(run, 0)).toBeLessThanOrEqual(bytes + 16);
    const [first, second] = run.partition.terminals;
    expect(first).toEqual({ bytes: bytesOf(run, 0), refused: expect.any(Number) });
    expect(first.refused).toBeGreaterThan(10_000);
    expect(second).toEqual({ bytes: 0, refused: 0 });
  });

  it('bytes and busy answers beyond the most → the power cycle ends and says why', () => {
    const run = bareKernel(printing(1, 'ok a\n'), undefined, [], { limits: small });
    expect(run.partition.run(1e9)).toBe('ended');
    const { bytes, refused } = run.partition.terminals[1];
    expect(bytes + refused).toBe(4 * KIB);
    expect(run.partition.ended).toEqual({
      kind: 'exceeded',
      vty: 1,
      message: `the guest printed ${bytes} bytes on its second terminal in 0 s of its time, and printed on ${refused} times while that was busy; it may print 4096 bytes and 0 more a second`,
    });
  });

  it('cut into lines → busy after so many of them, however short', () => {
    const change = { lineTerminal: LINES, limits: limits({ lines: { burst: 100, perSecond: 0 } }) };
    const run = bareKernel(printing(1, 'ok a\n'), undefined, [], change);
    runFor(run.partition, SOME);
    expect(run.printed[1]).toHaveLength(100);
  });

  it('printed on by RTAS → busy as well', () => {
    const run = bareKernel(rtasCalls(), undefined, [], {
      limits: limits({
        terminals: [{ ...small.terminals[0], pace: { burst: KIB, perSecond: 0 } }, small.terminals[1]],
      }),
    });
    runFor(run.partition, SOME_RTAS);
    expect(bytesOf(run, 0)).toBe(KIB);
    expect(run.partition.terminals[0].refused).toBeGreaterThan(10_000);
    // The call's only return: -2, to be called again later.
    expect(run.partition.ram.readU32(KERNEL_ENTRY + 4 * (rtasCalls().length - 1), false)).toBe(0xffff_fffe);
  });

  it('run in turns of another length → the same output at the end', () => {
    const outputOf = (turn: number): string => {
      const run = bareKernel(printing(0, 'sixteen letters\n'), undefined, [], {
        limits: limits({
          terminals: [{ pace, most: { burst: 16 * KIB, perSecond: 0 } }, small.terminals[1]],
        }),
      });
      while (runFor(run.partition, turn) !== 'ended');
      return JSON.stringify([run.partition.instructions, run.partition.ended, run.printed]);
    };
    expect(outputOf(100)).toBe(outputOf(1e9));
  });
});

describe('calls that there are not', () => {
  it('of ever other numbers → so many kinds are told apart, the others are counted together', () => {
    const { partition } = bareKernel(unknownCalls(), undefined, [], { limits: limits({ unsupported: 10 }) });
    runFor(partition, SOME);
    expect(partition.unsupported.size).toBe(11);
    const others = partition.unsupported.get('others beyond the limit of kinds') ?? 0;
    expect(others).toBeGreaterThan(10_000);
  });

  it('by default → memory does not grow with them', () => {
    const { partition } = bareKernel(unknownCalls());
    runFor(partition, SOME);
    expect(partition.unsupported.size).toBe(DEFAULT_OUTPUT_LIMITS.unsupported + 1);
  });
});

describe('events of calls', () => {
  it.each([
    ['hcall', unknownCalls(), SOME],
    ['rtas', rtasCalls(), SOME_RTAS],
  ] as const)(
    '%s without end under a plan → the budget is reported, the others are counted',
    (kind, words, some) => {
      const { partition, events } = bareKernel(words, {}, [], {
        limits: limits({ events: { burst: 500, perSecond: 0 } }),
      });
      runFor(partition, some);
      expect(events).toHaveLength(500);
      const dropped = partition.dropped.filter((each) => each.kind === kind);
      expect(dropped).toEqual([{ kind, cpu: 0, count: expect.any(Number), since: expect.any(Number) }]);
      expect(dropped[0]?.count).toBeGreaterThan(10_000);
      partition.observe({
        probes: [],
        stores: [],
        executes: [],
        msrMask: 0n,
        vectors: [],
        hcallsExcept: [],
      });
      expect(partition.dropped).toEqual([]);
    },
  );
});
