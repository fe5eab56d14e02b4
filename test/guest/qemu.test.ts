/** The built-in guest under QEMU: QEMU is the oracle for its hash and radix code, interrupts, RTAS and hypercalls. */

import { describe, expect, it } from 'vitest';
import { needsProgram } from '../support/programs.ts';
import { runUnderQemu } from './qemu-guest.ts';

describe.each([
  { processor: 'power8', mmu: 'hash' },
  { processor: 'power9', mmu: 'hash' },
  { processor: 'power9', mmu: 'radix' },
] as const)('built-in guest under QEMU, $processor $mmu', (machine) => {
  it('2 CPUs: both work, a panic is on the CPU that the agent names', async () => {
    needsProgram('qemu-system-ppc64');
    const run = await runUnderQemu(
      { ...machine, cpus: 2, append: 'crashkernel=32M@64M', tell: ['panic 1'] },
      ({ console, agent }) => /Kernel panic/.test(console) && /ok panic 1/.test(agent),
    );
    expect(run.console).toContain(`2 CPUs, ${machine.mmu}, base 0x0`);
    expect(run.console).toContain('CPU 1 (hardware id 1): work 0x665d18572158e60d');
    expect(run.console.includes('pages of 2^24 bytes, segments of 2^40')).toBe(machine.mmu === 'hash');
    expect(run.console).toContain('Kernel panic - not syncing: asked for by the agent');
  });
});

describe('built-in guest under QEMU, power8 hash, with less offered', () => {
  it.each([
    ['segments of 256 MiB, three of them', { terabyteSegments: true }, [24, 28]],
    ['64 KiB pages', { pageShifts: [24] }, [16, 40]],
    ['4 KiB pages in segments of 256 MiB', { terabyteSegments: true, pageShifts: [24, 16] }, [12, 28]],
  ])('%s → it boots, and takes a panic', async (_what, without, [page, segment]) => {
    needsProgram('qemu-system-ppc64');
    const run = await runUnderQemu(
      {
        processor: 'power8',
        mmu: 'hash',
        cpus: 2,
        memory: '768M',
        without,
        append: 'crashkernel=32M@64M',
        tell: ['panic 1'],
      },
      ({ console, agent }) => /Kernel panic/.test(console) && /ok panic 1/.test(agent),
    );
    expect(run.console).toContain('CPU 1 (hardware id 1): work 0x665d18572158e60d');
    expect(run.console).toContain(`pages of 2^${page} bytes, segments of 2^${segment}`);
    expect(run.console).toContain('highest free page 0x2fff0000');
    expect(run.console).not.toContain('Oops');
  });
});
