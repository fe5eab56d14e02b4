/** The stock Debian image that benchmarks and comparisons boot: the project's own import, kept between runs. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bootAppend } from '../../src/images/append.ts';
import { getImage, listImages } from '../../src/images/catalogue.ts';
import { importDebian } from '../../src/images/debian.ts';
import type { ImageRecord } from '../../src/images/image-record.ts';
import type { GuestSpec } from './crash-run.ts';

const NAME = 'debian';
const GIB = 2 ** 30;

/** Where the image is kept: KDUMPD_IMAGES, or beside the installed packages. */
function imageRoot(): string {
  return (
    process.env.KDUMPD_IMAGES ??
    join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kdumpd', 'images')
  );
}

/** The image, imported through apt where it is not there yet. @throws ImportError where packages cannot be had */
async function stockImage(): Promise<ImageRecord> {
  const root = imageRoot();
  mkdirSync(root, { recursive: true });
  const { images } = await listImages(root);
  if (images.some((image) => image.name === NAME)) return await getImage(root, NAME);
  process.stderr.write(`importing stock Debian into ${root}\n`);
  return await importDebian({ imageRoot: root, name: NAME });
}

/** One POWER9 CPU, 1 GiB, `makedumpfile -l -d 31`: what both emulators run. */
export async function stockGuest(dump = '-l -d 31'): Promise<GuestSpec> {
  const image = await stockImage();
  return {
    folder: join(imageRoot(), image.name),
    image,
    append: bootAppend(image, { dump }),
    processor: 'power9',
    cpus: 1,
    memoryBytes: GIB,
    dumpDiskBytes: GIB + GIB / 4,
  };
}
