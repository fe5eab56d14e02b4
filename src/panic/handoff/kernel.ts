/** What is known of the kernel that runs, beside its memory. Each kernel of a power cycle has its own. */

import { defined } from '../../base/defined.ts';
import type { PartitionConfig } from '../../emulator/host/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import type { TreeFacts } from '../trace/index.ts';

export type RunningKernel = {
  /** The image that the partition was booted from. */
  readonly image: string;
  readonly release?: string;
  /** The kernel's file, an ELF file, and the same with symbols. Absent: it is not known which file it came from. */
  readonly file?: string;
  readonly vmlinux?: string;
  /** A file that it may have come from, where none is known; see {@link file} and {@link vmlinux}. */
  readonly candidate?: { readonly file: string; readonly vmlinux?: string };
  /** Its command line; absent: not known. */
  readonly append?: string;
  /** The flattened tree that it was given, `firmware`: by power-on; absent: not known. */
  readonly tree?: Uint8Array | 'firmware';
};

/** The kernel that power-on enters. */
export function kernelOf(config: Pick<PartitionConfig, 'append'>, boot: BootImage): RunningKernel {
  return {
    image: boot.name,
    file: boot.kernel,
    append: config.append,
    tree: 'firmware',
    ...defined({ release: boot.kernelRelease, vmlinux: boot.vmlinux }),
  };
}

/** A kernel of which nothing is known but that it runs. It may be the image's own. */
export function unknownKernel(boot: BootImage): RunningKernel {
  return { image: boot.name, candidate: { file: boot.kernel, ...defined({ vmlinux: boot.vmlinux }) } };
}

/**
 * The kernel that an ordinary kexec entered.
 * @param isSame whether its file is that of the kernel before
 * @param tree what it was given, and what that says
 */
export function kernelAfter(
  { image, release, file, vmlinux }: RunningKernel,
  isSame: boolean,
  tree: { readonly bytes: Uint8Array; readonly facts: TreeFacts } | undefined,
): RunningKernel {
  return {
    image,
    ...(isSame ? defined({ release, file, vmlinux }) : {}),
    ...(tree === undefined ? {} : { tree: tree.bytes, append: tree.facts.bootargs }),
  };
}
