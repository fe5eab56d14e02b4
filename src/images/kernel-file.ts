/** Finds the kernel among unpacked files, wherever a distribution has it. */

import { imageError } from './errors.ts';
import type { FileTree, TreeFile } from './file-tree.ts';

export type FoundKernel = {
  /** As `uname -r` says it: the name of its files. */
  readonly release: string;
  readonly path: string;
  readonly file: TreeFile;
};

/** In this order: `/boot` may have links to, or copies of, what is with the modules. `vmlinuz` may be an ELF file as well. */
const PLACES: readonly RegExp[] = [
  /^boot\/vmlinux-(.+?)(?:\.gz|\.xz|\.zst)?$/,
  /^usr\/lib\/modules\/([^/]+)\/vmlinux(?:\.gz|\.xz|\.zst)?$/,
  /^boot\/vmlinuz-(.+)$/,
  /^usr\/lib\/modules\/([^/]+)\/vmlinuz$/,
];

/** Where debug packages have the kernel with debugging data. */
export const DEBUG_KERNEL: RegExp =
  /^usr\/lib\/debug\/(boot\/vmlinux-[^/]+|(usr\/)?lib\/modules\/[^/]+\/vmlinux)(\.debug)?$/;
/** Where it is kept among unpacked files. */
export const DEBUG_KERNEL_PATH = 'usr/lib/debug/vmlinux';

/** @throws FormatError `image/missing-file` */
export function findKernel(tree: FileTree): FoundKernel {
  const paths = tree.paths();
  for (const place of PLACES) {
    for (const path of paths) {
      const release = place.exec(path)?.[1];
      const file = release === undefined ? undefined : tree.find(path);
      if (release !== undefined && file !== undefined) return { release, path, file };
    }
  }
  throw imageError('image/missing-file', 'no package holds a kernel (boot/vmlinux-…)', {
    what: 'boot/vmlinux-…',
  });
}
