/** Requests that take a guest out of its kernel. */

import type { Fault } from './fault.ts';

export type Trigger = 'sysrq' | 'nmi' | 'panic' | 'echo';

export type PanicRequest = {
  readonly trigger: Trigger;
  /** Logical index; absent: the trigger's own choice (CPU 0 for nmi, panic and echo). */
  readonly onCpu?: number;
  /** `raw`, or makedumpfile options such as `-l -d 31`. */
  readonly dump: string;
  readonly timeoutSeconds?: number;
  /** What is made to go wrong on purpose, in order (docs/faults.md). */
  readonly faults?: readonly Fault[];
};

export type LeaveRequest = {
  /** Guest seconds until the new kernel must be up. */
  readonly timeoutSeconds?: number;
};
