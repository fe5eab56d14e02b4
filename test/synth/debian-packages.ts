/** A set of packages as the Debian import needs them, a few kilobytes each. */

import { type SynthDeb, type SynthEntry, synthDeb } from './deb.ts';
import { synthKernel, synthModule, synthProgram } from './power-elf.ts';

export const SYNTH_RELEASE = '6.1.0-99-powerpc64le';
const LIB = './lib/powerpc64le-linux-gnu';
const MODULES = `./lib/modules/${SYNTH_RELEASE}/kernel/drivers`;

/** Name → package file. `change` may replace or drop (undefined) a package before it is built. */
export function synthDebianPackages(
  change: (deb: SynthDeb) => SynthDeb | undefined = (deb) => deb,
): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const deb of packages()) {
    const changed = change(deb);
    if (changed !== undefined) files.set(`${changed.name}_1.0-1_ppc64el.deb`, synthDeb(changed));
  }
  return files;
}

function packages(): SynthDeb[] {
  const program = (path: string, data: Uint8Array): SynthEntry => ({ path, data, mode: 0o755 });
  const module = (path: string, name: string, depends: string): SynthEntry => ({
    path: `${MODULES}/${path}`,
    data: synthModule({ depends, name, vermagic: `${SYNTH_RELEASE} SMP mod_unload` }),
  });
  return [
    {
      name: `linux-image-${SYNTH_RELEASE}`,
      compression: 'zst',
      entries: [
        { path: './boot/', type: '5' },
        { path: `./boot/vmlinux-${SYNTH_RELEASE}`, data: synthKernel(SYNTH_RELEASE) },
        { path: `./lib/modules/${SYNTH_RELEASE}/modules.builtin`, data: 'kernel/lib/virtio_core.ko\n' },
        module('virtio/virtio.ko', 'virtio', ''),
        module('virtio/virtio_ring.ko', 'virtio_ring', 'virtio-core'),
        module('virtio/virtio_pci.ko', 'virtio_pci', 'virtio_ring,virtio'),
        module('block/virtio_blk.ko', 'virtio_blk', 'virtio,virtio_ring'),
        module('scsi/scsi_transport_srp.ko', 'scsi_transport_srp', ''),
        module('scsi/ibmvscsi/ibmvscsi.ko', 'ibmvscsi', 'scsi_transport_srp'),
        module('scsi/sd_mod.ko', 'sd_mod', ''),
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
