/** An image as a crash needs it: files to boot, and what its guest can be told. Whoever keeps images provides it. */

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
};

export type BootOptions = {
  /** Added to the image's own command lines. */
  readonly append?: string;
  readonly crashAppend?: string;
  /** How the agent loads for dumping first: `raw` or makedumpfile options. */
  readonly dump?: string;
  /** Guest seconds until the crash kernel gives a dump up. */
  readonly dumpSeconds?: number;
};

/** Where images come from. */
export interface ImageSource {
  /** @throws Refusal `not-found` for an unknown image, `conflict` for one that is not ready; FormatError for bad words. */
  bootImage(name: string, options: BootOptions): Promise<BootImage>;
}
