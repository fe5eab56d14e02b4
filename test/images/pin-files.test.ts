/** An image that goes while a crash uses it. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pinFiles } from '../../src/images/index.ts';
import type { BootImage } from '../../src/panic/index.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kdumpd-pin-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('pinFiles: files are removed and replaced → what was there is read until release', async () => {
  const path = (name: string): string => join(folder, name);
  for (const name of ['kernel', 'initrd', 'disk', 'vmlinux']) await writeFile(path(name), `first ${name}`);
  const image: BootImage = {
    name: 'own',
    kernel: path('kernel'),
    initrd: path('initrd'),
    disk: path('disk'),
    vmlinux: path('vmlinux'),
    append: '',
    agent: false,
    loading: { kernel: path('kernel'), initrd: path('initrd'), append: '', digest: true, diskBytes: 1 },
  };
  const { boot, release } = pinFiles(image);
  await rm(path('vmlinux'));
  await rm(path('kernel'));
  await writeFile(path('kernel'), 'second');
  const read = (each: string | undefined): Promise<string> => readFile(each ?? '', 'utf8');
  expect(await read(boot.kernel)).toBe('first kernel');
  expect(await read(boot.vmlinux)).toBe('first vmlinux');
  expect(await read(boot.disk)).toBe('first disk');
  expect(await read(boot.loading?.kernel)).toBe('first kernel');
  expect(await read(boot.loading?.initrd)).toBe('first initrd');
  // Each read begins at the start, and again.
  expect(await read(boot.kernel)).toBe('first kernel');
  release();
  await expect(read(boot.kernel)).rejects.toThrow();
});

it('pinFiles: a file that is not there → the error of the system, and nothing stays open', () => {
  const image: BootImage = { name: 'own', kernel: join(folder, 'none'), append: '', agent: false };
  expect(() => pinFiles(image)).toThrow('ENOENT');
});
