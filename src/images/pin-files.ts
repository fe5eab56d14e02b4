/**
 * Keeps the files of an image readable while one crash uses them: an image that is removed or replaced meanwhile must not
 * change what is read later, such as its symbols. Each file is held open and read through Linux' /proc/self/fd, which opens the
 * same file whatever its name is now.
 */

import { closeSync, existsSync, openSync } from 'node:fs';
import { defined } from '../base/defined.ts';
import type { BootImage } from '../panic/index.ts';

const DESCRIPTORS = '/proc/self/fd';

/** The image by paths that are good until `release`; `isPinned`: also where its files are removed. */
export type PinnedImage = { readonly boot: BootImage; readonly isPinned: boolean; release(): void };

/** Gives an image other paths to its files. Without /proc the paths stay. */
export function pinFiles(boot: BootImage): PinnedImage {
  if (!existsSync(DESCRIPTORS)) return { boot, isPinned: false, release: () => undefined };
  const opened = new Map<string, number>();
  const pin = (path: string): string => {
    const file = opened.get(path) ?? openSync(path, 'r');
    opened.set(path, file);
    return `${DESCRIPTORS}/${file}`;
  };
  const pinned = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : pin(path);
  const release = (): void => {
    for (const file of opened.values()) closeSync(file);
    opened.clear();
  };
  try {
    const { kernel, initrd, disk, vmlinux, loading } = boot;
    return {
      boot: {
        ...boot,
        kernel: pin(kernel),
        ...defined({ initrd: pinned(initrd), disk: pinned(disk), vmlinux: pinned(vmlinux) }),
        ...(loading === undefined
          ? {}
          : {
              loading: {
                ...loading,
                kernel: pin(loading.kernel),
                ...defined({ initrd: pinned(loading.initrd) }),
              },
            }),
      },
      isPinned: true,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}
