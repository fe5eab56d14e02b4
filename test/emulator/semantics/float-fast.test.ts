/** The fast path of floating-point arithmetic against the exact one: results and every status bit, FR included. */

import { describe, expect, it } from 'vitest';
import { FPSCR, HELPER } from '../../../src/emulator/cpu/layout.ts';
import { ELEMENTS, registerImage } from '../../../src/emulator/semantics/helpers/float.ts';
import {
  fastCompare,
  fastScalar,
  type Operation,
} from '../../../src/emulator/semantics/helpers/float-fast.ts';
import {
  contextOf,
  DOUBLE,
  resultClass,
  SINGLE,
} from '../../../src/emulator/semantics/helpers/softfloat/index.ts';
import { RandomSource } from '../../differential/random-source.ts';
import { longOr } from '../../support/long.ts';

const OPERATIONS: readonly Operation[] = [
  'add',
  'sub',
  'mul',
  'div',
  'sqrt',
  'madd',
  'msub',
  'nmadd',
  'nmsub',
];
const EXCEPTIONS = 0x1ff80700;
const FX = 0x80000000;

/** A double within 2^±`range`, with its low `zeros` bits clear two times in three. */
function ordinary(random: RandomSource, range: number, zeros: number): bigint {
  const any = random.uniform64() & 0xfffffffffffffn;
  const fraction = random.oneIn(3) ? any : (any >> BigInt(zeros)) << BigInt(zeros);
  const exponent = BigInt(1023 - range + random.below(2 * range + 1));
  return (BigInt(random.below(2)) << 63n) | (exponent << 52n) | fraction;
}

function stateWith(operands: readonly bigint[], fpscr: number): DataView {
  const state = new DataView(new ArrayBuffer(4096));
  operands.forEach((value, i) => {
    state.setBigUint64(HELPER + 8 * i, value, true);
  });
  state.setUint32(FPSCR, fpscr, true);
  return state;
}

describe('fastScalar', () => {
  for (const operation of OPERATIONS) {
    it(`${operation}: random ordinary operands → what softfloat gives`, () => {
      const random = new RandomSource(OPERATIONS.indexOf(operation) + 1);
      const element = ELEMENTS.get(operation);
      if (element === undefined) throw new Error(`no ${operation}`);
      let taken = 0;
      const turns = longOr(500_000, 5_000);
      for (let i = 0; i < turns; i++) {
        const [range, zeros] = [random.pick([2, 10, 60, 130, 500]), random.pick([0, 20, 29, 40, 50, 52])];
        const operands = Array.from({ length: element.operands }, () => ordinary(random, range, zeros));
        const to = random.oneIn(2) ? SINGLE : DOUBLE;
        const state = stateWith(operands, 0);
        if (!fastScalar(state, operation, element.operands, to === SINGLE)) continue;
        taken++;
        const context = contextOf(0);
        const exact = element.make(DOUBLE, to)(operands, context);
        const raised = (context.flags & EXCEPTIONS) === 0 ? 0 : FX;
        const fpscr = (context.flags | raised | (resultClass(exact, to) << 12)) >>> 0;
        const ours = [state.getBigUint64(HELPER, true), state.getUint32(FPSCR, true)];
        expect([operands, ours]).toEqual([operands, [registerImage(exact, to), fpscr]]);
      }
      expect(taken).toBeGreaterThan(turns / 5);
    });
  }

  it('another rounding mode, an enable, a zero, a NaN, a large operand → not taken, nothing changed', () => {
    const one = 0x3ff0000000000000n;
    const cases: readonly [readonly bigint[], number][] = [
      [[one, one], 1],
      [[one, one], 0x80],
      [[0n, one], 0],
      [[0x7ff8000000000000n, one], 0],
      [[0x7fe0000000000000n, one], 0],
    ];
    for (const [operands, fpscr] of cases) {
      const state = stateWith(operands, fpscr);
      expect(fastScalar(state, 'add', 2, false)).toBe(false);
      expect(state.getBigUint64(HELPER, true)).toBe(operands[0]);
      expect(state.getUint32(FPSCR, true)).toBe(fpscr);
    }
  });
});

describe('fastCompare', () => {
  it('less, greater, equal zeros, a NaN → LT, GT, EQ, 0', () => {
    const of = (a: number, b: number): number => {
      const state = stateWith([], 0);
      state.setFloat64(HELPER, a, true);
      state.setFloat64(HELPER + 8, b, true);
      return fastCompare(state);
    };
    expect([of(1, 2), of(2, 1), of(0, -0), of(Number.NaN, 1)]).toEqual([8, 4, 2, 0]);
  });
});
