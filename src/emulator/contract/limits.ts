/**
 * Limits what a guest may emit in a power cycle, with the defaults. A limit counts in the guest's own time, so that what a guest
 * meets never depends on the host's speed; docs/adr/011 says how the values were chosen. Plain data.
 */

/** A bucket: it is full of `burst` at power-on, is emptied by what is emitted, and refilled by `perSecond` a guest second. */
export type Allowance = { readonly burst: number; readonly perSecond: number };

export type TerminalLimits = {
  /** Bytes that the terminal takes; while the bucket is empty it answers that it is busy, and the guest prints again later. */
  readonly pace: Allowance;
  /** Bytes, and calls that were answered busy; once the bucket is empty the power cycle ends. */
  readonly most: Allowance;
};

export type OutputLimits = {
  readonly terminals: readonly [TerminalLimits, TerminalLimits];
  /** Lines of the line terminal; while the bucket is empty that terminal is busy. */
  readonly lines: Allowance;
  /** Events that no limit of a plan bounds: calls, interrupts, changes of MSR and of a vCPU's state. What exceeds it is counted. */
  readonly events: Allowance;
  /** Uses of the watched system call. What exceeds it is counted. */
  readonly systemCalls: Allowance;
  /** Kinds of things that the machine lacks which are counted apart; all others are counted together. */
  readonly unsupported: number;
};

const MIB = 2 ** 20;

export const DEFAULT_OUTPUT_LIMITS: OutputLimits = {
  terminals: [
    { pace: { burst: 16 * MIB, perSecond: MIB }, most: { burst: 32 * MIB, perSecond: 64 * 2 ** 10 } },
    { pace: { burst: MIB / 4, perSecond: MIB / 16 }, most: { burst: 4 * MIB, perSecond: 16 * 2 ** 10 } },
  ],
  lines: { burst: 4096, perSecond: 256 },
  events: { burst: 65_536, perSecond: 65_536 },
  systemCalls: { burst: 256, perSecond: 64 },
  unsupported: 256,
};

const WITHOUT_END: Allowance = { burst: Number.POSITIVE_INFINITY, perSecond: 0 };

/** For a machine that runs in its user's own process and prints to its user's own terminal. */
export const UNLIMITED_OUTPUT: OutputLimits = {
  ...DEFAULT_OUTPUT_LIMITS,
  terminals: [
    { pace: WITHOUT_END, most: WITHOUT_END },
    { pace: WITHOUT_END, most: WITHOUT_END },
  ],
};
