/** The room of all scratch disks: through real workers, which count in it, die and give back. */

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hostMemory, memoryRefusal } from '../../../src/emulator/host/host-memory.ts';
import { openPartition, type PartitionConfig, ScratchSpace } from '../../../src/emulator/host/index.ts';
import { scratchQuota } from '../../../src/emulator/host/scratch-space.ts';
import { loadableKernel, MIB } from '../../synth/crash-load.ts';

const folder = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
const kernel = join(folder, 'kernel');
writeFileSync(kernel, loadableKernel());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configOf(dumpBytes: number): PartitionConfig {
  return {
    processor: 'power9',
    mmu: 'radix',
    cpus: 1,
    memory: [{ base: 0, size: 64 * MIB }],
    kernel,
    append: '',
    seed: 1,
    disks: [{ kind: 'scratch', bytes: dumpBytes }],
  };
}

describe('ScratchSpace', () => {
  it('its folder → made for its owner alone; leftovers are removed, other files are not', () => {
    const scratch = join(folder, 'made', 'here');
    const space = new ScratchSpace({ folder: scratch });
    expect(statSync(scratch).mode & 0o777).toBe(0o700);
    writeFileSync(join(scratch, 'kdumpd-left'), 'x');
    writeFileSync(join(scratch, 'other'), 'x');
    space.clearLeftovers();
    expect(readdirSync(scratch)).toEqual(['other']);
  });

  it('partitions share the quota; what one that died held is given back', () => {
    const space = new ScratchSpace({ folder, quotaBytes: 3 * 65536 + 5 });
    const [one, two] = [space.share(), space.share()];
    const [first, second] = [scratchQuota(one), scratchQuota(two)];
    expect([first.take(), first.take(), second.take(), second.take(), first.take()]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(space.usedBytes).toBe(3 * 65536);
    expect(space.refusal(65536, two)).toBeUndefined();
    expect(space.refusal(2 * 65536, two)).toMatch(
      /^its dump disk may take 128 KiB, and of the quota of 192 KiB/,
    );
    second.give(1);
    space.free(two);
    space.free(one);
    space.free(one);
    expect(space.usedBytes).toBe(0);
    expect(first.take()).toBe(true);
  });
});

describe('a partition with a scratch disk', () => {
  it('lies in the space, without a name', async () => {
    const scratch = join(folder, 'space');
    const space = new ScratchSpace({ folder: scratch });
    const handle = openPartition(configOf(MIB), { scratch: space });
    await handle.start();
    expect(readdirSync(scratch)).toEqual([]);
    expect(existsSync('/proc/self/fd')).toBe(true);
    await handle.close();
  });

  it('larger than what is left of the quota → not powered on, with the figures', async () => {
    const space = new ScratchSpace({ folder, quotaBytes: 10 * MIB });
    const handle = openPartition(configOf(64 * MIB), { scratch: space });
    await expect(handle.start()).rejects.toThrow(
      'its dump disk may take 64.0 MiB, and of the quota of 10.0 MiB for scratch disks 10.0 MiB are left',
    );
    await handle.close();
  });

  it('in a folder that is gone → a reason without a path', async () => {
    const scratch = join(folder, 'gone');
    const space = new ScratchSpace({ folder: scratch });
    rmSync(scratch, { recursive: true });
    const handle = openPartition(configOf(MIB), { scratch: space });
    await expect(handle.start()).rejects.toThrow(
      /^the dump disk cannot be used: there is no such file \(ENOENT\)$/,
    );
    await handle.close();
  });

  it('a file disk that is not there → a reason without a path', async () => {
    const config = configOf(MIB);
    const handle = openPartition({
      ...config,
      disks: [{ kind: 'file', path: join(folder, 'none'), readOnly: true }],
    });
    await expect(handle.start()).rejects.toThrow(
      /^a disk of the image cannot be used: there is no such file \(ENOENT\)$/,
    );
    await handle.close();
  });
});

describe('memoryRefusal', () => {
  const host = { available: 3 * 2 ** 30, limit: 4 * 2 ** 30 };
  it.each([
    [2 ** 30, undefined],
    [3 * 2 ** 30, undefined],
    [3.5 * 2 ** 30, 'its memory is 3.5 GiB, and this host has 3.0 GiB left'],
    [5 * 2 ** 30, 'its memory is 5.0 GiB, and this host gives kdumpd 4.0 GiB in all'],
  ])('%d bytes → %s', (needed, refusal) => {
    expect(memoryRefusal(needed, host)).toBe(refusal);
  });

  it('this host → has memory', () => {
    const { available, limit } = hostMemory();
    expect(available).toBeGreaterThan(0);
    expect(limit).toBeGreaterThanOrEqual(available / 2);
  });
});
