/**
 * Random programs over the fixed-point, branch, condition register and storage facilities under QEMU and in our engine:
 * every GPR, CR, XER, LR, CTR and the memory they worked on agree. What is left out: exclusions.md.
 *
 * KDUMPD_SEED=N starts from another seed; KDUMPD_LONG=1 runs twenty times as many.
 */

import { describe, expect, it } from 'vitest';
import type { Row } from '../../src/emulator/isa/index.ts';
import { longOr } from '../support/long.ts';
import { needsProgram } from '../support/programs.ts';
import { compilingRunner, engineRunner } from './engine-runner.ts';
import { type Endian, Layout } from './qemu-user.ts';
import { type Batch, compareRuns, describeFailure, shrink } from './qemu-user-compare.ts';
import { BIG_ENDIAN_ONLY, ROWS, randomCase } from './random-program.ts';
import { RandomSource } from './random-source.ts';

const SEED = Number(process.env.KDUMPD_SEED ?? 1);
/** Instructions executed in each byte order. */
const INSTRUCTIONS = longOr(20_000_000, 1_000_000);
/** The same with every case compiled. */
const COMPILED_INSTRUCTIONS = longOr(1_000_000, 50_000);
const CASES = 1500;
/** Each row is seen at least so often in a million. */
const LEAST = 25;

const layout = new Layout({ words: 28 });
const PROGRAM: Readonly<Record<Endian, string>> = { big: 'qemu-ppc64', little: 'qemu-ppc64le' };

function makeBatch(seed: number, endian: Endian, counts?: Map<Row, number>): Batch {
  const random = new RandomSource(seed * 2 + (endian === 'little' ? 1 : 0));
  return {
    layout,
    endian,
    cases: Array.from({ length: CASES }, (_, i) => randomCase(random, layout, endian, i, counts)),
  };
}

describe('random fixed-point programs', () => {
  for (const endian of ['big', 'little'] as const) {
    it(`engine: random ${endian}-endian programs → what ${PROGRAM[endian]} gives`, {
      timeout: longOr(3_600_000, 300_000),
    }, async () => {
      needsProgram(PROGRAM[endian]);
      const counts = new Map<Row, number>();
      let executed = 0;
      let seed = SEED;
      for (; executed < INSTRUCTIONS; seed++) {
        const batch = makeBatch(seed, endian, counts);
        const differing = await compareRuns({ ...batch, executed: (n) => (executed += n) });
        if (differing.length === 0) continue;
        const failures = await Promise.all(differing.slice(0, 3).map((index) => shrink(batch, index)));
        expect.fail(
          `seed ${seed}: ${differing.length} cases differ\n${failures.map(describeFailure).join('\n\n')}`,
        );
      }
      process.stdout.write(
        `${endian}-endian: ${executed} random instructions, seeds ${SEED} to ${seed - 1}\n`,
      );
      const expected = ROWS.filter((row) => endian === 'big' || !BIG_ENDIAN_ONLY.has(row.mnemonic));
      const rare = expected.filter((row) => (counts.get(row) ?? 0) < LEAST).map((row) => row.mnemonic);
      expect(rare).toEqual([]);
    });
  }

  it.each(['big', 'little'] as const)(
    'compiled: random %s-endian programs → what QEMU gives',
    {
      timeout: longOr(3_600_000, 300_000),
    },
    async (endian) => {
      needsProgram(PROGRAM[endian]);
      let executed = 0;
      for (let seed = SEED; executed < COMPILED_INSTRUCTIONS; seed++) {
        const batch: Batch = {
          ...makeBatch(seed, endian),
          engine: compilingRunner,
          executed: (n) => (executed += n),
        };
        const differing = await compareRuns(batch);
        if (differing.length === 0) continue;
        const failures = await Promise.all(differing.slice(0, 3).map((index) => shrink(batch, index)));
        expect.fail(`seed ${seed}:\n${failures.map(describeFailure).join('\n\n')}`);
      }
    },
  );

  it('compareRuns and shrink: an engine that runs subf for one add → the case and the instruction are named', async () => {
    needsProgram('qemu-ppc64');
    const batch = makeBatch(77, 'big');
    const index = 700;
    const gpr = Array.from({ length: 32 }, (_, n) => BigInt(n + 1));
    const ADD = 0x7c642a14; // add r3,r4,r5
    const SUBF = 0x7c642850;
    const code = [0x38000001, 0x60000000, ADD, 0x60000000];
    const cases = batch.cases.with(index, {
      code,
      input: { gpr, cr: 0, xer: 0, lr: 0n, ctr: 0n },
      memory: new Uint8Array(512),
    });
    const faulty: Batch = {
      ...batch,
      cases,
      engine: (image) => {
        const changed = image.code.slice();
        const view = new DataView(changed.buffer);
        const at = layout.codeAddress(index) - image.entry + 8;
        if (view.getUint32(at) === ADD) view.setUint32(at, SUBF);
        return engineRunner({ ...image, code: changed });
      },
    };
    expect(await compareRuns(faulty)).toEqual([index]);
    const failure = await shrink(faulty, index);
    expect(failure).toMatchObject({ index, position: 2, word: ADD });
    expect(describeFailure(failure)).toContain('r3: ours 0x0000000000000001, QEMU 0x000000000000000b');
  });
});
