/** An image as a crash needs it: files to boot, and what its guest can be told. Whoever keeps images provides it. */

import type { ForcibleCheck, SegmentRole } from '../../crashkernel/index.ts';
import type { DiskBus, Firmware, InterruptController } from '../../emulator/host/index.ts';

/** Who works out what a guest's kexec_load is given: its own kexec-tools, or we (crashkernel/). */
export type Loader = 'stock' | 'own';

/** What a crash kernel is made of where we plan its load, and how. Paths are local files. */
export type BootLoading = {
  readonly kernel: string;
  readonly initrd?: string;
  /** The crash kernel's command line. */
  readonly append: string;
  /** Whether purgatory checks a digest. */
  readonly digest: boolean;
  /** Size of the read-only disk by which plans reach the guest. */
  readonly diskBytes: number;
  /** Where segments are to lie in place of where they would; refusals of ours to let through, so that the guest's own is seen. */
  readonly at?: Readonly<Partial<Record<SegmentRole, number>>>;
  readonly force?: readonly ForcibleCheck[];
};

/** What a machine can be like beside its usual self, which is `flat`, `xics` and `virtio`. */
export type MachineVariant = {
  readonly firmware?: Firmware;
  readonly interruptController?: InterruptController;
  /** Where every disk is attached. */
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
  /** The kernel with its symbols, where the guest's memory should not tell them. */
  readonly vmlinux?: string;
  /** The production kernel's whole command line. */
  readonly append: string;
  /** The second vty speaks the agent protocol (docs/images.md). */
  readonly agent: boolean;
  /** The only machine that the guest has drivers for; absent: that is not known. */
  readonly machine?: Required<MachineVariant>;
  /** Present: loads are planned by us, and the guest waits for a plan. It then has no `disk`. */
  readonly loading?: BootLoading;
};

export type BootOptions = {
  /** Added to the image's own command lines. */
  readonly append?: string;
  readonly crashAppend?: string;
  /** How the agent loads for dumping first: `raw` or makedumpfile options. */
  readonly dump?: string;
  /** Guest seconds until the crash kernel gives a dump up. */
  readonly dumpSeconds?: number;
  /** Default: what the image says. */
  readonly loader?: Loader;
  /** For the own loader: a file to load for a crash in place of the image's kernel; anything that runs where it is put. */
  readonly payload?: string;
  /** For the own loader: see {@link BootLoading}. */
  readonly place?: BootLoading['at'];
  readonly force?: BootLoading['force'];
};

/** Where images come from. */
export interface ImageSource {
  /** @throws Refusal `not-found` for an unknown image, `conflict` for one that is not ready; FormatError for bad words. */
  bootImage(name: string, options: BootOptions): Promise<BootImage>;
}
