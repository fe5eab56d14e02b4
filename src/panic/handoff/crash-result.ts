/** Defines what a crash comes to, and what following one takes. */

import type { PartitionEnd } from '../../emulator/host/index.ts';
import type { CapturePhase } from '../contract/index.ts';
import type { CrashIdentity } from '../facts/identity.ts';
import type { FoundDump } from '../guest/dump-device.ts';
import type { Trace } from '../trace/index.ts';

/** The result of a crash. The dump is still on the partition's disk: read it before the partition starts again. */
export type CrashResult = {
  readonly outcome: 'captured' | 'failed';
  /** Whether somebody asked for it; otherwise the guest crashed by itself. */
  readonly requested: boolean;
  readonly phase: CapturePhase;
  readonly reason?: string;
  /** Absent: the crash ended before anything could be traced. */
  readonly trace?: Trace;
  /** Absent: no CPU was seen to panic. */
  readonly identity?: CrashIdentity;
  readonly dump?: FoundDump;
  /** Instructions executed up to T0, from T0 to T2, and from T2 to T4; 0 where the crash did not get there. */
  readonly instructions: { readonly boot: number; readonly handoff: number; readonly capture: number };
  readonly end?: PartitionEnd;
  /** The request came to nothing, and the guest runs on as before; where a load failed, it has no crash kernel any more. */
  readonly refused?: { readonly noCrashKernel?: string };
};

export type FollowOptions = {
  /** Why the agent could not load a crash kernel, as it said at its start. */
  readonly noCrashKernel?: string;
  /** Called when the phase changes. */
  readonly onPhase?: (phase: CapturePhase) => void;
  /** Ends the reading of what the guest left; the guest itself is stopped by others. */
  readonly signal?: AbortSignal;
};
