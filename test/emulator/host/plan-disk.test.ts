/** What a partition's owner can do to a disk in memory, and learn of the tree: through a real worker. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findNode, parseFdt } from '../../../src/base/fdt/index.ts';
import { createMemoryStore } from '../../../src/emulator/devices/virtio/index.ts';
import { openPartition } from '../../../src/emulator/host/index.ts';
import { OutsideMemory } from '../../../src/emulator/memory/contract.ts';
import { loadableKernel, MIB } from '../../synth/crash-load.ts';

const folder = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a memory disk → written from outside in whole sectors, empty again at power-on; the tree of power-on is told', async () => {
  const kernel = join(folder, 'kernel');
  writeFileSync(kernel, loadableKernel());
  const handle = openPartition({
    processor: 'power9',
    mmu: 'radix',
    cpus: 1,
    memory: [{ base: 0, size: 64 * MIB }],
    kernel,
    append: 'a=b',
    seed: 1,
    disks: [
      { kind: 'memory', bytes: 8192, readOnly: true },
      { kind: 'scratch', bytes: 8192 },
    ],
  });
  try {
    expect(await handle.machineTree()).toBeUndefined();
    const sector = new Uint8Array(512).fill(0x5a);
    await handle.writeDisk(0, 4096, sector);
    expect(await handle.readDisk(0, 4096, 512)).toEqual(sector);
    await expect(handle.writeDisk(0, 8192, sector)).rejects.toThrow('whole sectors inside it');
    await expect(handle.writeDisk(0, 1, sector)).rejects.toThrow('whole sectors inside it');
    await expect(handle.writeDisk(1, 0, sector)).rejects.toThrow('not one that is written from outside');
    await expect(handle.writeDisk(2, 0, sector)).rejects.toThrow('not one that is written from outside');
    // It is off: there is nothing to wait for.
    expect(await handle.takeWritten(1, 2 ** 20)).toEqual({ parts: [], ended: true });
    await expect(handle.takeWritten(0, 0)).rejects.toThrow('disk 0 is no scratch disk');
    await handle.start();
    await expect(handle.readMemory(64 * MIB, 8)).rejects.toMatchObject({
      name: 'OutsideMemory',
      raddr: 64 * MIB,
      length: 8,
    });
    await expect(handle.readMemory(64 * MIB, 8)).rejects.toBeInstanceOf(OutsideMemory);
    await expect(handle.readInstant('t1', 0, 8)).rejects.not.toBeInstanceOf(OutsideMemory);
    const tree = (await handle.machineTree()) ?? new Uint8Array(0);
    expect(
      Buffer.from(findNode(parseFdt(tree).root, '/chosen')?.properties.get('bootargs') ?? []).toString(),
    ).toBe('a=b\0');
    // It runs and writes nothing: one waits, a second one replaces it, and the end answers that.
    const waits = [handle.takeWritten(1, 2 ** 20), handle.takeWritten(1, 2 ** 20)];
    expect(await waits[0]).toEqual({ parts: [], ended: false });
    await handle.stop();
    expect(await waits[1]).toEqual({ parts: [], ended: true });
    expect(await handle.readDisk(0, 4096, 512)).toEqual(new Uint8Array(512));
  } finally {
    await handle.close();
  }
});

it('createMemoryStore: emptied → zeros', () => {
  const store = createMemoryStore(4096);
  store.write(512, new Uint8Array(512).fill(1));
  store.empty();
  const back = new Uint8Array(512).fill(9);
  store.read(512, back);
  expect(back).toEqual(new Uint8Array(512));
});
