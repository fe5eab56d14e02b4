import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageSource } from '../../src/images/image-source.ts';
import { importOwn } from '../../src/images/index.ts';
import type { PartitionRequest } from '../../src/panic/contract/index.ts';
import { prepareMachine } from '../../src/panic/fleet/requests.ts';
import { synthKernel } from '../synth/power-elf.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kdumpd-source-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const config = async (request: PartitionRequest) => (await prepareMachine(imageSource(root), request)).config;

describe('imageSource', () => {
  it.each([
    [{ firmware: 'open-firmware' }, 'flat', 'open-firmware'],
    [{ interrupts: 'xive' }, 'xics', 'xive'],
    [{ diskBus: 'vscsi' }, 'virtio', 'vscsi'],
  ] as const)('built-in with %o → refused, with what its guest takes', async (asked, expected, actual) => {
    await expect(config({ image: 'built-in', ...asked })).rejects.toMatchObject({
      code: 'panic/unsupported-machine',
      detail: { expected, actual },
    });
  });

  it('built-in with the usual machine by name → the same as by default', async () => {
    const named = await config({
      image: 'built-in',
      firmware: 'flat',
      interrupts: 'xics',
      diskBus: 'virtio',
    });
    expect(named).toMatchObject({ firmware: 'flat', interruptController: 'xics' });
    expect(named.disks.map(({ bus }) => bus)).toEqual(['virtio', 'virtio']);
    expect(await config({ image: 'built-in' })).toEqual(named);
  });

  it('a kernel of somebody else → nobody knows its drivers, and any machine is made', async () => {
    const kernel = join(root, 'vmlinux');
    await writeFile(kernel, synthKernel('6.6.1'));
    await importOwn({ imageRoot: root, name: 'own', kernel });
    const asked = { firmware: 'open-firmware', interrupts: 'xive', diskBus: 'vscsi' } as const;
    expect(await config({ image: 'own', ...asked })).toMatchObject({ interruptController: 'xive' });
  });

  it('POWER8 with XIVE → refused whatever the image', async () => {
    await expect(config({ image: 'own', processor: 'power8', interrupts: 'xive' })).rejects.toThrow(
      'POWER8 has no XIVE',
    );
  });
});
