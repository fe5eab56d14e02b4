/** Whole imports: Debian from synthetic packages and, where apt-get is, from the real ones; a kernel of one's own. */

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { latin1Bytes } from '../../src/base/bytes.ts';
import { verifyImage } from '../../src/images/catalogue.ts';
import { importDebian } from '../../src/images/debian.ts';
import { ImportError } from '../../src/images/errors.ts';
import { importOwn } from '../../src/images/own.ts';
import type { ImportProgress } from '../../src/images/progress.ts';
import { needsProgram } from '../support/programs.ts';
import type { SynthDeb } from '../synth/deb.ts';
import {
  SYNTH_RELEASE,
  SYNTH_SID_RELEASE,
  synthDebianPackages,
  synthSidPackages,
} from '../synth/debian-packages.ts';
import { mutate } from '../synth/mutate.ts';
import { synthKernel } from '../synth/power-elf.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kdumpd-import-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function writePackages(files: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const folder = join(root, 'packages');
  await mkdir(folder, { recursive: true });
  for (const [name, data] of files) await writeFile(join(folder, name), data);
  return folder;
}

const images = (): string => join(root, 'images');

function listCpio(archive: Uint8Array): string[] {
  return spawnSync('cpio', ['-itn', '--quiet'], { input: archive, encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
}

describe('importDebian from package files', () => {
  it('packages → an image with kernel, initramfs, disk and record; progress reaches its totals', async () => {
    needsProgram('cpio');
    const packagesDir = await writePackages(synthDebianPackages());
    const seen: ImportProgress[] = [];
    const image = await importDebian({
      imageRoot: images(),
      name: 'debian',
      packagesDir,
      progress: (progress) => seen.push(progress),
    });
    expect(await verifyImage(images(), 'debian')).toEqual(image);
    expect(image.kernelRelease).toBe(SYNTH_RELEASE);
    expect(image.agent).toBe(true);
    expect(image.packages.map((p) => [p.name, p.indexed])).toContainEqual(['kexec-tools', false]);
    const listing = listCpio(await readFile(join(images(), 'debian', 'initrd')));
    expect(listing).toEqual(
      expect.arrayContaining([
        'init',
        'bin/busybox',
        'sbin/kexec',
        'usr/bin/makedumpfile',
        'lib/powerpc64le-linux-gnu/libdw.so.1',
        'lib/powerpc64le-linux-gnu/libc.so.6',
        'lib64/ld64.so.2',
        'lib/modules/virtio_blk.ko',
        'lib/modules/order.vscsi',
        'lib/modules/ibmvscsi.ko',
        'lib/modules/scsi_transport_srp.ko',
        'lib/kdumpd/agent',
      ]),
    );
    expect(listing).not.toContain('lib/powerpc64le-linux-gnu/libz.so.1');
    const disk = await readFile(join(images(), 'debian', 'disk.tar'));
    const tar = spawnSync('tar', ['-tf', '-'], { input: disk, encoding: 'utf8' });
    expect(tar.stdout).toBe('vmlinux\ninitrd\n');
    for (const step of ['unpack', 'build', 'store']) {
      const last = seen.filter((progress) => progress.step === step).at(-1);
      expect([step, last?.done]).toEqual([step, last?.total]);
    }
    expect(await readdir(images())).toEqual(['debian']);
  });

  it('the same packages twice → the same bytes', async () => {
    const packagesDir = await writePackages(synthDebianPackages());
    const one = await importDebian({ imageRoot: images(), name: 'debian', packagesDir });
    const two = await importDebian({ imageRoot: images(), name: 'debian', packagesDir, replace: true });
    expect(two).toEqual(one);
  });

  const change = (name: string, to: Partial<SynthDeb> | undefined) =>
    synthDebianPackages((deb) =>
      deb.name !== name ? deb : to === undefined ? undefined : { ...deb, ...to },
    );
  const kernel = `linux-image-${SYNTH_RELEASE}`;
  it.each<[string, string, ReadonlyMap<string, Uint8Array>]>([
    ['no kernel', 'import/package-missing', change(kernel, undefined)],
    ['no kexec-tools', 'import/package-missing', change('kexec-tools', undefined)],
    ['no libc6', 'image/missing-file', change('libc6', undefined)],
    ['an empty kernel package', 'image/missing-file', change(kernel, { entries: [] })],
    ['a package of amd64', 'image/wrong-architecture', change('libc6', { architecture: 'amd64' })],
    [
      'a path out of the tree',
      'image/unsafe-path',
      change('libc6', { entries: [{ path: './../x', data: 'x' }] }),
    ],
    [
      'a link out of the tree',
      'image/bad-link',
      change('libc6', { entries: [{ path: './lib64/ld64.so.2', type: '2', link: '../../../etc/passwd' }] }),
    ],
    [
      'a kernel that is text',
      'elf/not-elf',
      change(kernel, { entries: [{ path: `./boot/vmlinux-${SYNTH_RELEASE}`, data: 'text' }] }),
    ],
    ['no packages at all', 'import/package-missing', new Map()],
  ])('%s → %s, and nothing is left', async (_what, code, files) => {
    const packagesDir = await writePackages(files);
    const work = importDebian({ imageRoot: images(), name: 'debian', packagesDir });
    await expect(work).rejects.toMatchObject({ code });
    expect(await readdir(images())).toEqual([]);
  });

  it('a cut and a damaged package → FormatError, and nothing is left', async () => {
    const packages = new Map(synthDebianPackages());
    const name = [...packages.keys()].find((file) => file.startsWith('linux-image')) ?? '';
    const data = packages.get(name) ?? new Uint8Array(0);
    for (const bad of [
      data.subarray(0, data.length - 100),
      mutate(data, [{ at: data.length - 60, bytes: [9, 9] }]),
    ]) {
      const packagesDir = await writePackages(new Map([...packages, [name, bad]]));
      const work = importDebian({ imageRoot: images(), name: 'debian', packagesDir });
      await expect(work).rejects.toMatchObject({ name: 'FormatError' });
      expect(await readdir(images())).toEqual([]);
    }
  });

  it('two kernels, and none named → import/ambiguous-package', async () => {
    const packages = new Map(synthDebianPackages());
    const name = [...packages.keys()].find((file) => file.startsWith('linux-image')) ?? '';
    const packagesDir = await writePackages(
      new Map([...packages, ['other.deb', packages.get(name) as Uint8Array]]),
    );
    await expect(importDebian({ imageRoot: images(), name: 'debian', packagesDir })).rejects.toMatchObject({
      code: 'import/ambiguous-package',
    });
  });

  const other = '6.12.9+deb13-powerpc64le-64k';
  it.each([
    [SYNTH_RELEASE, SYNTH_RELEASE],
    ['6.1', SYNTH_RELEASE],
    ['powerpc64le', SYNTH_RELEASE],
    ['6.12', other],
    ['powerpc64le-64k', other],
    ['64k', other],
  ])('two kernels, and %s named → that of %s', async (wanted, release) => {
    const second = synthDebianPackages(undefined, other);
    const packagesDir = await writePackages(new Map([...second, ...synthDebianPackages()]));
    const image = await importDebian({ imageRoot: images(), name: 'debian', packagesDir, kernel: wanted });
    expect(image.kernelRelease).toBe(release);
    expect(image.packages.map((one) => one.name).filter((name) => name.startsWith('linux-'))).toEqual([
      `linux-image-${release}`,
    ]);
  });

  it('6 of 6.1 and 6.12 → import/ambiguous-package that lists both; 7 → import/package-missing', async () => {
    const second = synthDebianPackages(undefined, other);
    const packagesDir = await writePackages(new Map([...second, ...synthDebianPackages()]));
    const load = (kernel: string) =>
      importDebian({ imageRoot: images(), name: 'debian', packagesDir, kernel });
    const both = { code: 'import/ambiguous-package', message: expect.stringContaining(other) };
    await expect(load('6')).rejects.toMatchObject(both);
    await expect(load('7')).rejects.toMatchObject({ code: 'import/package-missing' });
  });

  it('a split kernel, a merged /usr, renamed libraries and some that are opened at run time → an image', async () => {
    needsProgram('cpio');
    const packagesDir = await writePackages(synthSidPackages());
    const image = await importDebian({ imageRoot: images(), name: 'debian', packagesDir });
    expect(image.kernelRelease).toBe(SYNTH_SID_RELEASE);
    const listing = listCpio(await readFile(join(images(), 'debian', 'initrd')));
    expect(listing).toEqual(
      expect.arrayContaining([
        'lib64/ld64.so.2',
        'lib/powerpc64le-linux-gnu/libc.so.6',
        'lib/powerpc64le-linux-gnu/libdw.so.1',
        'lib/powerpc64le-linux-gnu/libgcc_s.so.1',
        'lib/modules/virtio_blk.ko',
      ]),
    );
    // It is opened at run time as well, but lacks what it needs itself.
    expect(listing).not.toContain('lib/powerpc64le-linux-gnu/libdebuginfod.so.1');
    expect(image.packages.map((one) => one.name)).toEqual([
      `linux-base-${SYNTH_SID_RELEASE}`,
      `linux-binary-${SYNTH_SID_RELEASE}`,
      `linux-image-${SYNTH_SID_RELEASE}`,
      `linux-modules-${SYNTH_SID_RELEASE}`,
      'busybox-static',
      'kexec-tools',
      'libc6',
      'libdw1t64',
      'libgcc-s1',
      'makedumpfile',
    ]);
  });

  it('cancelled → import/cancelled, and nothing is left', async () => {
    const packagesDir = await writePackages(synthDebianPackages());
    const signal = AbortSignal.abort();
    const work = importDebian({ imageRoot: images(), name: 'debian', packagesDir, signal });
    await expect(work).rejects.toMatchObject({ code: 'import/cancelled' });
    expect(await readdir(images())).toEqual([]);
  });
});

describe('room on the disk', () => {
  const MIB = 2 ** 20;
  const nothingIsLeft = async () => expect(await readdir(images())).toEqual([]);

  it('importOwn: files that do not fit → refused with the figures, before one is read', async () => {
    const kernel = join(root, 'vmlinux');
    await writeFile(kernel, Buffer.alloc(3 * MIB));
    const initrd = join(root, 'initrd');
    await writeFile(initrd, Buffer.alloc(MIB));
    const work = importOwn({ imageRoot: images(), name: 'own', kernel, initrd, free: () => 7 * MIB - 1 });
    await expect(work).rejects.toMatchObject({
      code: 'no-room',
      message: expect.stringContaining(
        "The import of own may need 7.0 MiB on the data folder's disk: 7.0 MiB are free",
      ),
    });
    await nothingIsLeft();
    // With the room, what is wrong with the file is found.
    const fits = importOwn({ imageRoot: images(), name: 'own', kernel, initrd, free: () => 7 * MIB });
    await expect(fits).rejects.toMatchObject({ name: 'FormatError' });
  });

  it('importDebian: an image that does not fit → refused before it is stored', async () => {
    const packagesDir = await writePackages(synthDebianPackages());
    const steps = new Set<string>();
    const work = importDebian({
      imageRoot: images(),
      name: 'debian',
      packagesDir,
      progress: ({ step }) => steps.add(step),
      free: () => 1000,
    });
    await expect(work).rejects.toMatchObject({ code: 'no-room', message: /The import of debian may need/ });
    expect([...steps]).toEqual(['unpack', 'build']);
    await nothingIsLeft();
  });

  it('importDebian: packages that do not fit → refused before they are downloaded', async () => {
    const bin = join(root, 'bin');
    const asked = join(root, 'asked');
    await mkdir(bin);
    // Knows the kernel, three programs and a library, and plans a package of 3 GiB for each name that is asked for.
    const apt = `#!/bin/sh
echo "$@" >> ${asked}
after() { while [ "$1" != "$word" ]; do shift; done; shift; echo "$@"; }
case "$*" in
*pkgnames*) echo linux-image-${SYNTH_RELEASE} ;;
*--no-all-versions*) word=--no-all-versions
  for name in $(after "$@"); do
    case $name in
    makedumpfile) needs='perl:any, libdw1 | libdw1t64 (>= 0.1)' section=admin ;;
    libdw1t64) needs= section=non-free/libs ;;
    libdw1) continue ;;
    *) needs= section=utils ;;
    esac
    printf 'Package: %s\nSection: %s\nDepends: %s\n\n' "$name" "$section" "$needs"
  done ;;
*--print-uris*) word=--print-uris
  for name in $(after "$@"); do
    echo "'http://x/$name.deb' $name.deb 3221225472 SHA256:${'0'.repeat(64)}"
  done ;;
esac
`;
    for (const name of ['apt-get', 'apt-cache']) await writeFile(join(bin, name), apt, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
    try {
      const work = importDebian({
        imageRoot: images(),
        name: 'debian',
        kernel: SYNTH_RELEASE,
        free: () => 14 * 2 ** 30,
      });
      await expect(work).rejects.toMatchObject({ code: 'no-room', message: /may need 15\.0 GiB/ });
    } finally {
      vi.unstubAllEnvs();
    }
    const calls = (await readFile(asked, 'utf8')).trim().split('\n');
    const downloads = calls.filter((call) => call.includes(' download '));
    expect(downloads.map((call) => call.replace(/.* --print-uris /, ''))).toEqual([
      `linux-image-${SYNTH_RELEASE} kexec-tools makedumpfile busybox-static libdw1t64`,
    ]);
    await nothingIsLeft();
  });
});

describe('importDebian through apt', () => {
  it('package sources that have nothing → import/package-missing, and nothing is left', async () => {
    needsProgram('apt-get');
    const aptSources = join(root, 'sources.list');
    await writeFile(aptSources, '# none\n');
    const work = importDebian({ imageRoot: images(), name: 'debian', aptSources });
    await expect(work).rejects.toMatchObject({ code: 'import/package-missing' });
    expect(await readdir(images())).toEqual([]);
  });

  it('stock Debian → an image whose packages are those of the index', {
    timeout: 600_000,
  }, async (context) => {
    needsProgram('cpio', 'apt-get');
    try {
      const image = await importDebian({ imageRoot: images(), name: 'debian' });
      expect(image.packages.every((one) => one.indexed)).toBe(true);
      expect(image.kernelRelease).toMatch(/^6\.1\.0-[0-9]+-powerpc64le$/);
      expect(image.files.vmlinux?.bytes).toBeGreaterThan(image.files.kernel.bytes);
      const listing = listCpio(await readFile(join(images(), 'debian', 'initrd')));
      expect(listing).toContain('lib/modules/virtio_pci_modern_dev.ko');
      await verifyImage(images(), 'debian');
    } catch (error) {
      // Without Debian's packages there is nothing to test: a machine's network is not ours to judge.
      if (!(error instanceof ImportError) || process.env.CI === 'true') throw error;
      context.skip(`needs Debian's ppc64el packages: ${error.message}`);
    }
  });
});

describe('importOwn', () => {
  const write = async (name: string, data: Uint8Array | string): Promise<string> => {
    const path = join(root, name);
    await writeFile(path, data);
    return path;
  };
  const base = () => ({ imageRoot: images(), name: 'own' });

  it('kernel, initramfs, symbols and debugging data → an image without the agent', async () => {
    const kernel = await write('vmlinux', synthKernel('6.6.1-mine'));
    const image = await importOwn({
      ...base(),
      kernel,
      initrd: await write('initrd', '070701'.padEnd(512, '0')),
      symbols: await write('System.map', 'c000000000000000 T _stext\n'),
      debuginfo: kernel,
      append: 'console=hvc0 quiet',
    });
    expect(await verifyImage(images(), 'own')).toEqual(image);
    expect(Object.keys(image.files).sort()).toEqual(['debuginfo', 'initrd', 'kernel', 'symbols', 'vmlinux']);
    expect([image.kind, image.agent, image.kernelRelease, image.append]).toEqual([
      'files',
      false,
      '6.6.1-mine',
      'console=hvc0 quiet',
    ]);
  });

  it('a kernel alone → an image', async () => {
    const image = await importOwn({ ...base(), kernel: await write('vmlinux', synthKernel('6.6.1')) });
    expect(Object.keys(image.files).sort()).toEqual(['kernel', 'vmlinux']);
  });

  it.each([
    ['initrd', 'image/bad-initrd', latin1Bytes('not an archive')],
    ['symbols', 'image/bad-symbols', latin1Bytes('hello world')],
    ['debuginfo', 'elf/not-elf', latin1Bytes('not an ELF file')],
  ])('a bad %s → %s, and nothing is left', async (role, code, data) => {
    const kernel = await write('vmlinux', synthKernel('6.6.1'));
    const work = importOwn({ ...base(), kernel, [role]: await write(role, data) });
    await expect(work).rejects.toMatchObject({ code });
    expect(await readdir(images())).toEqual([]);
  });

  it('a truncated kernel, and none → a clear error', async () => {
    const cut = await write('cut', synthKernel('6.6.1').subarray(0, 66_000));
    await expect(importOwn({ ...base(), kernel: cut })).rejects.toMatchObject({ name: 'FormatError' });
    const missing = importOwn({ ...base(), kernel: join(root, 'nowhere') });
    await expect(missing).rejects.toMatchObject({ code: 'invalid' });
  });
});
