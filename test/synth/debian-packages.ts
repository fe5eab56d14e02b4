/** A set of packages as the Debian import needs them, a few kilobytes each. */

import { type SynthDeb, type SynthEntry, synthDeb } from './deb.ts';
import { synthKernel, synthModule, synthProgram } from './power-elf.ts';

export const SYNTH_RELEASE = '6.1.0-99-powerpc64le';
const LIB = './lib/powerpc64le-linux-gnu';
export const SYNTH_SID_RELEASE = '7.2.13+deb14-powerpc64le';

/** Name → package file. `change` may replace or drop (undefined) a package before it is built. */
export function synthDebianPackages(
  change: (deb: SynthDeb) => SynthDeb | undefined = (deb) => deb,
  release: string = SYNTH_RELEASE,
): ReadonlyMap<string, Uint8Array> {
  return build(bookworm(release), change);
}

/** The layout of Debian's sid in 2026: split kernel packages, everything below /usr, t64 names, libraries opened at run time. */
export function synthSidPackages(): ReadonlyMap<string, Uint8Array> {
  return build(sid(), (deb) => deb);
}

function build(
  debs: readonly SynthDeb[],
  change: (deb: SynthDeb) => SynthDeb | undefined,
): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const deb of debs) {
    const changed = change(deb);
    if (changed !== undefined) files.set(`${changed.name}_1.0-1_ppc64el.deb`, synthDeb(changed));
  }
  return files;
}

const program = (path: string, data: Uint8Array): SynthEntry => ({ path, data, mode: 0o755 });

function modules(folder: string, release: string): SynthEntry[] {
  const module = (path: string, name: string, depends: string): SynthEntry => ({
    path: `${folder}/kernel/drivers/${path}`,
    data: synthModule({ depends, name, vermagic: `${release} SMP mod_unload` }),
  });
  return [
    module('virtio/virtio.ko', 'virtio', ''),
    module('virtio/virtio_ring.ko', 'virtio_ring', 'virtio-core'),
    module('virtio/virtio_pci.ko', 'virtio_pci', 'virtio_ring,virtio'),
    module('block/virtio_blk.ko', 'virtio_blk', 'virtio,virtio_ring'),
    module('scsi/scsi_transport_srp.ko', 'scsi_transport_srp', ''),
    module('scsi/ibmvscsi/ibmvscsi.ko', 'ibmvscsi', 'scsi_transport_srp'),
    module('scsi/sd_mod.ko', 'sd_mod', ''),
  ];
}

function sid(): SynthDeb[] {
  const folder = `./usr/lib/modules/${SYNTH_SID_RELEASE}`;
  const lib = './usr/lib/powerpc64le-linux-gnu';
  return [
    { name: `linux-image-${SYNTH_SID_RELEASE}`, entries: [] },
    {
      name: `linux-base-${SYNTH_SID_RELEASE}`,
      entries: [{ path: `${folder}/modules.builtin`, data: 'kernel/lib/virtio_core.ko\n' }],
    },
    {
      name: `linux-binary-${SYNTH_SID_RELEASE}`,
      entries: [{ path: `${folder}/vmlinuz`, data: synthKernel(SYNTH_SID_RELEASE) }],
    },
    { name: `linux-modules-${SYNTH_SID_RELEASE}`, entries: modules(folder, SYNTH_SID_RELEASE) },
    { name: 'busybox-static', entries: [program('./usr/bin/busybox', synthProgram())] },
    {
      name: 'kexec-tools',
      entries: [program('./usr/sbin/kexec', synthProgram(['libc.so.6'], '/lib64/ld64.so.2'))],
    },
    {
      name: 'makedumpfile',
      entries: [
        program('./usr/bin/makedumpfile', synthProgram(['libdw.so.1', 'libc.so.6'], '/lib64/ld64.so.2')),
      ],
    },
    {
      name: 'libc6',
      entries: [
        program(
          `${lib}/libc.so.6`,
          synthProgram(['ld64.so.2'], undefined, ['libgcc_s.so.1', 'libidn2.so.0']),
        ),
        program(`${lib}/ld64.so.2`, synthProgram()),
        { path: './usr/lib64/ld64.so.2', type: '2', link: '../lib/powerpc64le-linux-gnu/ld64.so.2' },
      ],
    },
    { name: 'libgcc-s1', entries: [program(`${lib}/libgcc_s.so.1`, synthProgram(['libc.so.6']))] },
    {
      name: 'libdw1t64',
      entries: [
        program(`${lib}/libdw-0.196.so`, synthProgram(['libc.so.6'], undefined, ['libdebuginfod.so.1'])),
        { path: `${lib}/libdw.so.1`, type: '2', link: 'libdw-0.196.so' },
      ],
    },
    {
      name: 'libdebuginfod1t64',
      entries: [program(`${lib}/libdebuginfod.so.1`, synthProgram(['libcurl.so.4']))],
    },
    { name: 'perl-base', architecture: 'all', entries: [program('./usr/bin/perl', synthProgram())] },
  ];
}

function bookworm(release: string): SynthDeb[] {
  return [
    {
      name: `linux-image-${release}`,
      compression: 'zst',
      entries: [
        { path: './boot/', type: '5' },
        { path: `./boot/vmlinux-${release}`, data: synthKernel(release) },
        { path: `./lib/modules/${release}/modules.builtin`, data: 'kernel/lib/virtio_core.ko\n' },
        ...modules(`./lib/modules/${release}`, release),
      ],
    },
    { name: 'busybox-static', entries: [program('./bin/busybox', synthProgram())] },
    {
      name: 'kexec-tools',
      entries: [program('./sbin/kexec', synthProgram(['libc.so.6'], '/lib64/ld64.so.2'))],
    },
    {
      name: 'makedumpfile',
      entries: [
        program('./usr/bin/makedumpfile', synthProgram(['libdw.so.1', 'libc.so.6'], '/lib64/ld64.so.2')),
      ],
    },
    {
      name: 'libc6',
      entries: [
        program(`${LIB}/libc.so.6`, synthProgram(['ld64.so.2'])),
        program(`${LIB}/ld64.so.2`, synthProgram()),
        { path: './lib64/ld64.so.2', type: '2', link: '/lib/powerpc64le-linux-gnu/ld64.so.2' },
      ],
    },
    {
      name: 'libdw1',
      entries: [
        program('./usr/lib/powerpc64le-linux-gnu/libdw-1.so', synthProgram(['libc.so.6'])),
        { path: './usr/lib/powerpc64le-linux-gnu/libdw.so.1', type: '2', link: 'libdw-1.so' },
      ],
    },
    { name: 'zlib1g', entries: [program(`${LIB}/libz.so.1`, synthProgram())] },
  ];
}
