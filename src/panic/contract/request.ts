/** Requests that boot a guest, or take it out of its kernel. */

import type { Fault } from './fault.ts';

export type Trigger = 'sysrq' | 'nmi' | 'panic' | 'echo';

/** The limit in seconds of the host; absent: the default for the machine (docs/api.md). */
type HostLimited = { readonly hostTimeoutSeconds?: number };

export type StartRequest = HostLimited;

export type PanicRequest = HostLimited & {
  readonly trigger: Trigger;
  /** Logical index; absent: the trigger's own choice (CPU 0 for nmi, panic and echo). */
  readonly onCpu?: number;
  /** `raw`, or makedumpfile options such as `-l -d 31`. */
  readonly dump: string;
  /** Guest seconds until the dump must be done. */
  readonly timeoutSeconds?: number;
  /** What is made to go wrong on purpose, in order (docs/faults.md). */
  readonly faults?: readonly Fault[];
};

export type LeaveRequest = HostLimited & {
  /** Guest seconds until the new kernel must be up. */
  readonly timeoutSeconds?: number;
};
