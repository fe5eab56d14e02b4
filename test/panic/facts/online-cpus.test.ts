import { describe, expect, it } from 'vitest';
import { putU32, putU64 } from '../../../src/base/bytes.ts';
import { MSR } from '../../../src/base/power.ts';
import type { VcpuSnapshot } from '../../../src/emulator/contract/index.ts';
import { OutsideMemory } from '../../../src/emulator/memory/contract.ts';
import { onlineCpus } from '../../../src/panic/facts/index.ts';
import { SymbolTable } from '../../../src/vmcore/analyse/index.ts';

const LINEAR = 0xc000_0000_0000_0000n;
const MASK = 0x1000;
const PACAS = 0x2000;
const PACA_BYTES = 0x100;

type Cpu = { readonly state: VcpuSnapshot['state']; readonly logical?: number; readonly r13?: bigint };

/** CPUs whose pacas lie one after the other, and the kernel's mask. */
function world(endian: 'little' | 'big', cpus: readonly Cpu[], mask: readonly bigint[], named = true) {
  const memory = new Uint8Array(0x4000);
  for (const [i, word] of mask.entries()) putU64(memory, MASK + 8 * i, word, endian);
  const vcpus = cpus.map(({ state, logical = 0, r13 }, index): VcpuSnapshot => {
    const paca = PACAS + index * PACA_BYTES;
    putU32(memory, paca + 8, ((0x8000 << 16) | logical) >>> 0, endian);
    const gpr = Array.from({ length: 32 }, (_, n) => (n === 13 ? (r13 ?? LINEAR + BigInt(paca)) : 0n));
    const msr = endian === 'little' ? MSR.LE : 0n;
    return { index, hardwareId: index * 8, state, gpr, msr, nia: 0n, lr: 0n, ctr: 0n, cr: 0, xer: 0 };
  });
  const table = new SymbolTable(named ? [{ name: '__cpu_online_mask', address: LINEAR + BigInt(MASK) }] : []);
  const read = async (raddr: number, length: number): Promise<Uint8Array> => {
    if (raddr + length > memory.length) throw new OutsideMemory(raddr, length);
    return memory.slice(raddr, raddr + length);
  };
  return async () => [...(await onlineCpus(vcpus, { table }, read))];
}

describe.each(['little', 'big'] as const)('a %s-endian kernel', (endian) => {
  it('stopped CPUs are offline, CPUs that run are online, whatever the mask says', async () => {
    const online = world(endian, [{ state: 'running' }, { state: 'stopped', logical: 1 }], [0b10n]);
    expect(await online()).toEqual([0]);
  });

  it('of two CPUs in H_CEDE the one that the mask has is online, the other one is not', async () => {
    const cpus: Cpu[] = [
      { state: 'running', logical: 0 },
      { state: 'ceded', logical: 1 },
      { state: 'ceded', logical: 2 },
    ];
    expect(await world(endian, cpus, [0b101n])()).toEqual([0, 2]);
  });

  it('logical numbers are the kernel’s own, also past the first 64', async () => {
    const cpus: Cpu[] = [
      { state: 'ceded', logical: 70 },
      { state: 'ceded', logical: 3 },
    ];
    expect(await world(endian, cpus, [0n, 1n << 6n])()).toEqual([0]);
  });

  it.each([
    ['it does not name its mask', { state: 'ceded', logical: 1 }, false],
    ['r13 is no address of the linear map', { state: 'ceded', logical: 1, r13: 0x7fff_0000n }, true],
    ['r13 leads outside memory', { state: 'ceded', logical: 1, r13: LINEAR + 0x10_0000n }, true],
    ['r13 leads to no paca', { state: 'ceded', logical: 1, r13: LINEAR + 0x3800n }, true],
  ] as const)('%s → a CPU in H_CEDE counts as online', async (_why, cpu, named) => {
    expect(await world(endian, [cpu], [0n], named)()).toEqual([0]);
  });
});
