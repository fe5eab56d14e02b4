import { describe, expect, it } from 'vitest';
import { makeConfig } from '../../../src/panic/guest/machine.ts';
import { memoryBytesOf, resolveMachine } from '../../../src/panic/guest/machine-spec.ts';
import { BOOT } from '../../synth/crashing-guest.ts';
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
      endsAtOsTerm: false,
    });
  });

  it('POWER8 → a hash table', () => {
    expect(resolveMachine({ processor: 'power8' })).toMatchObject({ mmu: 'hash', interrupts: 'xics' });
  });

  it.each([
    ['quiet disable_radix', 'hash'],
    ['disable_radix=on', 'hash'],
    ['disable_radix=1 x', 'hash'],
    ['disable_radix=no', 'radix'],
    ['disable_radix=', 'radix'],
    ['quiet', 'radix'],
  ])('a command line with %s → %s', (append, mmu) => {
    expect(resolveMachine({ append }).mmu).toBe(mmu);
    expect(resolveMachine({ append, processor: 'power8' }).mmu).toBe('hash');
  });

  it('everything asked for → as asked', () => {
    const asked = {
      processor: 'power9',
      mmu: 'hash',
      firmware: 'open-firmware',
      interrupts: 'xive',
      diskBus: 'vscsi',
      cpus: 8,
      threads: 4,
      seed: 7,
      refuseSysReset: true,
    } as const;
    const sizes = { memory: '64M,16M@4G', rma: '16M', dumpDevice: '0x400K' };
    const spec = resolveMachine({ ...asked, ...sizes, osTerm: 'end' });
    expect(spec).toMatchObject({ ...asked, rma: 2 ** 24, dumpBytes: 2 ** 20, endsAtOsTerm: true });
    expect(memoryBytesOf(spec)).toBe(80 * 2 ** 20);
  });

  it.each([
    [{ processor: 'power8', mmu: 'radix' }, 'panic/unsupported-machine'],
    [{ processor: 'power8', interrupts: 'xive' }, 'panic/unsupported-machine'],
    [{ cpus: 4, threads: 3 }, 'panic/unsupported-machine'],
    [{ cpus: 8, threads: 8 }, 'panic/unsupported-machine'],
    [{ cpus: 8, threads: 8, processor: 'power8' }, 'no error'],
    [{ cpus: 6, threads: 4 }, 'panic/unsupported-machine'],
    [{ mmu: 'radix', append: 'quiet disable_radix' }, 'panic/unsupported-machine'],
    [{ memory: 'lots' }, 'memory/size'],
    [{ memory: '1' }, 'memory/spec'],
    [{ rma: 'half' }, 'memory/size'],
    [{ dumpDevice: '1X' }, 'memory/size'],
  ] as const)('%o → %s', async (request, code) => {
    expect(await asyncCodeOf(async () => resolveMachine(request))).toBe(code);
  });
});

describe('makeConfig', () => {
  it.each([
    [{ memory: '4G' }, 'memory/limit'],
    [{ memory: '5G' }, 'memory/limit'],
    [{ memory: '1G', rma: '2G' }, 'memory/rma'],
    [{ memory: '1G', dumpDevice: '1000' }, 'disk/size'],
    [{ memory: '1G', dumpDevice: '1024T' }, 'disk/size'],
    [{ memory: '3839M' }, 'no error'],
  ])('%o → %s', async (request, code) => {
    expect(await asyncCodeOf(async () => makeConfig(BOOT, resolveMachine(request)))).toBe(code);
  });

  it('an image whose own command line asks for hash → refused with radix', async () => {
    const boot = { ...BOOT, append: 'disable_radix' };
    expect(await asyncCodeOf(async () => makeConfig(boot, resolveMachine({})))).toBe(
      'panic/unsupported-machine',
    );
    expect(makeConfig(boot, resolveMachine({ mmu: 'hash' })).mmu).toBe('hash');
  });
});
