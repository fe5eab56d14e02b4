/** Imports the images that partitions boot, and keeps the catalogue of them (docs/images.md). */

export { importOnBase } from './based.ts';
export { BUILT_IN } from './built-in.ts';
export { getImage, listImages, type Replace, removeImage } from './catalogue.ts';
export { importDebian } from './debian.ts';
export { ImportError } from './errors.ts';
export { imageSource } from './image-source.ts';
export { importOwn } from './own.ts';
export { pinFiles } from './pin-files.ts';
export type { ImportProgress } from './progress.ts';
export {
  IMPORT_BYTES,
  ImageService,
  type ImageServiceOptions,
  type NamedImport,
  type StoredImage,
} from './service.ts';
export { clearLeftovers } from './work-folders.ts';
