/** Images of a folder as crashes and the fleet ask for them (panic/image.ts). */

import { Refusal } from '../../panic/contract.ts';
import type { BootImage, ImageSource } from '../../panic/index.ts';
import { bootAppend, getImage, type ImageRecord, imagePath } from '../images/index.ts';

export function imageSource(imageRoot: string): ImageSource {
  return {
    bootImage: async (name, options) => {
      const image = await getImage(imageRoot, name);
      return bootImageOf(imageRoot, image, bootAppend(image, options));
    },
  };
}

function bootImageOf(imageRoot: string, image: ImageRecord, append: string): BootImage {
  const kernel = imagePath(imageRoot, image, 'kernel');
  if (kernel === undefined) throw new Refusal('conflict', `Image ${image.name} has no kernel.`);
  const initrd = imagePath(imageRoot, image, 'initrd');
  const disk = imagePath(imageRoot, image, 'disk');
  const vmlinux = imagePath(imageRoot, image, 'vmlinux');
  return {
    name: image.name,
    kernel,
    append,
    agent: image.agent,
    ...(image.kernelRelease === undefined ? {} : { kernelRelease: image.kernelRelease }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(disk === undefined ? {} : { disk }),
    ...(vmlinux === undefined ? {} : { vmlinux }),
  };
}
