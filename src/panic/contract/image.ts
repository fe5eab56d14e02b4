/** Defines an image in REST and the request of an import. src/images keeps the images themselves. */

/** One file of an image: `role` is kernel, initrd, symbols, modules … */
export type ImageFile = { readonly role: string; readonly bytes: number; readonly sha256: string };

export type ImageView = {
  readonly name: string;
  readonly kind: 'debian' | 'rpm' | 'files' | 'built-in';
  readonly state: 'importing' | 'ready' | 'failed';
  /** The step of an import, or why it failed. */
  readonly detail?: string;
  /** As `uname -r` says it, where it is known. */
  readonly kernelRelease?: string;
  readonly append?: string;
  readonly files: readonly ImageFile[];
};

/** From Debian's ppc64el packages. */
export type ImageImport = {
  readonly kind: 'debian';
  readonly name?: string;
  /** A release such as `6.1.0-50-powerpc64le`, the beginning of one (`6.12`), or a flavour (`powerpc64le-64k`); absent: the newest. */
  readonly kernel?: string;
  /** The limit in seconds of the host; absent: an hour. */
  readonly hostTimeoutSeconds?: number;
};
