/** Code in both byte orders: each is decoded once, also on one page, and stores are seen in both. */

import { describe, expect, it } from 'vitest';
import { MSR } from '../../../src/base/power.ts';
import { SPR } from '../../../src/emulator/cpu/spr.ts';
import type { Ram } from '../../../src/emulator/memory/ram.ts';
import { type BareEngine, bareEngine } from '../../synth/bare-engine.ts';
import { dForm, mtspr, RFID } from '../../synth/power-words.ts';

const HERE = 0x1000;
const ADD_ONE = dForm(14, 3, 3, 1);
const ADD_TWO = dForm(14, 3, 3, 2);
const ADD_HUNDRED = dForm(14, 3, 3, 100);

function world(): BareEngine {
  const made = bareEngine();
  made.vcpu.interruptLittleEndian = true;
  made.vcpu.msr = MSR.SF | MSR.LE;
  return made;
}

/** At `at`: `word`, then a return to the address and MSR in two registers. */
function side(ram: Ram, at: number, littleEndian: boolean, word: number, register: number): void {
  const words = [word, mtspr(SPR.SRR0, register), mtspr(SPR.SRR1, register + 1), RFID];
  for (const [i, each] of words.entries()) ram.writeU32(at + 4 * i, each, littleEndian);
}

describe('code in both byte orders', () => {
  it.each([
    ['on two pages', 0x2000],
    ['on one page', HERE + 0x100],
  ])('%s, a thousand changes of MSR[LE] → each instruction is decoded once', (_where, there) => {
    const { engine, ram, vcpu } = world();
    side(ram, HERE, true, ADD_ONE, 10);
    side(ram, there, false, ADD_TWO, 12);
    vcpu.setGpr(10, BigInt(there));
    vcpu.setGpr(11, MSR.SF);
    vcpu.setGpr(12, BigInt(HERE));
    vcpu.setGpr(13, MSR.SF | MSR.LE);
    vcpu.nia = BigInt(HERE);
    vcpu.activate();
    engine.run(vcpu, 4000);
    expect(Number(vcpu.gpr(3))).toBe(1500);
    expect(engine.code.decoded).toBe(8);
    expect(engine.code.slotsInUse).toBe(2);
    // Both orders see a store to the page.
    side(ram, there, false, ADD_HUNDRED, 12);
    vcpu.setGpr(3, 0n);
    engine.run(vcpu, 8);
    expect(Number(vcpu.gpr(3))).toBe(101);
  });
});
