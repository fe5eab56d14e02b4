/**
 * Machine checks of accesses to real addresses where nothing is: what Linux 6.1 makes of SRR1, DSISR and DAR, by its
 * tables (arch/powerpc/kernel/mce_power.c: mce_p8_ierror_table, mce_p8_derror_table and those of POWER9).
 */

import { describe, expect, it } from 'vitest';
import { MSR, VECTOR } from '../../../src/base/power.ts';
import { PROCESSOR_VERSION } from '../../../src/emulator/cpu/processor.ts';
import { SPR } from '../../../src/emulator/cpu/spr.ts';
import { BareMachine } from '../../../src/emulator/partition/bare-machine.ts';
import { ATTN, dForm } from '../../synth/power-words.ts';

const START = 0x1000;
const NOWHERE = 0x0f00_0000n;
const BEFORE = 0x5555n;

/** SRR1 bit 42: the error is of a load or store. */
const LOAD_STORE = 0x20_0000n;
const BY_INSTRUCTION: Readonly<Record<string, ReadonlyMap<bigint, string>>> = {
  power8: new Map([[0x0004_0000n, 'uncorrectable, fetch']]),
  power9: new Map([
    [0x080c_0000n, 'bad real address, fetch'],
    [0x0814_0000n, 'bad real address, store, later'],
  ]),
};
const BY_DATA: Readonly<Record<string, ReadonlyMap<bigint, string>>> = {
  power8: new Map([[0x8000n, 'uncorrectable, load or store']]),
  power9: new Map([[0x40n, 'bad real address, load']]),
};
const MASK = 0x081c_0000n;

type Access = 'load' | 'store' | 'fetch';

/** What Linux finds, and DAR. */
function check(
  processor: 'power8' | 'power9',
  access: Access,
): { readonly says: string; readonly dar: bigint } {
  const machine = new BareMachine({
    memory: 0x10000,
    endian: 'big',
    processorVersion: PROCESSOR_VERSION[processor],
  });
  machine.ram.writeU32(VECTOR.machineCheck, ATTN, false);
  machine.ram.writeU32(START, dForm(access === 'load' ? 32 : 36, 5, 4, 0), false);
  const { vcpu } = machine;
  vcpu.msr |= MSR.ME;
  vcpu.setGpr(4, NOWHERE);
  vcpu.setSpr(SPR.DAR, BEFORE);
  vcpu.setSpr(SPR.DSISR, BEFORE);
  vcpu.nia = access === 'fetch' ? NOWHERE : BigInt(START);
  expect(machine.run(100)).toBe('attn');
  expect(vcpu.nia).toBe(BigInt(VECTOR.machineCheck));
  expect(vcpu.spr(SPR.SRR0)).toBe(access === 'fetch' ? NOWHERE : BigInt(START));
  const srr1 = vcpu.spr(SPR.SRR1);
  const dar = vcpu.spr(SPR.DAR);
  const found =
    (srr1 & LOAD_STORE) !== 0n
      ? BY_DATA[processor]?.get(vcpu.spr(SPR.DSISR))
      : BY_INSTRUCTION[processor]?.get(srr1 & MASK);
  return { says: found ?? `unknown ${srr1.toString(16)} ${vcpu.spr(SPR.DSISR).toString(16)}`, dar };
}

describe('a real address where nothing is', () => {
  it.each([
    ['power8', 'load', 'uncorrectable, load or store', NOWHERE],
    ['power8', 'store', 'uncorrectable, load or store', NOWHERE],
    ['power8', 'fetch', 'uncorrectable, fetch', BEFORE],
    ['power9', 'load', 'bad real address, load', NOWHERE],
    ['power9', 'store', 'bad real address, store, later', BEFORE],
    ['power9', 'fetch', 'bad real address, fetch', BEFORE],
  ] as const)('%s, %s → %s', (processor, access, says, dar) => {
    expect(check(processor, access)).toEqual({ says, dar });
  });
});
