/**
 * Lists what can be wrong with packages, kernels and image directories (FormatError), and with fetching them (ImportError).
 * docs/images.md lists every code.
 */

import { FormatError, type FormatErrorDetail } from '../base/errors.ts';

/** Every FormatError of this folder, with what it means. */
export const IMAGE_ERRORS = {
  'image/not-ar': 'a package is not an ar archive',
  'image/bad-ar': 'an ar member header is damaged, or the archive ends inside a member',
  'image/not-deb': 'the archive is not a Debian binary package of format 2',
  'image/bad-control': 'the control file of a package lacks a field or cannot be read',
  'image/bad-compression': 'compressed data is damaged, cut short or of an unknown kind',
  'image/bad-tar': 'a tar header is damaged, or the archive ends too early',
  'image/bad-cpio': 'a cpio header is damaged, or the archive ends too early',
  'image/bad-rpm': 'an RPM package has a damaged header, or is not a binary package of format 3 or 4',
  'image/unsafe-path': 'a package names a path outside its own tree',
  'image/too-large': 'a package holds more than an import accepts',
  'image/wrong-architecture': 'a package is not for ppc64el',
  'image/missing-file': 'a file that the import needs is in none of the packages',
  'image/bad-link': 'a symbolic link leads nowhere, in a circle or outside the tree',
  'image/bad-library': 'a program or library has a damaged dynamic section',
  'image/bad-module': 'a kernel module has no readable module information, or is for another kernel',
  'image/bad-kernel': 'a kernel is not a 64-bit PowerPC ELF executable that can be loaded',
  'image/bad-initrd': 'an initramfs is neither a cpio archive nor compressed by a known method',
  'image/bad-symbols': 'a symbol file is neither ELF nor lines of address, type and name',
  'image/bad-catalogue': 'an image.json is not what an import writes',
  'image/checksum': 'a file differs from its recorded SHA-256',
  'image/bad-append': 'a kernel command line cannot be handed to the guest',
} as const;

export type ImageErrorCode = keyof typeof IMAGE_ERRORS;

/** A FormatError of this folder; the caller throws it. */
export function imageError(
  code: ImageErrorCode,
  message: string,
  detail: FormatErrorDetail = {},
): FormatError {
  return new FormatError(code, message, detail);
}

/** Reasons why packages could not be had, none of them the fault of a package. */
export const IMPORT_ERRORS = {
  'import/no-apt': 'apt-get is not installed here, and no package files were given',
  'import/apt-failed': 'apt-get could not read its indexes or download a package',
  'import/package-missing': 'a package that the import needs was not found',
  'import/ambiguous-package': 'several versions of one package were given',
  'import/cancelled': 'the import was cancelled',
} as const;

export type ImportErrorCode = keyof typeof IMPORT_ERRORS;

/** An import that could not get what it needs. `message` says what to do about it. */
export class ImportError extends Error {
  readonly code: ImportErrorCode;

  constructor(code: ImportErrorCode, message: string) {
    super(message);
    this.name = 'ImportError';
    this.code = code;
  }
}
