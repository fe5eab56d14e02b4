/** Defines how a capture or an operation came to be: all that a run follows from, and the line that repeats it. */

import type { ImageFile } from './image.ts';
import type { PartitionRequest } from './partition.ts';
import type { PanicRequest } from './request.ts';

/** Input that a user typed on a terminal, and where in the run it came. */
export type TypedInput = {
  /** The partition's instruction count. */
  readonly insn: number;
  /** The machine's slices that were over: with the count, the exact place. */
  readonly slice: number;
  readonly vty: 0 | 1;
  /** A character a byte. */
  readonly text: string;
  /** The guest rested. */
  readonly resting?: true;
};

export type Made = {
  /** Of kdumpd. */
  readonly version: string;
  /** The partition's name. */
  readonly partition: string;
  /** All that was asked of the machine, with the defaults filled in. */
  readonly machine: PartitionRequest;
  readonly image: {
    readonly name: string;
    readonly kernelRelease?: string;
    readonly files: readonly ImageFile[];
    /** What its programs and kernel are from. */
    readonly packages: readonly { readonly name: string; readonly version: string }[];
  };
  /** The production kernel's whole command line. */
  readonly append: string;
  /** The command line of the kernel that was loaded, as its tree says; absent: none was seen to be loaded. */
  readonly nextAppend?: string;
  /** What was asked of a crash; absent: it was not requested, or it was none. */
  readonly asked?: PanicRequest;
  /** What users typed since power-on, in order; absent: nothing, or more than is kept. */
  readonly input?: readonly TypedInput[];
  /**
   * The line that makes the same vmcore and trace without the daemon, where the daemon was started. `FILE` is the capture, or the operation of a
   * kexec or a restart, as JSON.
   */
  readonly line?: string;
  /** Why there is no such line. */
  readonly noLine?: readonly string[];
};
