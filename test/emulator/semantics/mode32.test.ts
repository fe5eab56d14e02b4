/**
 * 32-bit mode (MSR[SF] = 0), which user programs cannot show: Power ISA 3.0B, Book I, §1.10.3 and §3.3.8 on addresses,
 * CR0, carry and overflow; §2.4 on branches. RTAS is called in it.
 */

import { describe, expect, it } from 'vitest';
import { MSR } from '../../../src/base/power.ts';
import { CTR, LR } from '../../../src/emulator/cpu/layout.ts';
import { BareMachine } from '../../../src/emulator/partition/bare-machine.ts';

const ATTN = 0x200;
const START = 0x1000;

/** Runs words from START in 32-bit mode. */
function run(words: readonly number[], set: (machine: BareMachine) => void): BareMachine {
  const machine = new BareMachine({ memory: 0x20000, endian: 'big', processorVersion: 0x4e1200 });
  for (const [i, word] of [...words, ATTN].entries()) machine.ram.writeU32(START + 4 * i, word, false);
  machine.vcpu.nia = BigInt(START);
  machine.vcpu.msr &= ~MSR.SF;
  set(machine);
  expect(machine.run(100)).toBe('attn');
  return machine;
}

describe('32-bit mode', () => {
  it('add.: the low word is negative → CR0 LT, all 64 bits written', () => {
    const { vcpu } = run([0x7c642a15], ({ vcpu: v }) => {
      v.setGpr(4, 0x1_7fff_ffffn);
      v.setGpr(5, 1n);
    });
    expect(vcpu.gpr(3)).toBe(0x1_8000_0000n);
    expect(vcpu.cr >>> 28).toBe(8);
  });

  it('addc: a carry out of the low word → CA and CA32; out of the doubleword alone → neither', () => {
    const low = run([0x7c642814], ({ vcpu }) => {
      vcpu.setGpr(4, 0xffff_ffffn);
      vcpu.setGpr(5, 1n);
    });
    expect(low.vcpu.xer).toBe(0x20040000);
    const high = run([0x7c642814], ({ vcpu }) => {
      vcpu.setGpr(4, 0xffff_ffff_0000_0000n);
      vcpu.setGpr(5, 0x1_0000_0000n);
    });
    expect(high.vcpu.xer).toBe(0);
  });

  it('addo: overflow of the low word → OV, OV32 and SO', () => {
    const { vcpu } = run([0x7c642e14], ({ vcpu: v }) => {
      v.setGpr(4, 0x7fff_ffffn);
      v.setGpr(5, 1n);
    });
    expect(vcpu.xer >>> 0).toBe(0xc0080000);
  });

  it('lwz: the high word of the address → ignored', () => {
    const { vcpu } = run([0x80640000], ({ vcpu: v, ram }) => {
      v.setGpr(4, 0xdead_beef_0000_2000n);
      ram.writeU32(0x2000, 0x12345678, false);
    });
    expect(vcpu.gpr(3)).toBe(0x12345678n);
  });

  it('bdnz: CTR is 0 in its low word → not taken', () => {
    const { vcpu } = run([0x42000008, 0x38600001], ({ vcpu: v }) => v.set64(CTR, 0x1_0000_0001n));
    expect(vcpu.gpr(3)).toBe(1n);
  });

  it('blr: the high word of LR → ignored', () => {
    const { vcpu } = run([0x4e800020, 0x38600001, 0x38800001], ({ vcpu: v }) =>
      v.set64(LR, 0xdead_beef_0000_1008n),
    );
    expect(vcpu.gpr(3)).toBe(0n);
    expect(vcpu.gpr(4)).toBe(1n);
  });

  it('bl: LR → the next address in 32 bits', () => {
    const { vcpu } = run([0x48000005], () => undefined);
    expect(vcpu.get64(LR)).toBe(BigInt(START + 4));
  });

  it('cmpd: 64 bits in every mode → the whole registers are compared', () => {
    const { vcpu } = run([0x7c242800], ({ vcpu: v }) => {
      v.setGpr(4, 0x1_0000_0000n);
      v.setGpr(5, 1n);
    });
    expect(vcpu.cr >>> 28).toBe(4);
  });
});
