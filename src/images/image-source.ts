/** Finds the images of a folder for crashes and the fleet (panic/guest/boot-image.ts). */

import { statSync } from 'node:fs';
import { defined } from '../base/defined.ts';
import { planDiskBytes } from '../crashkernel/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import type { BootImage, BootLoading, BootOptions, ImageSource } from '../panic/index.ts';
import { bootAppend, crashAppend, loaderOf } from './append.ts';
import { getImage, imagePath } from './catalogue.ts';
import type { ImageRecord } from './image-record.ts';

/** Plans on a disk: for a crash, and for an ordinary kexec of the same kernel. */
const PLANS = 2;
/** What the built-in guest has drivers for. */
const BUILT_IN_MACHINE = { firmware: 'flat', interruptController: 'xics', diskBus: 'virtio' } as const;
/** Purgatory, tree and elfcorehdr of all plans. */
const SMALL_SEGMENTS = 4 * 2 ** 20;

export function imageSource(imageRoot: string): ImageSource {
  return {
    bootImage: async (name, options) => {
      const image = await getImage(imageRoot, name);
      return bootImageOf(imageRoot, image, bootAppend(image, options), options);
    },
  };
}

function bootImageOf(imageRoot: string, image: ImageRecord, append: string, options: BootOptions): BootImage {
  const kernel = imagePath(imageRoot, image, 'kernel');
  if (kernel === undefined) throw new Refusal('conflict', `Image ${image.name} has no kernel.`);
  const initrd = imagePath(imageRoot, image, 'initrd');
  const disk = imagePath(imageRoot, image, 'disk');
  const vmlinux = imagePath(imageRoot, image, 'vmlinux');
  const isPlanned = loaderOf(image, options) === 'own';
  return {
    name: image.name,
    kernel,
    append,
    agent: image.agent,
    contents: contentsOf(image),
    ...(image.kind === 'built-in' ? { machine: BUILT_IN_MACHINE } : {}),
    ...defined({ kernelRelease: image.kernelRelease, initrd }),
    ...(disk === undefined || isPlanned ? {} : { disk }),
    ...(isPlanned ? { loading: loadingOf(image, kernel, initrd, options) } : {}),
    ...defined({ vmlinux }),
  };
}

function contentsOf({ files, packages }: ImageRecord): NonNullable<BootImage['contents']> {
  return {
    files: Object.entries(files).map(([role, { bytes, sha256 }]) => ({ role, bytes, sha256 })),
    packages: packages.map(({ name, version }) => ({ name, version })),
  };
}

/** Both kernels of an image are one file: what is booted is what is loaded for a crash. */
function loadingOf(
  image: ImageRecord,
  kernel: string,
  initrd: string | undefined,
  options: BootOptions,
): BootLoading {
  const { files } = image;
  const payload = options.payload === undefined ? 0 : payloadBytes(options.payload);
  return {
    kernel: options.payload ?? kernel,
    ...defined({ initrd }),
    append: crashAppend(image, options),
    // kexec's -i leaves the digest out.
    digest: !image.kexecOptions.split(' ').includes('-i'),
    diskBytes: planDiskBytes(
      files.kernel.bytes + payload + (files.initrd?.bytes ?? 0) + SMALL_SEGMENTS,
      PLANS,
    ),
    ...defined({ at: options.place, force: options.force }),
  };
}

function payloadBytes(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) throw new Refusal('invalid', `There is no file ${path} to load.`);
  return found.size;
}
