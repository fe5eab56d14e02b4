/** What the threads of a profiled daemon leave for the command that started it: one JSON file each. Plain data. */

/** What the threads are to do, in the daemon's environment, as JSON. */
export const ORDER_VARIABLE = 'KDUMPD_PROFILE';
export type Order = {
  /** Samples of where the time goes, or counts of what happened: counting costs time, so that each has a run of its own. */
  readonly what: 'samples' | 'counts';
  /** Where the files go. */
  readonly folder: string;
  /** The threshold of regions; absent: all is interpreted. */
  readonly jit?: number;
};

/** Nanoseconds of CLOCK_MONOTONIC: one clock for all threads and processes. */
export type Nanoseconds = number;

export type CallFrame = {
  readonly functionName: string;
  readonly url: string;
  /** From 0; -1: none. */
  readonly lineNumber: number;
};

/** A profile as V8 makes it (Chrome DevTools Protocol, domain Profiler); times in microseconds of CLOCK_MONOTONIC. */
export type CpuProfile = {
  readonly startTime: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

/** Something that the partition emitted, or a turn of its worker's that began or ended. */
export type Moment = {
  readonly at: Nanoseconds;
  /** The partition's instruction count. */
  readonly insn: number;
  /** Printed on the console. */
  readonly text?: string;
  /** A line of the agent's. */
  readonly line?: string;
  /** The power cycle began or ended. */
  readonly power?: 'on' | 'over';
  /** Every count so far, in the order of {@link GuestRecord.counted}. */
  readonly counts?: readonly number[];
};

export type GuestRecord = { readonly moments: readonly Moment[]; readonly counted: readonly string[] };

export type ThreadRecord = {
  /** The number that Linux gives the thread. */
  readonly thread: number;
  /** The module that the thread runs, below dist/. */
  readonly module: string;
  /** When the profile began. What the thread did before is its own start and the loading of the profiler. */
  readonly began: Nanoseconds;
  readonly profile?: CpuProfile;
  /** Of a partition's worker. */
  readonly guest?: GuestRecord;
  /** Of the main thread: when the storing of the capture began and ended. */
  readonly storing?: { readonly began: Nanoseconds; readonly ended: Nanoseconds };
  /** Of the main thread: what the process has used in all, in microseconds of CPU time. */
  readonly processCpuUs?: number;
};
