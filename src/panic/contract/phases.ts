/** How far a crash, or another way out of a kernel, got: the phases of operations and captures. */

/** How far a crash got, in order. */
export const CAPTURE_PHASES = [
  'queued',
  'booting',
  'ready',
  'triggered',
  'panic',
  'handoff',
  'purgatory',
  'crash-kernel',
  'dumping',
  'dumped',
  'stored',
] as const;

export type CapturePhase = (typeof CAPTURE_PHASES)[number];

/** How far an ordinary kexec or a restart got, in order. The operation's phases. */
export const LEAVE_PHASES = [
  'queued',
  'booting',
  'ready',
  'loading',
  'triggered',
  'shutdown',
  'handoff',
  'purgatory',
  'new-kernel',
  'restarted',
  'up',
] as const;

export type LeavePhase = (typeof LEAVE_PHASES)[number];
