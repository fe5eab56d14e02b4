/** What a guest may emit (docs/adr/011): terminals that are busy, a power cycle that ends, events and unknown calls that are counted. */

import { describe, expect, it } from 'vitest';
import { DEFAULT_OUTPUT_LIMITS, type OutputLimits } from '../../../src/emulator/contract/index.ts';
import { type BareRun, bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { printing, rtasCalls, unknownCalls } from '../../synth/flooding-guests.ts';

const LINES = { prefixes: ['ok '], longest: 100 };
const KIB = 2 ** 10;
/** Instructions of the flood's first slice: it ends after so many hypercalls. */
const SLICE = 3 * 16_384 + 10;

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
    expect(run.partition.run(1)).toBe('ran');
    const { instructions: slice } = run.partition;
    expect(Math.abs(slice - SLICE)).toBeLessThan(20);
    const bytes = KIB + (16 * 100_000 * slice) / 1e9;
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
    run.partition.run(1);
    expect(run.printed[1]).toHaveLength(100);
  });

  it('printed on by RTAS → busy as well', () => {
    const run = bareKernel(rtasCalls(), undefined, [], { limits: small });
    run.partition.run(1);
    expect(bytesOf(run, 0)).toBeLessThan(2 * KIB);
    expect(run.partition.terminals[0].refused).toBeGreaterThan(10_000);
    // The call's only return: -2, to be called again later.
    expect(run.partition.ram.readU32(KERNEL_ENTRY + 4 * (rtasCalls().length - 1), false)).toBe(0xffff_fffe);
  });

  it('run in turns of another length → the same output at the same instructions', () => {
    const outputOf = (turns: readonly number[]): string => {
      const run = bareKernel(printing(0, 'sixteen letters\n'), undefined, [], { limits: small });
      for (const turn of turns) run.partition.run(turn);
      return JSON.stringify([run.partition.instructions, run.partition.terminals, run.printed]);
    };
    expect(outputOf([1, 1, 1])).toBe(outputOf([2.5 * SLICE]));
  });
});

describe('calls that there are not', () => {
  it('of ever other numbers → so many kinds are told apart, the others are counted together', () => {
    const { partition } = bareKernel(unknownCalls(), undefined, [], { limits: limits({ unsupported: 10 }) });
    partition.run(1);
    expect(partition.unsupported.size).toBe(11);
    const others = partition.unsupported.get('others beyond the limit of kinds') ?? 0;
    expect(others).toBeGreaterThan(10_000);
  });

  it('by default → memory does not grow with them', () => {
    const { partition } = bareKernel(unknownCalls());
    partition.run(1);
    expect(partition.unsupported.size).toBe(DEFAULT_OUTPUT_LIMITS.unsupported + 1);
  });
});

describe('events of calls', () => {
  it.each([
    ['hcall', unknownCalls()],
    ['rtas', rtasCalls()],
  ] as const)(
    '%s without end under a plan → the budget is reported, the others are counted',
    (kind, words) => {
      const { partition, events } = bareKernel(words, {}, [], {
        limits: limits({ events: { burst: 500, perSecond: 0 } }),
      });
      partition.run(1);
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
