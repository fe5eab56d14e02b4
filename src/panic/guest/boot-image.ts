/** Defines the image that a crash needs: the files to boot, and the options that its guest understands. src/images/ provides it. */

import type { ForcibleCheck, SegmentRole } from '../../crashkernel/index.ts';
import type { DiskBus, Firmware, InterruptController } from '../../emulator/host/index.ts';
import type { Made } from '../contract/index.ts';

/** Who computes the segments of a guest's kexec_load: its own kexec-tools, or kdumpd (crashkernel/). */
export type Loader = 'stock' | 'own';

/** The parts of a crash kernel whose load kdumpd plans, and the options of the plan. Paths are local files. */
export type BootLoading = {
  readonly kernel: string;
  readonly initrd?: string;
  /** The crash kernel's command line. */
  readonly append: string;
  /** Whether purgatory checks a digest. */
  readonly digest: boolean;
  /** Size of the read-only disk by which plans reach the guest. */
  readonly diskBytes: number;
  /** `at`: addresses for segments instead of the planned ones. `force`: checks of kdumpd to skip, so that the guest's kernel refuses. */
  readonly at?: Readonly<Partial<Record<SegmentRole, number>>>;
  readonly force?: readonly ForcibleCheck[];
};

/** Variants of the machine; the usual one is `flat`, `xics` and `virtio`. */
export type MachineVariant = {
  readonly firmware?: Firmware;
  readonly interruptController?: InterruptController;
  /** The adapter that every disk is attached to. */
  readonly diskBus?: DiskBus;
};

/** A kernel, its initramfs and command line, ready to boot. Paths are local files. */
export type BootImage = {
  readonly name: string;
  readonly kernelRelease?: string;
  readonly kernel: string;
  readonly initrd?: string;
  /** Read-only disk from which the guest loads the crash kernel. */
  readonly disk?: string;
  /** The kernel with its symbols, for those that the kallsyms in the guest's memory does not name. */
  readonly vmlinux?: string;
  /** The production kernel's whole command line. */
  readonly append: string;
  /** The second vty speaks the agent protocol (docs/images.md). */
  readonly agent: boolean;
  /** The only machine that the guest has drivers for; absent: that is not known. */
  readonly machine?: Required<MachineVariant>;
  /** What the image holds; absent: that is not known. */
  readonly contents?: Pick<Made['image'], 'files' | 'packages'>;
  /** Present: kdumpd plans loads, and the guest waits for a plan. It then has no `disk`. */
  readonly loading?: BootLoading;
};

export type BootOptions = {
  /** Added to the image's own command lines. */
  readonly append?: string;
  readonly crashAppend?: string;
  /** The dump mode that the agent loads the crash kernel with at boot: `raw` or makedumpfile options. */
  readonly dump?: string;
  /** Guest seconds after which the crash kernel abandons a dump. */
  readonly dumpSeconds?: number;
  /** Default: what the image says. */
  readonly loader?: Loader;
  /** For loads that kdumpd plans: a file to load for a crash instead of the image's kernel, a kernel or a stub. */
  readonly payload?: string;
  /** For loads that kdumpd plans: see {@link BootLoading}. */
  readonly place?: BootLoading['at'];
  readonly force?: BootLoading['force'];
};

/** Finds images by name. */
export interface ImageSource {
  /** @throws Refusal `not-found` for an unknown image, `conflict` for one that is not ready; FormatError for bad options. */
  bootImage(name: string, options: BootOptions): Promise<BootImage>;
}
