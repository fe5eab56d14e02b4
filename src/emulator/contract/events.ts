/** What is seen in a running machine, what one asks to see, and damage that waits for what is seen. Plain data. */

/** One thing seen in the machine, in order. 64-bit values are bigint. */
export type MachineEvent = {
  readonly n: number;
  readonly cpu: number;
  /** The partition's instruction count when it happened. */
  readonly insn: number;
  readonly tb: bigint;
  readonly kind: MachineEventKind;
  /** fetch, msr: the effective address of the instruction; store: the real address written; interrupt: the vector. */
  readonly addr?: bigint;
  readonly regs?: Readonly<Record<string, bigint>>;
  /** fetch: the probe's or range's name; store: the watch's name; hcall, rtas: the call's name; run: what changed. */
  readonly detail?: string;
};

/**
 * - `fetch`: an instruction at a probe, or the first one in a watched range (again after leaving it). regs: r1, r3–r6, lr, msr, nia,
 *   raddr (the real address fetched from).
 * - `store`: before bytes of a watched range change. addr: real address; regs: length, nia, old (up to 8 bytes, big-endian number).
 * - `msr`: the guest changed a bit of the plan's mask. regs: before, after, nia.
 * - `hcall`: regs: opcode, r4–r8, status. `rtas`: regs: arg0….
 * - `interrupt`: one of the plan's vectors was taken. regs: srr0, srr1, r1, dar, dsisr.
 * - `syscall`: `kexec_load` was called. regs: entry, flags, segments; then segN_mem, segN_memsz, segN_bufsz.
 *   `kexec_load result`: it returned. regs: r3, so (the summary overflow bit of CR0).
 * - `reset`: an NMI from outside was delivered to the vCPU. `run`: started, stopped, ceded, parked, woken (detail).
 * - `disk`: first write, and end of a life's writes. regs: disk, offset, length.
 * - `fault`: a {@link MachineFault} was done. detail: its name; addr: where; regs: what it changed. cpu: -1, or whose it is.
 */
export type MachineEventKind =
  | 'fetch'
  | 'store'
  | 'msr'
  | 'hcall'
  | 'rtas'
  | 'interrupt'
  | 'syscall'
  | 'reset'
  | 'run'
  | 'disk'
  | 'fault'
  | 'console';

/** What to look out for. Nothing of it changes what the guest does or how its instructions are counted. */
export type ObservePlan = {
  /** Instructions at real addresses; at most `limit` events a vCPU (default 16). */
  readonly probes: readonly { readonly raddr: number; readonly name: string; readonly limit?: number }[];
  readonly stores: readonly {
    readonly raddr: number;
    readonly length: number;
    readonly name: string;
    readonly limit?: number;
  }[];
  /** Real-address ranges: an event when a vCPU enters one from outside. */
  readonly executes: readonly {
    readonly raddr: number;
    readonly length: number;
    readonly name: string;
    readonly limit?: number;
  }[];
  /** MSR bits whose change is an event. */
  readonly msrMask: bigint;
  readonly vectors: readonly number[];
  /** Vectors that are told where they interrupt real mode: MSR[IR] and MSR[DR] were 0. */
  readonly realModeVectors?: readonly number[];
  /** Hypercalls by name that are too many to keep: H_PUT_TERM_CHAR, H_CEDE, … */
  readonly hcallsExcept: readonly string[];
  /** Probes, stores and executes alone are told: no calls, no changes of a vCPU's state, no disk writes. */
  readonly quiet?: boolean;
  /** Probes by name at which it is also told, before their own event, what every other started vCPU is doing: `run` events. */
  readonly census?: readonly string[];
  /**
   * Instants at which the machine is kept: at the first of these events, before its instruction is executed. `at` names
   * probes, `reset` (a system reset from outside) or `interrupt 0xVECTOR`. Each comes once.
   */
  readonly instants?: readonly { readonly name: InstantName; readonly at: readonly string[] }[];
  /** Probes by name at which a vCPU's registers are kept, with those of the interrupts that it took before. */
  readonly frames?: readonly string[];
  /**
   * The partition rests at once, the first time that all vCPUs wait and one of them does so in a loop with interrupts
   * off, as for somebody who watches for that. Whatever is left unanswered, it goes on as if it had not rested.
   */
  readonly restWhenStuck?: boolean;
};

export type InstantName = 't0' | 't1' | 't2';

/** Which event a fault waits for. Absent fields match anything. */
export type EventMatch = {
  readonly kind: MachineEventKind;
  readonly detail?: string;
  readonly addr?: bigint;
};

/**
 * Damage done on purpose from outside of the guest, so that it can be seen what comes of it.
 * - `flip`: the byte at `raddr` is inverted; its code is translated anew, as after a store.
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
