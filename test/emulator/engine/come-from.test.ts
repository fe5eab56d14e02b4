/** CFAR: Power ISA 3.0B, Book III §4.4. Taken branches and returns from interrupts set it; interrupts and other branches do not. */

import { describe, expect, it } from 'vitest';
import { MSR } from '../../../src/base/power.ts';
import { CTR, LR } from '../../../src/emulator/cpu/layout.ts';
import { SPR } from '../../../src/emulator/cpu/spr.ts';
import { BareMachine } from '../../../src/emulator/partition/bare-machine.ts';
import { ATTN, BCTR, BLR, b, bc, mfspr, mtspr, NOP, RFID, RFSCV } from '../../synth/power-words.ts';

const START = 0x2000;
const FAR = 0x7000;
const INITIAL = 0x1234n;

/** Runs words from START; at the end, wherever that is, r3 gets CFAR. */
function comeFrom(words: readonly number[], set: (machine: BareMachine) => void = () => undefined): bigint {
  const machine = new BareMachine({ memory: 0x20000, endian: 'big', processorVersion: 0x4e1200 });
  const { ram, vcpu } = machine;
  const end = [mfspr(3, SPR.CFAR), ATTN];
  for (const [i, word] of [...words, ...end].entries()) ram.writeU32(START + 4 * i, word, false);
  for (const at of [FAR, 0x700, 0xc00])
    for (const [i, word] of end.entries()) ram.writeU32(at + 4 * i, word, false);
  vcpu.nia = BigInt(START);
  vcpu.setSpr(SPR.CFAR, INITIAL);
  set(machine);
  expect(machine.run(100)).toBe('attn');
  return vcpu.gpr(3);
}
const here = (word: number): bigint => BigInt(START + 4 * word);

describe('CFAR', () => {
  it('b, near and to another page → its address', () => {
    expect(comeFrom([NOP, b(8), NOP])).toBe(here(1));
    expect(comeFrom([NOP, NOP, b(FAR - START - 8)])).toBe(here(2));
  });

  it('bc taken → its address; not taken → unchanged', () => {
    expect(comeFrom([bc(4, 2, 8), NOP])).toBe(here(0));
    expect(comeFrom([bc(12, 2, 8), NOP])).toBe(INITIAL);
  });

  it('a branch and then one that is not taken → the former', () => {
    expect(comeFrom([b(8), NOP, NOP, bc(12, 2, 8)])).toBe(here(0));
  });

  it('blr and bctr → their address', () => {
    expect(comeFrom([NOP, BLR], ({ vcpu }) => vcpu.set64(LR, BigInt(FAR)))).toBe(here(1));
    expect(comeFrom([NOP, BCTR], ({ vcpu }) => vcpu.set64(CTR, BigInt(FAR)))).toBe(here(1));
  });

  it('32-bit mode → 32 bits of address', () => {
    const set = ({ vcpu }: BareMachine): void => {
      vcpu.msr &= ~MSR.SF;
    };
    expect(comeFrom([NOP, b(8), NOP], set)).toBe(here(1));
  });

  it('rfid and rfscv → their address', () => {
    const set = ({ vcpu }: BareMachine): void => {
      vcpu.setSpr(SPR.SRR0, BigInt(FAR));
      vcpu.setSpr(SPR.SRR1, vcpu.msr);
      vcpu.set64(LR, BigInt(FAR));
      vcpu.set64(CTR, vcpu.msr);
    };
    expect(comeFrom([NOP, NOP, RFID], set)).toBe(here(2));
    expect(comeFrom([NOP, RFSCV], set)).toBe(here(1));
  });

  it('an interrupt handler that reads it first, as Linux does → the branch before the interrupt', () => {
    expect(comeFrom([NOP, b(8), NOP, NOP, 0])).toBe(here(1));
    // A handler that is reached without any branch in between: sc.
    expect(comeFrom([b(8), NOP, 0x44000002])).toBe(here(0));
  });

  it('mtspr → what was written', () => {
    expect(comeFrom([mtspr(SPR.CFAR, 5)], ({ vcpu }) => vcpu.setGpr(5, 0xabcn))).toBe(0xabcn);
  });
});
