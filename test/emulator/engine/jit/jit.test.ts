/** Compiled code beside what changes it or looks at it: stores into it, probes, exact budgets. The interpreter gives the right values. */

import { describe, expect, it } from 'vitest';
import { MSR } from '../../../../src/base/power.ts';
import type { JitOptions } from '../../../../src/emulator/contract/index.ts';
import { SPR } from '../../../../src/emulator/cpu/spr.ts';
import type { Partition } from '../../../../src/emulator/partition/index.ts';
import { bareEngine } from '../../../synth/bare-engine.ts';
import { type BareRun, bareKernel, KERNEL_ENTRY } from '../../../synth/bare-kernel.ts';
import { ATTN, b, bc, dForm, li, mtspr, word } from '../../../synth/power-words.ts';

const CTR = 9;
const bdnz = (distance: number): number => bc(16, 0, distance);
const addi = (rt: number, ra: number, value: number): number => dForm(14, rt, ra, value);
const ROUNDS = 100;
const EAGER: JitOptions = { threshold: 1, portion: 1, unexecuted: true };

/** r3 adds up 1, 2, 3 …: each round stores the next addend into the instruction that adds. */
function changing(): number[] {
  const head = [
    ...word(6, addi(3, 3, 2)),
    ...word(7, KERNEL_ENTRY + 4 * 8),
    li(8, ROUNDS),
    mtspr(CTR, 8),
    li(3, 0),
  ];
  expect(head).toHaveLength(7);
  // The region is entered at the first of these, and what changes is the second.
  return [...head, addi(4, 4, 1), addi(3, 3, 1), dForm(36, 6, 7, 0), addi(6, 6, 1), bdnz(-16), ATTN];
}

/** r3 counts the rounds of a loop, of three instructions each. */
const counting = (rounds: number): readonly number[] => [
  ...word(8, rounds),
  mtspr(CTR, 8),
  li(3, 0),
  addi(3, 3, 1),
  addi(4, 3, 1),
  bdnz(-8),
  ATTN,
];
/** Within the loop, not at its head, where a region is entered. */
const INSIDE = KERNEL_ENTRY + 4 * 5;

/** How each slice ended, after how many instructions, where, and with what in r3. */
function slices(words: readonly number[], budget: number, options: { readonly jit?: JitOptions }): string[] {
  const { engine, ram, vcpu } = bareEngine(options);
  for (const [i, each] of words.entries()) ram.writeU32(KERNEL_ENTRY + 4 * i, each, false);
  vcpu.msr = MSR.SF;
  vcpu.nia = BigInt(KERNEL_ENTRY);
  vcpu.activate();
  const seen: string[] = [];
  for (let end = ''; end !== 'attn'; ) {
    const slice = engine.run(vcpu, budget);
    end = slice.end;
    seen.push(`${end} ${slice.executed} ${vcpu.nia.toString(16)} ${vcpu.gpr(3)}`);
  }
  return seen;
}

function ends(run: BareRun): Partition {
  expect(run.partition.run(1e9)).toBe('ended');
  return run.partition;
}

describe.each<[string, JitOptions | undefined]>([
  ['interpreted', undefined],
  ['compiled', EAGER],
])('%s', (_name, jit) => {
  const options = jit === undefined ? {} : { jit };

  it('code that stores into itself executes what it has stored', () => {
    const partition = ends(bareKernel(changing(), {}, [], options));
    expect(partition.vcpus[0]?.gpr(3)).toBe(BigInt((ROUNDS * (ROUNDS + 1)) / 2));
  });

  it('a probe in a loop reports each round, also one that is set while the loop runs', () => {
    const limit = 1000;
    const plan = { probes: [{ mark: 1, raddr: INSIDE, limit }] };
    const run = bareKernel(counting(ROUNDS), plan, [], options);
    ends(run);
    expect(run.events.filter(({ kind }) => kind === 'fetch')).toHaveLength(ROUNDS);
    const late = bareKernel(counting(1_000_000), {}, [], options);
    expect(late.partition.run(1000)).toBe('ran');
    late.partition.observe({ stores: [], executes: [], msrMask: 0n, vectors: [], hcallsExcept: [], ...plan });
    ends(late);
    expect(late.events.filter(({ kind }) => kind === 'fetch')).toHaveLength(limit);
  });

  it.each([1, 7, 50, 211])(
    'slices of %i instructions end where they do when all is interpreted',
    (budget) => {
      const [seen, expected] = [
        slices(counting(ROUNDS), budget, options),
        slices(counting(ROUNDS), budget, {}),
      ];
      expect(seen).toEqual(expected);
      expect(seen.at(-1)).toMatch(/^attn .* 100$/);
    },
  );
});

