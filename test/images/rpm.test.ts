/** RPM packages: those that rpmbuild makes, and hostile ones; whole imports from a folder of them. */

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, latin1, latin1Bytes } from '../../src/base/bytes.ts';
import { readCpio } from '../../src/images/cpio-read.ts';
import { importDebian } from '../../src/images/debian.ts';
import { kernelOf } from '../../src/images/kernel-package.ts';
import { isRpm, readRpmData, readRpmIdentity } from '../../src/images/rpm.ts';
import { needsProgram } from '../support/programs.ts';
import { compressed, synthDeb } from '../synth/deb.ts';
import { asyncCodeOf, codeOf, mutate, mutations } from '../synth/mutate.ts';
import { synthKernel, synthModule, synthProgram } from '../synth/power-elf.ts';
import { synthRpm } from '../synth/rpm.ts';

const VERSION = '6.12.5';
const RELEASE = `${VERSION}-200.fc41.ppc64le`;

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kdumpd-rpm-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

type Files = Readonly<Record<string, Uint8Array | string>>;

/** Fedora's split of its packages: name → files, links as `→ target`. */
const PACKAGES: Readonly<Record<string, Files>> = {
  'kernel-core': {
    [`lib/modules/${RELEASE}/vmlinuz`]: compressed(synthKernel(RELEASE), 'gz'),
    [`lib/modules/${RELEASE}/modules.builtin`]: 'kernel/core.ko\n',
  },
  'kernel-modules-core': Object.fromEntries(
    ['virtio_pci', 'virtio_blk', 'ibmvscsi', 'sd_mod'].map((name) => [
      `lib/modules/${RELEASE}/kernel/${name}.ko.xz`,
      compressed(synthModule({ depends: '', vermagic: `${RELEASE} SMP` }), 'xz'),
    ]),
  ),
  'kexec-tools': { 'usr/sbin/kexec': synthProgram(['libc.so.6'], '/lib64/ld64.so.2') },
  makedumpfile: { 'usr/sbin/makedumpfile': synthProgram(['libdw.so.1', 'libc.so.6'], '/lib64/ld64.so.2') },
  busybox: { 'usr/sbin/busybox': synthProgram() },
  glibc: {
    'lib64/libc.so.6': synthProgram(['ld64.so.2'], undefined, ['libgcc_s.so.1']),
    'lib64/ld64.so.2': synthProgram(),
  },
  libgcc: { 'lib64/libgcc_s-14.so.1': synthProgram(), 'lib64/libgcc_s.so.1': '→ libgcc_s-14.so.1' },
  'elfutils-libs': { 'usr/lib64/libdw-0.192.so': synthProgram(), 'usr/lib64/libdw.so.1': '→ libdw-0.192.so' },
  bash: { 'usr/bin/bash': synthProgram(['libtinfo.so.6']) },
};

const SPEC = `Name: PACKAGE
Version: ${VERSION}
Release: 200.fc41
Summary: made for a test
License: MIT
%global _binary_payload PAYLOAD
%global __os_install_post %{nil}
%global __strip /bin/true
AutoReqProv: no
%description
Made for a test.
%install
mkdir -p %{buildroot}
cp -a %{_sourcedir}/. %{buildroot}
%files
/*
`;

