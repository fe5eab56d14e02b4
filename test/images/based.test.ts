/** A kernel, kexec-tools and makedumpfile of one's own on the userland of an image that is there. */

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { importOnBase } from '../../src/images/based.ts';
import { verifyImage } from '../../src/images/catalogue.ts';
import { importDebian } from '../../src/images/debian.ts';
import { importOwn } from '../../src/images/own.ts';
import { needsProgram } from '../support/programs.ts';
import { compressed } from '../synth/deb.ts';
import { SYNTH_RELEASE, synthSidPackages } from '../synth/debian-packages.ts';
import { synthKernel, synthModule, synthProgram } from '../synth/power-elf.ts';

const RELEASE = '6.13.0-rc1-mine+';
let root = '';
const images = (): string => join(root, 'images');

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kdumpd-based-'));
  const packagesDir = join(root, 'packages');
  await mkdir(packagesDir);
  for (const [name, data] of synthSidPackages()) await writeFile(join(packagesDir, name), data);
  await importDebian({ imageRoot: images(), name: 'debian', packagesDir });
  await importOwn({ imageRoot: images(), name: 'bare', kernel: await write('bare', synthKernel('6.1.0')) });
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  await rm(join(images(), 'own'), { recursive: true, force: true });
});

async function write(name: string, data: Uint8Array | string): Promise<string> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, data);
  return path;
}

const module = (depends: string, release = RELEASE): Uint8Array =>
  synthModule({ depends, vermagic: `${release} SMP` });

/** A folder that modules were installed below, those for disks and one that nobody asks for. */
async function installed(release = RELEASE): Promise<string> {
  const folder = `modules/lib/modules/${release}`;
  for (const name of ['virtio_pci', 'virtio_blk', 'ibmvscsi', 'sd_mod', 'unused'])
    await write(`${folder}/kernel/${name}.ko`, module(name === 'virtio_blk' ? 'virtio' : '', release));
  await write(`${folder}/kernel/virtio.ko.zst`, compressed(module('', release), 'zst'));
  await write(`${folder}/modules.builtin`, 'kernel/core.ko\n');
  return join(root, 'modules');
}

/** Path → bytes of the image's initramfs. */
async function contents(name: string): Promise<{ readonly names: string[]; text(path: string): string }> {
  const archive = await readFile(join(images(), name, 'initrd'));
  const run = (args: readonly string[]) =>
    spawnSync('cpio', args, { input: archive }).stdout.toString('latin1');
  return {
    names: run(['-itn', '--quiet']).trim().split('\n'),
    text: (path) => run(['-i', '--quiet', '--to-stdout', path]),
  };
}

const base = () => ({ imageRoot: images(), name: 'own', base: 'debian' });

describe('importOnBase', () => {
  it('a kernel and its modules → programs and libraries of the base, the modules that are needed, the agent', async () => {
    needsProgram('cpio');
    const kernel = await write('vmlinux.zst', compressed(synthKernel(RELEASE), 'zst'));
    const image = await importOnBase({ ...base(), kernel, modules: await installed() });
    expect(await verifyImage(images(), 'own')).toEqual(image);
    expect([image.kind, image.agent, image.kernelRelease]).toEqual(['files', true, RELEASE]);
    expect(image.packages.map((one) => one.name)).toContain('libgcc-s1');
    expect(image.packages.some((one) => one.name.startsWith('linux-'))).toBe(false);
    const { names, text } = await contents('own');
    const ofBase = await contents('debian');
    const others = (all: readonly string[]) => all.filter((name) => !name.startsWith('lib/modules/'));
    expect(others(names)).toEqual(others(ofBase.names));
    expect(text('lib/modules/order')).toBe('virtio_pci\nvirtio\nvirtio_blk\n');
    expect(names).not.toContain('lib/modules/unused.ko');
    expect(text('lib/kdumpd/agent')).toBe(ofBase.text('lib/kdumpd/agent'));
  });

  it('a kernel alone → no modules; the base’s kernel alone → its modules', async () => {
    needsProgram('cpio');
    await importOnBase({ ...base(), kernel: await write('vmlinux', synthKernel(RELEASE)) });
    expect((await contents('own')).text('lib/modules/order')).toBe('');
    const kept = await importOnBase({ ...base(), name: 'kept' });
    const [one, two] = [await contents('kept'), await contents('debian')];
    expect(one.names).toEqual(two.names);
    expect(one.text('lib/modules/order')).toBe(two.text('lib/modules/order'));
    expect(kept.files.kernel.sha256).toBe((await verifyImage(images(), 'debian')).files.kernel.sha256);
  });

  it('kexec and makedumpfile of one’s own → in the base’s place, with libraries of the base', async () => {
    needsProgram('cpio');
    const kexecTools = await write('kexec', synthProgram());
    const makedumpfile = await write('makedumpfile', synthProgram(['libc.so.6'], '/lib64/ld64.so.2'));
    const image = await importOnBase({ ...base(), kexecTools, makedumpfile });
    const { names, text } = await contents('own');
    expect(text('sbin/kexec')).toBe((await readFile(kexecTools)).toString('latin1'));
    expect(text('usr/bin/makedumpfile')).toBe((await readFile(makedumpfile)).toString('latin1'));
    expect(names).not.toContain('lib/powerpc64le-linux-gnu/libdw.so.1');
    const packages = image.packages.map((one) => one.name);
    expect([packages.includes('kexec-tools'), packages.includes('makedumpfile')]).toEqual([false, false]);
  });

  it.each<[string, () => Promise<Partial<Parameters<typeof importOnBase>[0]>>, string]>([
    ['a base that has no agent', async () => ({ base: 'bare' }), 'invalid'],
    ['no such base', async () => ({ base: 'nothing' }), 'not-found'],
    ['modules without a kernel', async () => ({ modules: await installed() }), 'invalid'],
    [
      'modules of another kernel',
      async () => ({
        kernel: await write('vmlinux', synthKernel(RELEASE)),
        modules: join(await installed(SYNTH_RELEASE), 'lib', 'modules', SYNTH_RELEASE),
      }),
      'image/bad-module',
    ],
    [
      'a folder without modules',
      async () => ({
        kernel: await write('vmlinux', synthKernel(RELEASE)),
        modules: dirname(await write('empty/README', '')),
      }),
      'invalid',
    ],
    [
      'a library that the base has not',
      async () => ({ makedumpfile: await write('makedumpfile', synthProgram(['libnew.so.2'])) }),
      'image/missing-file',
    ],
    [
      'a program that is text',
      async () => ({ kexecTools: await write('kexec', '#!/bin/sh\n') }),
      'elf/not-elf',
    ],
    ['a kernel that is not there', async () => ({ kernel: join(root, 'nowhere') }), 'invalid'],
  ])('%s → refused, and nothing is left', async (_what, change, code) => {
    const before = await readdir(images());
    await expect(importOnBase({ ...base(), ...(await change()) })).rejects.toMatchObject({ code });
    expect(await readdir(images())).toEqual(before);
  });
});
