/**
 * Defines the events that a running machine reports, the plan of what it reports, and faults that wait for an event. Plain
 * data that survives structured cloning. The machine knows neither Linux nor kexec: the owner numbers the places it watches.
 */

import type { HcallName } from '../platform/contract/opcodes.ts';

/**
 * A place that the owner watches, by the owner's number for it. The machine returns it in events and never interprets it;
 * places with one number share one limit.
 */
export type MarkId = number;

type Common<Kind extends string> = {
  readonly kind: Kind;
  /** Counts every event of a machine from 0. */
  readonly n: number;
  /** Logical index; -1 for a device or the machine itself. */
  readonly cpu: number;
  /** The partition's instruction count when it happened. */
  readonly insn: number;
  readonly tb: bigint;
};

/** An instruction at a probe, or the first one in a watched range; again after the vCPU has left the range. */
export type FetchEvent = Common<'fetch'> & {
  readonly mark: MarkId;
  /** Effective address of the instruction, and the real address that it is fetched from. */
  readonly ea: bigint;
  readonly raddr: number;
  readonly regs: Readonly<Record<FetchRegister, bigint>>;
};
export type FetchRegister = 'r1' | 'r3' | 'r4' | 'r5' | 'r6' | 'lr' | 'msr';

/** Bytes of a watched range were written. */
export type StoreEvent = Common<'store'> & {
  readonly mark: MarkId;
  /** Real address of the first byte written, and how many were. */
  readonly raddr: number;
  readonly length: number;
  /** Memory before and after, in order of addresses: the first {@link STORE_BYTES} of `length`. */
  readonly old: Uint8Array;
  readonly new: Uint8Array;
  /** The instruction that wrote, and its r3; absent: a device, or the machine itself. */
  readonly by?: { readonly nia: bigint; readonly r3: bigint };
};
/** Bytes of a store that its event shows. */
export const STORE_BYTES = 256;

/** The guest changed an MSR bit of the plan's mask. `ea`: the instruction. */
export type MsrEvent = Common<'msr'> & {
  readonly ea: bigint;
  readonly before: bigint;
  readonly after: bigint;
  readonly r3: bigint;
};

/** A hypercall. `name` is undefined for an opcode that the machine does not know; `status` for one that does not return. */
export type HcallEvent = Common<'hcall'> & {
  readonly name: HcallName | undefined;
  readonly opcode: number;
  readonly ea: bigint;
  /** r4 to r8. */
  readonly args: readonly bigint[];
  readonly status: bigint | undefined;
};

/** ibm,os-term is reported with or without a plan. `message`: what the guest says in it. */
export type RtasEvent = Common<'rtas'> & {
  readonly name: string;
  readonly args: readonly number[];
  readonly message?: string;
};

/** One of the plan's vectors was taken. */
export type InterruptEvent = Common<'interrupt'> & {
  readonly vector: number;
  /** A system reset: asked for by the operator (`outside`) or by the guest. Absent for other vectors. */
  readonly requestedBy?: 'outside' | 'guest';
  readonly regs: Readonly<Record<InterruptRegister, bigint>>;
};
export type InterruptRegister = 'srr0' | 'srr1' | 'r1' | 'dar' | 'dsisr';

/**
 * A CPU ended an interrupt that was pending (EOI). `source`: the XICS source number (XISR) or the XIVE source.
 */
export type EoiEvent = Common<'eoi'> & {
  readonly controller: 'xics' | 'xive';
  readonly source: number;
  /** XICS: the current processor priority that the EOI restores. */
  readonly cppr?: number;
};

/** A system call of {@link SystemCallWatch} was made. */
export type SyscallEvent = Common<'syscall'> & {
  readonly number: number;
  readonly ea: bigint;
  /** r3 to r8. */
  readonly args: readonly bigint[];
  /** The array that the watch names, a row an entry, in doublewords; undefined where memory is not there. */
  readonly rows: readonly (readonly (bigint | undefined)[])[];
};

