/** Defines the record of a machine at an instant: registers, interrupt controller, tables. Plain data. */

import type { EventMatch, InstantName, MarkId, VcpuState } from './events.ts';

/** Registers of a vCPU. `nia` and `msr` of an interrupt are SRR0 and SRR1. */
export type RegisterSet = {
  readonly gpr: readonly bigint[];
  readonly nia: bigint;
  readonly msr: bigint;
  readonly lr: bigint;
  readonly ctr: bigint;
  readonly cr: number;
  readonly xer: number;
};

/** The state of one vCPU, for dumps of registers and for checks. */
export type VcpuSnapshot = RegisterSet & {
  readonly index: number;
  readonly hardwareId: number;
  readonly state: VcpuState;
  /**
   * Interrupts that it has raised in the handlers of interrupts since it last returned from one, where they are so many that they
   * will not end; absent: it takes interrupts as others do.
   */
  readonly storm?: number;
};

/** Where registers were kept: at a probe, or when an interrupt was delivered and nothing of its handler was executed. */
export type FramePlace =
  | { readonly kind: 'probe'; readonly mark: MarkId }
  | { readonly kind: 'interrupt'; readonly vector: number };

export type RegisterFrame = { readonly at: FramePlace; readonly insn: number; readonly regs: RegisterSet };

/** The last time that a vCPU reached a probe of `frames`, and the last interrupt of each vector before that. */
export type SavePoint = RegisterFrame & {
  readonly cpu: number;
  readonly interrupts: readonly RegisterFrame[];
};

/** One CPU's side of the interrupt controller, and what waits in the vCPU itself. */
export type InterruptState = {
  readonly cpu: number;
  /** Presented and not accepted; 0 for none. */
  readonly xisr: number;
  readonly mfrr: number;
  readonly cppr: number;
  /** Accepted and not ended; `unfinished`: there is one. */
  readonly inService: readonly number[];
  readonly unfinished: boolean;
  /** Inputs and latches that are set: `external`, `system-reset`, `doorbell`. */
  readonly pending: readonly string[];
};

/** Memory that the guest has given to the hypervisor to write. */
export type HypervisorArea = {
  readonly cpu: number;
  readonly kind: 'vpa' | 'slb-shadow' | 'dispatch-log';
  readonly raddr: number;
  readonly bytes: number;
};

/** A queue in memory in which the interrupt controller puts events of a CPU: XIVE's, of a priority. */
export type EventQueueArea = {
  readonly cpu: number;
  readonly priority: number;
  readonly raddr: number;
  readonly bytes: number;
};

/** Valid entries of a hash page table; `hypervisor` of them are its own. `sample`: some of the others, `slot: v r`. */
export type HashCensus = {
  readonly valid: number;
  readonly hypervisor: number;
  readonly sample: readonly string[];
};

/** The machine at an instant, beside its memory. */
export type InstantRecord = {
  readonly name: InstantName;
  /** What it was recognised by. */
  readonly by: EventMatch;
  readonly cpu: number;
  readonly insn: number;
  readonly tb: bigint;
  readonly vcpus: readonly VcpuSnapshot[];
  readonly interrupts: readonly InterruptState[];
  /** Absent: the machine has no hash page table. */
  readonly hashTable?: HashCensus;
  readonly areas: readonly HypervisorArea[];
  /** Empty without XIVE. */
  readonly queues: readonly EventQueueArea[];
  /** Registered command queues, TCEs that allow an access, disk requests that are not done. */
  readonly crqs: number;
  readonly tces: number;
  readonly inFlight: number;
  /** As of this instant. */
  readonly saves: readonly SavePoint[];
  /** Interrupts taken last, by vCPU, where no probe of `frames` has come by. */
  readonly taken: readonly { readonly cpu: number; readonly interrupts: readonly RegisterFrame[] }[];
};
