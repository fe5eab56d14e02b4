/** Defines a capture, the record of one crash in the store and in REST. */

import type { Actor } from './access.ts';
import type { Made } from './made.ts';
import type { CapturePhase } from './phases.ts';
import type { UnsupportedUse } from './unsupported.ts';

export type VmcoreFormat = 'elf' | 'kdump-compressed' | 'flattened';

export type CaptureVmcore = {
  readonly bytes: number;
  readonly format: VmcoreFormat;
  readonly sha256: string;
  /** The dump ends early: headers promise more than arrived. */
  readonly incomplete?: boolean;
};

/** Why a guest crashed, read from its kernel. */
export type CrashCause = {
  /** What was given to panic() or die(), before values are put in; numbers are `#`. */
  readonly reason: string;
  /** Functions, innermost first; `?` where an address has no symbol, `idle` alone for a CPU that did nothing. */
  readonly backtrace: readonly string[];
};

/** What a program of the guest that loads or dumps printed, without its progress display. */
export type ToolWords = {
  /** `kexec`, `makedumpfile`. */
  readonly tool: string;
  readonly lines: readonly string[];
};

export type Capture = {
  readonly id: string;
  readonly partitionId: string;
  readonly image: string;
  readonly outcome: 'captured' | 'failed';
  /** Whether somebody asked for the crash; otherwise the guest crashed by itself. Absent in captures of earlier releases. */
  readonly requested?: boolean;
  readonly phase: CapturePhase;
  readonly reason?: string;
  /** The same for the same crash: a hash of {@link cause}. Absent: no CPU was seen to panic. */
  readonly signature?: string;
  readonly cause?: CrashCause;
  readonly vmcore: CaptureVmcore | null;
  readonly rules: {
    readonly held: number;
    readonly broken: number;
    readonly notReached: number;
    readonly notApplicable: number;
    /** Absent in captures of earlier releases, which did not count them. */
    readonly notEvaluated?: number;
  };
  /** What the guest used since power-on that the machine lacks, the first kinds; absent: nothing, or not kept by an earlier release. */
  readonly unsupported?: readonly UnsupportedUse[];
  /** What kexec-tools and makedumpfile printed, also where all went well, in order; absent: nothing, or not kept. */
  readonly words?: readonly ToolWords[];
  /** How it came to be; absent in captures of earlier releases. */
  readonly made?: Made;
  readonly createdAt: string;
  /** Who asked for the crash; of one that was not requested, who made the partition. Absent: the daemon, or not known. */
  readonly createdBy?: Actor;
  /** Bytes of its vmcore are lost in the store. */
  readonly damaged?: true;
  /** What of it is lost. */
  readonly damage?: string;
};