/** A system call that was reported returned to its caller. `so`: the summary overflow bit of CR0, set on failure. */
export type SyscallReturnEvent = Common<'syscall-return'> & {
  readonly number: number;
  readonly ea: bigint;
  readonly r3: bigint;
  readonly so: boolean;
};

/** A system reset from outside was sent to a vCPU. Its interrupt is an event of its own. */
export type ResetEvent = Common<'reset'>;

export const RUN_CHANGES = ['started', 'stopped', 'system reset'] as const;
/** `system reset`: one is pending for the vCPU, from the operator or from the guest. */
export type RunChange = (typeof RUN_CHANGES)[number];
/** A vCPU's state changed. */
export type RunEvent = Common<'run'> & VcpuPlace & { readonly change: RunChange };

/** What a vCPU does while another one reaches a place of the plan's `census`. */
export type CensusEvent = Common<'census'> & VcpuPlace & { readonly state: VcpuState };

/** Where a vCPU is. `ea`: its next instruction. */
export type VcpuPlace = { readonly ea: bigint; readonly msr: bigint; readonly r3: bigint };

/** `wedged`: by a fault; it executes nothing and takes no interrupt. */
export type VcpuState = 'stopped' | 'running' | 'ceded' | 'parked' | 'wedged';

/** The first write of the plan's time to a disk, and, when the power cycle ends, its last one. */
export type DiskEvent = Common<'disk'> & {
  readonly write: 'first' | 'last';
  readonly disk: number;
  readonly offset: number;
  readonly length: number;
};

/** A {@link MachineFault} was done. */
export type FaultEvent = Common<'fault'> & {
  readonly name: string;
  readonly damage:
    | { readonly kind: 'flip'; readonly raddr: number; readonly old: number; readonly new: number }
    | { readonly kind: 'wedge'; readonly ea: bigint; readonly msr: bigint; readonly r1: bigint };
};

/** What had woken a plan that sleeps came to nothing, and it sleeps again: events since it woke do not count ({@link SleepPlan}). */
export type CalmEvent = Common<'calm'>;

/** One thing that happened in the machine, in order. 64-bit values are bigint. */
export type ObservedEvent =
  | FetchEvent
  | StoreEvent
  | MsrEvent
  | HcallEvent
  | RtasEvent
  | InterruptEvent
  | EoiEvent
  | SyscallEvent
  | SyscallReturnEvent
  | ResetEvent
  | RunEvent
  | CensusEvent
  | DiskEvent
  | FaultEvent;
export type MachineEvent = ObservedEvent | CalmEvent;
export type ObservedEventKind = ObservedEvent['kind'];

/** Events of one kind that exceeded a limit and were not reported. */
export type DroppedEvents = {
  readonly kind: ObservedEventKind;
  readonly cpu: number;
  /** The place, where the limit was a place's. */
  readonly mark?: MarkId;
  readonly count: number;
  /** The partition's instruction count at the first of them. */
  readonly since: number;
};

/** A watched place: at most `limit` events a vCPU, 16 unless given. */
type Limited = { readonly mark: MarkId; readonly limit?: number };