/** Builds each package with rpmbuild, by different compressors. */
async function build(folder: string): Promise<void> {
  const payloads = ['w9.gzdio', 'w3.zstdio', 'w2.xzdio'];
  await mkdir(folder, { recursive: true });
  for (const [i, [name, files]] of Object.entries(PACKAGES).entries()) {
    const work = join(root, 'work', name);
    for (const [path, data] of Object.entries(files)) {
      const target = join(work, 'files', path);
      await mkdir(dirname(target), { recursive: true });
      if (typeof data === 'string' && data.startsWith('→ ')) spawnSync('ln', ['-s', data.slice(2), target]);
      else await writeFile(target, data);
    }
    const payload = payloads[i % payloads.length] ?? '';
    const spec = join(work, 'package.spec');
    await writeFile(spec, SPEC.replace('PACKAGE', name).replace('PAYLOAD', payload));
    const definitions = {
      _topdir: work,
      _sourcedir: join(work, 'files'),
      _rpmdir: folder,
      _rpmfilename: '%{NAME}.rpm',
    };
    const args = Object.entries(definitions).flatMap(([key, value]) => ['--define', `${key} ${value}`]);
    const run = spawnSync('rpmbuild', ['-bb', '--quiet', '--target', 'ppc64le-linux', ...args, spec], {
      encoding: 'utf8',
    });
    if (run.status !== 0) throw new Error(`rpmbuild ${name}: ${run.stderr}`);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function filesOf(bytes: Uint8Array): Promise<[string, string, string][]> {
  const found: [string, string, string][] = [];
  for await (const entry of readRpmData(bytes, 'x'))
    found.push([entry.path, entry.kind, entry.kind === 'file' ? latin1(await entry.data()) : entry.link]);
  return found;
}

describe('packages of rpmbuild', () => {
  it('a folder of them → an image with the programs, libraries and modules of each', {
    timeout: 120_000,
  }, async () => {
    needsProgram('cpio', 'rpm', 'rpmbuild');
    const packagesDir = join(root, 'built');
    await build(packagesDir);
    const image = await importDebian({
      imageRoot: join(root, 'images'),
      name: 'rpm',
      kind: 'rpm',
      packagesDir,
    });
    expect([image.kind, image.kernelRelease]).toEqual(['rpm', RELEASE]);
    expect(image.packages.map((one) => one.name)).toEqual([
      'kernel-core',
      'kernel-modules-core',
      'busybox',
      'elfutils-libs',
      'glibc',
      'kexec-tools',
      'libgcc',
      'makedumpfile',
    ]);
    expect(image.packages[0]).toMatchObject({ version: `${VERSION}-200.fc41`, architecture: 'ppc64le' });
    const archive = await readFile(join(root, 'images', 'rpm', 'initrd'));
    const listing = spawnSync('cpio', ['-itn', '--quiet'], { input: archive, encoding: 'utf8' }).stdout.split(
      '\n',
    );
    // The loader of such a system looks in /lib64.
    for (const path of [
      'bin/busybox',
      'sbin/kexec',
      'usr/bin/makedumpfile',
      'lib64/libc.so.6',
      'lib64/libdw.so.1',
      'lib64/libgcc_s.so.1',
      'lib64/ld64.so.2',
      'lib/modules/virtio_blk.ko',
    ])
      expect(listing).toContain(path);
    const name = join(packagesDir, 'elfutils-libs.rpm');
    const listed = spawnSync('rpm', ['-qlp', name], { encoding: 'utf8' }).stdout.trim().split('\n');
    const read = (await filesOf(await readFile(name))).map(([path]) => `/${path}`);
    expect(read).toEqual(expect.arrayContaining(listed.filter((path) => path.includes('libdw'))));
  });
});

describe('RPM packages', () => {
  const rpm = synthRpm({
    name: 'kexec-tools',
    entries: [
      { path: './usr/sbin/kexec', data: 'program', inode: 7, links: 1 },
      { path: './usr/lib64/a', data: '', inode: 8, links: 2 },
      { path: './usr/lib64/b', data: 'shared', inode: 8, links: 2 },
      { path: './usr/lib64/c', mode: 0o120777, data: 'b' },
    ],
  });

  it('name, version, architecture and files → as they were put in; names of one file lead to it', async () => {
    expect(isRpm(rpm)).toBe(true);
    expect(readRpmIdentity(rpm, 'x')).toEqual({
      name: 'kexec-tools',
      version: '1.0-1',
      architecture: 'ppc64le',
    });
    expect(await filesOf(rpm)).toEqual([
      ['usr/sbin/kexec', 'file', 'program'],
      ['usr/lib64/b', 'file', 'shared'],
      ['usr/lib64/a', 'hardlink', 'usr/lib64/b'],
      ['usr/lib64/c', 'symlink', 'b'],
    ]);
  });

  it.each<[string, () => Uint8Array, string]>([
    ['a source package', () => mutate(rpm, [{ at: 7, bytes: [1] }]), 'image/bad-rpm'],
    [
      'a header that runs past the end',
      () => mutate(rpm, [{ at: 96 + 12, bytes: [0, 0xff, 0xff, 0xff] }]),
      'image/bad-rpm',
    ],
    [
      'tags without end',
      () => mutate(rpm, [{ at: 96 + 8, bytes: [0x7f, 0xff, 0xff, 0xff] }]),
      'image/bad-rpm',
    ],
    ['no name', () => synthRpm({ name: '', entries: [] }), 'image/bad-rpm'],
    ['its lead alone', () => rpm.subarray(0, 96), 'image/bad-rpm'],
  ])('%s → FormatError', (_what, bytes, code) => {
    expect(codeOf(() => readRpmIdentity(bytes(), 'x'))).toBe(code);
  });

  it('a path out of the tree, an absurd name, a payload of another kind → refused', async () => {
    const one = (path: string) => synthRpm({ name: 'a', entries: [{ path, data: 'x' }] });
    expect(await asyncCodeOf(() => filesOf(one('./../etc/passwd')))).toBe('image/unsafe-path');
    expect(await asyncCodeOf(() => filesOf(one('a/'.repeat(2100))))).toBe('image/bad-cpio');
    const other = synthRpm({ name: 'a', payload: latin1Bytes('BZh9 and more') });
    expect(await asyncCodeOf(() => filesOf(other))).toBe('image/bad-cpio');
  });

  it('a payload that unpacks to 65 MiB out of little → image/too-large, before it is read', async () => {
    const payload = compressed(concatBytes([new Uint8Array(65 * 2 ** 20)]), 'zst');
    expect(await asyncCodeOf(() => filesOf(synthRpm({ name: 'a', payload })))).toMatch(
      /^image\/(too-large|bad-cpio)$/,
    );
    const big = synthRpm({ name: 'a', entries: [{ path: 'a', data: 'x', size: 0xffff_fff0 }] });
    expect(await asyncCodeOf(() => filesOf(big))).toBe('image/too-large');
  });

  it('names without a file, more than are kept → image/bad-cpio', async () => {
    const entries = Array.from({ length: 4097 }, (_, i) => ({ path: `f${i}`, data: '', inode: i, links: 2 }));
    expect(await asyncCodeOf(() => filesOf(synthRpm({ name: 'a', entries })))).toBe('image/bad-cpio');
  });

  it('damage anywhere → FormatError or an answer, nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(mutations(rpm.length), fc.nat(rpm.length), async (changes, length) => {
        const bytes = mutate(rpm, changes).subarray(0, length);
        codeOf(() => readRpmIdentity(bytes, 'x'));
        await asyncCodeOf(() => filesOf(bytes));
        await asyncCodeOf(async () => {
          for await (const entry of readCpio(once(bytes), 'x')) await entry.data();
        });
      }),
      { numRuns: 300 },
    );
  });

  it('a .deb among them, and packages of another machine → taken, refused', async () => {
    const folder = join(root, 'mixed');
    await mkdir(folder);
    for (const [name, files] of Object.entries(PACKAGES)) {
      if (name === 'busybox') continue;
      const entries = Object.entries(files).map(([path, data]) =>
        typeof data === 'string' && data.startsWith('→ ')
          ? { path: `./${path}`, data: data.slice(2), mode: 0o120777 }
          : { path: `./${path}`, data },
      );
      const version = { version: VERSION, release: '200.fc41' };
      await writeFile(join(folder, `${name}.rpm`), synthRpm({ name, entries, ...version }));
    }
    const load = () =>
      importDebian({ imageRoot: join(root, 'mixed-images'), name: 'rpm', kind: 'rpm', packagesDir: folder });
    await expect(load()).rejects.toMatchObject({
      code: 'import/package-missing',
      message: expect.stringContaining('busybox'),
    });
    const busybox = synthDeb({
      name: 'busybox-static',
      entries: [{ path: './bin/busybox', data: synthProgram() }],
    });
    await writeFile(join(folder, 'busybox.deb'), busybox);
    expect((await load()).packages.map((one) => one.name)).toContain('busybox-static');
    await writeFile(join(folder, 'z.rpm'), synthRpm({ name: 'z', architecture: 'x86_64', entries: [] }));
    await rm(join(root, 'mixed-images', 'rpm'), { recursive: true });
    await expect(load()).rejects.toMatchObject({ code: 'image/wrong-architecture' });
    expect(await readdir(join(root, 'mixed-images'))).toEqual([]);
  });
});