describe.each<[string, JitOptions | undefined]>([
  ['interpreted', undefined],
  ['compiled', EAGER],
])('facilities, %s', (_name, jit) => {
  /** f1 ← f1 + f2 twice, v1 ← v1 + v2 between them. */
  const [FADD, VADDUBM] = [0xfc21102a, 0x10211000];
  const loop = [li(8, 20), mtspr(CTR, 8), FADD, VADDUBM, FADD, bdnz(-12), ATTN];
  it.each([
    ['FP', 0x800, 2],
    ['VEC', 0xf20, 3],
  ] as const)(
    'without MSR[%s] after a run with it → the interrupt at the instruction that needs it',
    (bit, vector, at) => {
      const { engine, ram, vcpu } = bareEngine(jit === undefined ? {} : { jit });
      for (const [i, each] of loop.entries()) ram.writeU32(KERNEL_ENTRY + 4 * i, each, false);
      ram.writeU32(vector, ATTN, false);
      const all = MSR.SF | MSR.FP | MSR.VEC;
      vcpu.activate();
      const run = (msr: bigint): void => {
        vcpu.msr = msr;
        vcpu.nia = BigInt(KERNEL_ENTRY);
        while (engine.run(vcpu, 1000).end !== 'attn');
      };
      run(all);
      expect(vcpu.nia).toBe(BigInt(KERNEL_ENTRY + 4 * (loop.length - 1)));
      expect(engine.jit?.regions ?? 1).toBeGreaterThan(0);
      run(all & ~MSR[bit]);
      expect([vcpu.nia, vcpu.spr(SPR.SRR0)]).toEqual([BigInt(vector), BigInt(KERNEL_ENTRY + 4 * at)]);
    },
  );
});

describe('room for compiled code', () => {
  const loop = [li(8, 20), mtspr(CTR, 8), addi(3, 3, 1), addi(4, 3, 1), bdnz(-8)];
  const back = 0x1000 + 4 * (loop.length + 2);
  /** Two loops, each in a page of its own, over and over. */
  const pages = [
    [li(3, 0), li(5, ROUNDS), ...loop, b(0x1000 - 4 * (loop.length + 2))],
    [...loop, addi(5, 5, -1), dForm(11, 0, 5, 0), bc(4, 2, 8 - back), ATTN],
  ];
  const run = (bytes?: number) => {
    const { engine, ram, vcpu } = bareEngine({
      jit: { ...EAGER, ...(bytes === undefined ? {} : { bytes }) },
    });
    for (const [page, words] of pages.entries())
      for (const [i, each] of words.entries())
        ram.writeU32(KERNEL_ENTRY + 0x1000 * page + 4 * i, each, false);
    vcpu.msr = MSR.SF;
    vcpu.nia = BigInt(KERNEL_ENTRY);
    vcpu.activate();
    expect(engine.run(vcpu, 1e9).end).toBe('attn');
    expect(vcpu.gpr(3)).toBe(BigInt(2 * 20 * ROUNDS));
    return engine.jit;
  };

  it('is kept: the older regions are given up, and the program does the same', () => {
    const [free, bounded] = [run(), run(1)];
    expect(free?.regions).toBeGreaterThan(1);
    expect(bounded?.regions).toBe(1);
    expect(bounded?.bytes).toBeLessThan(free?.bytes ?? 0);
  });
});
