/** What the engine asks of the machine around it: a partition, or nothing but a processor (partition/bare-machine.ts). */

import type { JitOptions } from '../contract/index.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import type { ReportUnsupported } from '../devices/contract.ts';

export interface EngineHost {
  /** Nanoseconds since power-on at the start of the running slice. */
  readonly sliceStart: () => number;
  readonly processorVersion: number;
  /** Absent: all is interpreted. */
  readonly jit?: JitOptions;
  /** Whether a run that may be paused shall be. It may depend on the host's time. Absent: never. */
  readonly isTime?: () => boolean;
  readonly unsupported: ReportUnsupported;
  readonly randomBytes: (count: number) => Uint8Array;
  /** `sc`: with level 1 in privileged state a hypercall. @returns false when there is no hypervisor: an interrupt then. */
  readonly hypercall: (vcpu: Vcpu) => boolean;
  /** Every interrupt delivered, for the trace. */
  readonly interruptTaken: (vcpu: Vcpu, vector: number, returnTo: bigint) => void;
  /**
   * Every change of MSR that the guest makes itself, after it.
   * @param target where a return from interrupt goes; absent for other changes. The vCPU is not there yet.
   */
  readonly msrChanged?: (vcpu: Vcpu, before: bigint, target?: bigint) => void;
  /** An instruction at a probe is about to be executed; `word` is its arena address. */
  readonly probed?: (vcpu: Vcpu, word: number) => void;
  /** Code is about to run in a page that the TLB did not hold: the real address of the first instruction there. */
  readonly enteredPage?: (vcpu: Vcpu, raddr: number) => void;
  /** The vCPU has to be executed step by step from here on: the slice ends. Asked when it enters a page of code. */
  readonly stopsHere?: (vcpu: Vcpu) => boolean;
  /** A system call, before it is taken. */
  readonly systemCall?: (vcpu: Vcpu) => void;
  /**
   * The guest dropped translations of single pages for every vCPU; the engine has done so.
   * @param lo the low half of the first page's addresses (bits from 24 on do not count)
   * @param pages of 4 KiB
   */
  readonly translationsDropped?: (lo: number, pages: number) => void;
  /** msgsndp: a doorbell to a thread of the same core, by thread number. */
  readonly doorbell: (from: Vcpu, thread: number) => void;
  /** The thread number within its core (TIR). */
  readonly threadNumber: (vcpu: Vcpu) => number;
  /** Delivers an interrupt that waits and is enabled; called before each entry to compiled code. */
  readonly deliverPending: (vcpu: Vcpu) => void;
  /** Other vCPUs' TLBs, for tlbie. */
  readonly allVcpus: () => readonly Vcpu[];
}
