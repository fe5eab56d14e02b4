import { describe, expect, it } from 'vitest';
import { memoryBytesOf, resolveMachine } from '../../../src/panic/guest/machine-spec.ts';
import { asyncCodeOf } from '../../synth/mutate.ts';

describe('resolveMachine', () => {
  it('nothing asked for → POWER9, radix, one CPU, 1 GiB, seed 1', () => {
    expect(resolveMachine({})).toEqual({
      processor: 'power9',
      mmu: 'radix',
      firmware: 'flat',
      interrupts: 'xics',
      diskBus: 'virtio',
      cpus: 1,
      memory: [{ base: 0, size: 2 ** 30 }],
      seed: 1,
      refuseSysReset: false,
    });
  });

  it('POWER8 → a hash table', () => {
    expect(resolveMachine({ processor: 'power8' })).toMatchObject({ mmu: 'hash', interrupts: 'xics' });
  });

  it('everything asked for → as asked', () => {
    const asked = {
      processor: 'power9',
      mmu: 'hash',
      firmware: 'open-firmware',
      interrupts: 'xive',
      diskBus: 'vscsi',
      cpus: 8,
      seed: 7,
      refuseSysReset: true,
      rma: 2 ** 28,
      dumpBytes: 2 ** 20,
    } as const;
    const spec = resolveMachine({ ...asked, memory: '64M,16M@4G' });
    expect(spec).toMatchObject(asked);
    expect(memoryBytesOf(spec)).toBe(80 * 2 ** 20);
  });

  it.each([
    [{ processor: 'power8', mmu: 'radix' }, 'panic/unsupported-machine'],
    [{ processor: 'power8', interrupts: 'xive' }, 'panic/unsupported-machine'],
    [{ memory: 'lots' }, 'memory/size'],
    [{ memory: '1' }, 'memory/spec'],
  ] as const)('%o → %s', async (request, code) => {
    expect(await asyncCodeOf(async () => resolveMachine(request))).toBe(code);
  });
});