/** What the machine reports. A plan changes neither what the guest does nor how its instructions are counted. */
export type ObservePlan = {
  /** Instructions at real addresses. */
  readonly probes: readonly (Limited & { readonly raddr: number })[];
  readonly stores: readonly (Limited & { readonly raddr: number; readonly length: number })[];
  /** Real-address ranges: an event when a vCPU enters one from outside. */
  readonly executes: readonly (Limited & { readonly raddr: number; readonly length: number })[];
  /** MSR bits whose change is an event. */
  readonly msrMask: bigint;
  readonly vectors: readonly number[];
  /** Vectors that are reported where they interrupt real mode: MSR[IR] and MSR[DR] were 0. */
  readonly realModeVectors?: readonly number[];
  /** Hypercalls that are too many to keep. */
  readonly hcallsExcept: readonly HcallName[];
  readonly sleep?: SleepPlan;
  /** The machine stands still when a watched system call has returned, until its owner resumes it. */
  readonly holdsAfterCall?: boolean;
  /** Probes at which every other started vCPU is reported first, by a `census` event. */
  readonly census?: readonly MarkId[];
  /** Instants at which the machine is kept. */
  readonly instants?: readonly InstantPlan[];
  /** Probes at which a vCPU's registers are kept, with those of the interrupts that it took before. */
  readonly frames?: readonly MarkId[];
  /**
   * The partition rests at once, the first time that all vCPUs wait and one of them does so in a loop with interrupts
   * off: the owner may then reset CPUs, as an operator would. Without an action the run continues as if it had not rested.
   */
  readonly restWhenStuck?: boolean;
};

/**
 * The plan is set and sleeps: of its events only fetches at `reports` are reported, beside what is reported without any plan, no store is watched,
 * and the guest runs at full speed. The first event of `wakes` or `stays` wakes it, and is its first one.
 *
 * It sleeps again where the guest continues as if nothing had been: each vCPU at which an event of `wakes` came has executed in problem
 * state since, or ceded, and nothing of `stays` has come. What was kept and counted is forgotten then, and `calm` is reported.
 */
export type SleepPlan = {
  readonly wakes: readonly EventMatch[];
  readonly stays: readonly EventMatch[];
  readonly reports: readonly MarkId[];
};

export type InstantName = 't0' | 't1' | 't2';

/**
 * The machine is kept at the first event that one of `at` matches, before the next instruction is executed; where `after`
 * is given, at the first such event after one that `after` matches. Each instant comes once.
 */
export type InstantPlan = {
  readonly name: InstantName;
  readonly at: readonly EventMatch[];
  readonly after?: readonly EventMatch[];
};

/** An event that an instant or a fault waits for. */
export type EventMatch =
  | { readonly kind: 'fetch'; readonly mark: MarkId }
  | { readonly kind: 'interrupt'; readonly vector: number; readonly requestedBy?: 'outside' | 'guest' };

/**
 * A system call whose every use is reported, with or without a plan, and whose return is reported as well: calls with
 * `number` in r0. The array at the address in gpr `rowsAt` has as many rows as gpr `rowCount` says, at most `mostRows`, each of
 * `rowDoublewords` doublewords.
 */
export type SystemCallWatch = {
  readonly number: number;
  readonly rowsAt: number;
  readonly rowCount: number;
  readonly mostRows: number;
  readonly rowDoublewords: number;
};

/**
 * Damage done on purpose from outside of the guest.
 * - `flip`: the byte at `raddr` is inverted; its code is decoded again, as after a store.
 * - `wedge`: the vCPU hangs: it executes nothing more and takes no interrupt, not even a system reset, until power-off.
 */
export type MachineFault = {
  readonly name: string;
  readonly damage:
    | { readonly kind: 'flip'; readonly raddr: number }
    | { readonly kind: 'wedge'; readonly cpu: number };
  /** Done right after the first event that one of these matches, before the next instruction; absent: at once. */
  readonly at?: readonly EventMatch[];
};

/** Whether an event is one that `match` waits for. */
export function matchesEvent(match: EventMatch, event: MachineEvent | EventMatch): boolean {
  if (match.kind === 'fetch') return event.kind === 'fetch' && event.mark === match.mark;
  return (
    event.kind === 'interrupt' &&
    event.vector === match.vector &&
    (match.requestedBy === undefined || match.requestedBy === event.requestedBy)
  );
}

/** The vectors of the interrupts among events that are waited for. */
export function vectorsOf(matches: readonly EventMatch[]): ReadonlySet<number> {
  return new Set(matches.flatMap((match) => (match.kind === 'interrupt' ? [match.vector] : [])));
}
