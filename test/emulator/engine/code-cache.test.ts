/** When a page with decoded code becomes plain data again. */

import { expect, it } from 'vitest';
import { MSR } from '../../../src/base/power.ts';
import { bareEngine } from '../../synth/bare-engine.ts';
import { ATTN, dForm } from '../../synth/power-words.ts';

const CODE = 0x4000;
const ADD = dForm(14, 3, 3, 1);

it('a page is given up after some stores, and takes twice as many each time that it has become code again', () => {
  const { engine, ram, vcpu } = bareEngine();
  ram.writeU32(CODE, ADD, false);
  ram.writeU32(CODE + 4, ATTN, false);
  vcpu.msr = MSR.SF;
  vcpu.activate();
  const taken: number[] = [];
  for (let round = 0; round < 4; round++) {
    vcpu.nia = BigInt(CODE);
    expect(engine.run(vcpu, 100).end).toBe('attn');
    const before = engine.code.slotsInUse;
    let stores = 0;
    // What is stored to is behind the code, which is executed as it was.
    for (; engine.code.slotsInUse === before && stores < 10_000; stores++) {
      ram.writeU32(CODE + 0x800, stores, false);
      engine.code.settle();
    }
    taken.push(stores);
  }
  expect(taken).toEqual([33, 65, 129, 257]);
  expect(vcpu.gpr(3)).toBe(4n);
});
