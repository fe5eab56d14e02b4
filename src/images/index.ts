/** Images: what partitions boot. Importing them, and the catalogue of those that were imported (docs/images.md). */

export { type AppendOptions, bootAppend, crashAppend, loadCommand, loaderOf } from './append.ts';
export { hasApt } from './apt.ts';
export { BUILT_IN } from './built-in.ts';
export {
  getImage,
  type ImageListing,
  imagePath,
  listImages,
  removeImage,
  verifyImage,
} from './catalogue.ts';
export {
  DEFAULT_APPEND,
  DEFAULT_CRASH_APPEND,
  DEFAULT_KEXEC_OPTIONS,
  type DebianImport,
  importDebian,
} from './debian.ts';
export {
  IMAGE_ERRORS,
  IMPORT_ERRORS,
  type ImageErrorCode,
  ImportError,
  type ImportErrorCode,
} from './errors.ts';
export {
  IMAGE_ROLES,
  type ImageFile,
  type ImageRecord,
  type ImageRole,
  isImageName,
  type PackageRecord,
} from './image-record.ts';
export { imageSource } from './image-source.ts';
export { DEFAULT_OWN_APPEND, importOwn, type OwnImport } from './own.ts';
export type { ImportProgress, ReportProgress } from './progress.ts';
export { ImageService, type ImageServiceOptions, type NamedImport, type StoredImage } from './service.ts';
