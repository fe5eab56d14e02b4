/** Code in both byte orders: each is decoded once, also on one page, and stores are seen in both. */

import { describe, expect, it } from 'vitest';
import { MSR } from '../../../src/base/power.ts';
import { SPR } from '../../../src/emulator/cpu/spr.ts';
import { Vcpu } from '../../../src/emulator/cpu/vcpu.ts';
import { Engine } from '../../../src/emulator/engine/engine.ts';
import type { EngineHost } from '../../../src/emulator/engine/engine-host.ts';
import { Arena } from '../../../src/emulator/memory/arena.ts';
import { Ram } from '../../../src/emulator/memory/ram.ts';
import { RadixMmu } from '../../../src/emulator/mmu/radix.ts';
import { dForm, mtspr, RFID } from '../../synth/power-words.ts';

const HERE = 0x1000;
const ADD_ONE = dForm(14, 3, 3, 1);
const ADD_TWO = dForm(14, 3, 3, 2);
const ADD_HUNDRED = dForm(14, 3, 3, 100);

function world(): { readonly engine: Engine; readonly ram: Ram; readonly vcpu: Vcpu } {
  const arena = new Arena(0x0800_0000);
  const ram = new Ram(arena, [{ base: 0, size: 0x10000 }]);
  const vcpu = new Vcpu(arena, 0, 0);
  const host: EngineHost = {
    sliceStart: () => 0,
    processorVersion: 0x4e1200,
    unsupported: () => undefined,
    randomBytes: (count) => new Uint8Array(count),
    hypercall: () => false,
    interruptTaken: () => undefined,
    doorbell: () => undefined,
    threadNumber: () => 0,
    deliverPending: () => undefined,
    allVcpus: () => [vcpu],
  };
  const nothing = { read: (): boolean => false, write: (): boolean => false };
  const engine = new Engine(arena, ram, new RadixMmu(arena, ram), nothing, host);
  vcpu.state = 'running';
  vcpu.interruptLittleEndian = true;
  vcpu.msr = MSR.SF | MSR.LE;
  return { engine, ram, vcpu };
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
