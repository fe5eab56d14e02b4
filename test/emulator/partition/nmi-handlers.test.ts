/** System resets and machine checks where the guest has registered handlers for them (FWNMI). */

import { describe, expect, it } from 'vitest';
import { VECTOR } from '../../../src/base/power.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, b, dForm, li, lis, NOP } from '../../synth/power-words.ts';
import { rtasCall } from '../../synth/rtas-call.ts';

const NMI_REGISTER = 0x202b;
const RESET_HANDLER = KERNEL_ENTRY + 0x400;
const CHECK_HANDLER = KERNEL_ENTRY + 0x500;
const STAY = b(0);
/** A real address far behind memory. */
const NOWHERE = 0x4000;

/** Registers handlers, which end in `attn`, and goes on with `words`. */
function machine(words: readonly number[]) {
  const all = [...rtasCall([NMI_REGISTER, 2, 1, RESET_HANDLER, CHECK_HANDLER]), li(3, 0x55), ...words];
  const gap = (RESET_HANDLER - KERNEL_ENTRY) / 4 - all.length;
  const handler = [ATTN, ...new Array<number>(0x40 - 1).fill(NOP)];
  return bareKernel([...all, ...new Array<number>(gap).fill(NOP), ...handler, ...handler], {
    vectors: [VECTOR.systemReset, VECTOR.machineCheck],
  });
}

describe('FWNMI', () => {
  it('a system reset → the handler in 64-bit real mode; r3 lies where r3 says; the event is as without', () => {
    const { partition, events } = machine([STAY]);
    partition.run(10_000_000_000);
    partition.nmi([0]);
    expect(partition.run(10_000)).toBe('ended');
    const [vcpu] = partition.vcpus;
    expect(vcpu?.nia).toBe(BigInt(RESET_HANDLER));
    expect(partition.ram.readU64(Number(vcpu?.gpr(3)), false)).toBe(0x55n);
    const taken = events.filter(({ kind }) => kind === 'interrupt');
    expect(taken).toMatchObject([{ vector: VECTOR.systemReset, requestedBy: 'outside', regs: { r1: 0n } }]);
  });

  it('a machine check by a load → the handler, with a log behind r3', () => {
    const { partition } = machine([lis(5, NOWHERE), dForm(32, 9, 5, 0), STAY]);
    expect(partition.run(10_000)).toBe('ended');
    const [vcpu] = partition.vcpus;
    expect(vcpu?.nia).toBe(BigInt(CHECK_HANDLER));
    const save = Number(vcpu?.gpr(3));
    expect(partition.ram.readU64(save, false)).toBe(0x55n);
    expect(partition.ram.readU32(save + 8, false)).toBe(0x0674_1000);
    expect(partition.ram.readU64(save + 8 + 48, false)).toBe(BigInt(NOWHERE) << 16n);
  });
});