describe('kernelOf', () => {
  it.each([
    ['kernel-core', { isDebug: false }],
    ['kernel-64k-modules-core', { isDebug: false }],
    ['kernel-default', { isDebug: false }],
    ['kernel-debuginfo', { isDebug: true }],
    ['kernel-headers', undefined],
    ['kernel-tools-libs', undefined],
    ['kernelshark', undefined],
  ])('%s', (name, expected) => {
    const found = kernelOf({ name, version: '6.12-1', architecture: 'ppc64le' });
    expect(found).toEqual(expected === undefined ? undefined : { key: '6.12-1.ppc64le', ...expected });
  });

  it.each([
    ['linux-image-6.1.0-50-powerpc64le', '6.1.0-50-powerpc64le', false],
    ['linux-image-6.1.0-50-powerpc64le-dbg', '6.1.0-50-powerpc64le', true],
    ['linux-binary-7.2.13+deb14-powerpc64le-64k', '7.2.13+deb14-powerpc64le-64k', false],
    ['linux-modules-extra-6.8.0-31-generic', '6.8.0-31-generic', false],
    ['linux-image-unsigned-6.8.0-31-generic', '6.8.0-31-generic', false],
    ['linux-image-6.9.0-mine', '6.9.0-mine', false],
  ])('%s → %s', (name, key, isDebug) => {
    expect(kernelOf({ name, version: '1', architecture: 'ppc64el' })).toEqual({ key, isDebug });
  });

  it.each(['linux-image-powerpc64le', 'linux-base', 'linux-libc-dev'])('%s → no kernel', (name) => {
    expect(kernelOf({ name, version: '1', architecture: 'ppc64el' })).toBeUndefined();
  });
});
