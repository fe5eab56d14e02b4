/**
 * Random instructions of the floating-point, vector and vector-scalar facilities under QEMU and in our engine: every VSR,
 * FPSCR, VSCR, CR, the general registers and memory agree. What is left out: exclusions.md, by vector-rules.ts.
 *
 * KDUMPD_SEED=N starts from another seed; KDUMPD_LONG=1 runs fifty times as many.
 */

import { describe, expect, it } from 'vitest';
import { longOr } from '../support/long.ts';
import { needsProgram } from '../support/programs.ts';
import { compilingRunner } from './engine-runner.ts';
import { type Endian, Layout } from './qemu-user.ts';
import { type Batch, compareRuns, describeFailure, shrink } from './qemu-user-compare.ts';
import { RandomSource } from './random-source.ts';
import { randomCase, targetVsr, VECTOR_ROWS } from './vector-cases.ts';
import { agree, NEVER_RUN } from './vector-rules.ts';

const SEED = Number(process.env.KDUMPD_SEED ?? 1);
/** How often each row is executed in each byte order. */
const TURNS = longOr(1000, 20);
const CASES = 4000;

const layout = new Layout({ words: 1, vectors: true });
const PROGRAM: Readonly<Record<Endian, string>> = { big: 'qemu-ppc64', little: 'qemu-ppc64le' };
const executions = Array.from({ length: TURNS }, () => VECTOR_ROWS).flat();

function makeBatch(from: number, endian: Endian): Batch {
  const rows = executions.slice(from, from + CASES);
  const random = new RandomSource(SEED * 1_000_003 + from * 2 + (endian === 'little' ? 1 : 0));
  const cases = rows.map((row, i) => randomCase(random, row, layout, i));
  const equivalent: Batch['equivalent'] = (ours, theirs, i) => {
    const row = rows[i];
    const word = cases[i]?.code[0];
    return row !== undefined && word !== undefined && agree(ours, theirs, row, targetVsr(row, word));
  };
  return { layout, cases, endian, equivalent };
}

describe('random floating-point and vector instructions', () => {
  for (const endian of ['big', 'little'] as const) {
    it(`engine: every row in ${endian}-endian order → what ${PROGRAM[endian]} gives`, {
      timeout: longOr(3_600_000, 300_000),
    }, async () => {
      needsProgram(PROGRAM[endian]);
      for (let from = 0; from < executions.length; from += CASES) {
        const batch = makeBatch(from, endian);
        const differing = await compareRuns(batch);
        if (differing.length === 0) continue;
        const failures = await Promise.all(differing.slice(0, 3).map((index) => shrink(batch, index)));
        expect.fail(
          `seed ${SEED}, from ${from}: ${differing.length} cases differ\n${failures.map(describeFailure).join('\n\n')}`,
        );
      }
    });
  }

  it.each(['big', 'little'] as const)(
    'compiled: every row in %s-endian order → what QEMU gives',
    {
      timeout: longOr(3_600_000, 300_000),
    },
    async (endian) => {
      needsProgram(PROGRAM[endian]);
      const batch: Batch = { ...makeBatch(0, endian), engine: compilingRunner };
      const differing = await compareRuns(batch);
      const failures = await Promise.all(differing.slice(0, 3).map((index) => shrink(batch, index)));
      expect(failures.map(describeFailure)).toEqual([]);
    },
  );

  it('rows: every row of the tables but those excluded → among the programs', () => {
    const names = new Set(VECTOR_ROWS.map((row) => row.base));
    expect(VECTOR_ROWS.length).toBeGreaterThan(700);
    expect([...NEVER_RUN].filter((name) => names.has(name))).toEqual([]);
  });

  it('agree: a target that differs in one compared bit → false', () => {
    const row = VECTOR_ROWS.find((each) => each.mnemonic === 'fadd');
    expect(row).toBeDefined();
    if (row === undefined) return;
    const random = new RandomSource(5);
    const { input, memory } = randomCase(random, row, layout, 0);
    const vsr = input.vsr ?? [];
    const changed = { ...input, vsr: vsr.with(6, (vsr[6] as bigint) ^ 1n) };
    expect(agree({ state: input, memory }, { state: input, memory }, row, 3)).toBe(true);
    expect(agree({ state: input, memory }, { state: changed, memory }, row, 3)).toBe(false);
  });
});
