/**
 * Captures and operations as the store keeps them and as REST shows them (docs: contracts, REST and trace version 1).
 */

import type { HandoverReport } from './fidelity/handover-report.ts';
import type { FidelityReport, InstantFacts } from './fidelity/report.ts';

export type Verdict = 'held' | 'broken' | 'not-reached' | 'not-applicable' | 'not-evaluated';

/** How a rule of the handoff fared. `evidence` are event numbers of the trace. */
export type RuleResult = {
  readonly name: string;
  readonly verdict: Verdict;
  readonly evidence?: readonly number[];
  readonly note?: string;
};

/** One event of a trace, as JSON shows it. 64-bit values are 16-digit hex strings. */
export type TraceEvent = {
  readonly n: number;
  readonly cpu: number;
  readonly insn: number;
  readonly tb: string;
  readonly kind: string;
  readonly addr?: string;
  readonly symbol?: string;
  readonly regs?: Readonly<Record<string, string>>;
  readonly detail?: string;
};

/** See fidelity/report.ts. */
export type { FidelityReport, InstantFacts } from './fidelity/report.ts';

/** An instant of the handoff: the event that marks it. */
export type Instant = {
  readonly event: number;
  readonly insn: number;
  readonly tb: string;
  readonly cpu: number;
};

export type Trace = {
  readonly version: 1;
  readonly machine: {
    readonly processor: string;
    readonly mmu: string;
    /** `online`: whether it ran when the trigger came; absent in traces that do not say. */
    readonly cpus: readonly {
      readonly index: number;
      readonly hardwareId: number;
      readonly online?: boolean;
    }[];
  };
  readonly image: Readonly<Record<string, unknown>>;
  readonly instants: {
    readonly t0?: Instant;
    readonly t1?: Instant;
    readonly t2?: Instant;
    readonly t3?: Instant;
    readonly t4?: Instant;
  };
  readonly events: readonly TraceEvent[];
  /** The machine at instants; absent in traces that did not keep it. */
  readonly records?: { readonly t0?: InstantFacts; readonly t1?: InstantFacts };
  /** The dump and memory against what the emulator saw; absent where T1 did not come (docs/fidelity.md). */
  readonly fidelity?: FidelityReport;
  /** An ordinary kexec's image at T1 and T2 against what was loaded; absent where T1 did not come. */
  readonly handover?: HandoverReport;
  readonly rules: readonly RuleResult[];
};

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

/**
 * When an injected fault is done. `trigger`: while the partition rests, just before the trigger; `t0`, `t1`, `t2`: right
 * after the event of that instant (docs/trace.md).
 */
export const FAULT_INSTANTS = ['trigger', 't0', 't1', 't2'] as const;
export type FaultInstant = (typeof FAULT_INSTANTS)[number];

/** What an offset counts from: real address 0, or the start of a segment of the loaded crash image. */
export const FLIP_TARGETS = [
  'memory',
  'kernel',
  'purgatory',
  'tree',
  'elfcorehdr',
  'backup',
  'initrd',
] as const;
export type FlipTarget = (typeof FLIP_TARGETS)[number];

/** What is made to go wrong on purpose (docs/faults.md; src/panic/faults has what each sort means to the machine). */
export type Fault =
  /** The byte at `offset` of `of` is inverted. `at`: `trigger` unless told. */
  | {
      readonly kind: 'flip';
      readonly of: FlipTarget;
      readonly offset: number;
      readonly at?: FaultInstant;
    }
  /** The CPU (logical index) hangs: it executes nothing more and takes no interrupt, not even a system reset. */
  | { readonly kind: 'wedge'; readonly cpu: number; readonly at?: FaultInstant };

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

/**
 * The way out of the production kernel: a panic; an ordinary kexec, into a kernel that was loaded by hand; or a plain
 * restart, which goes no further than to the firmware.
 */
export const HANDOFF_PATHS = ['crash', 'kexec', 'restart'] as const;
export type HandoffPath = (typeof HANDOFF_PATHS)[number];
/** Those that are asked for in peace. */
export type LeavePath = Exclude<HandoffPath, 'crash'>;

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

export type LeaveRequest = {
  /** Guest seconds until the new kernel must be up. */
  readonly timeoutSeconds?: number;
};

export type OperationState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export type Operation = {
  readonly id: string;
  readonly kind: 'panic' | 'kexec' | 'restart' | 'start' | 'stop' | 'reset' | 'import';
  readonly state: OperationState;
  readonly phase: string;
  readonly partitionId?: string;
  readonly captureId?: string;
  /** It left a trace: `GET /operations/:id/trace`. A crash's trace is its capture's. */
  readonly traced?: true;
  readonly error?: { readonly code: string; readonly message: string };
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type VmcoreFormat = 'elf' | 'kdump-compressed' | 'flattened';

export type CaptureVmcore = {
  readonly bytes: number;
  readonly format: VmcoreFormat;
  readonly sha256: string;
  /** The dump ends early: headers promise more than arrived. */
  readonly incomplete?: boolean;
};

/** Why a guest crashed, as its kernel tells it. */
export type CrashCause = {
  /** What was given to panic() or die(), before values are put in; numbers are `#`. */
  readonly reason: string;
  /** Functions, innermost first; `?` where an address has no symbol, `idle` alone for a CPU that did nothing. */
  readonly backtrace: readonly string[];
};

export type Capture = {
  readonly id: string;
  readonly partitionId: string;
  readonly image: string;
  readonly outcome: 'captured' | 'failed';
  readonly phase: CapturePhase;
  readonly reason?: string;
  /** The same for the same crash: a hash of {@link cause}. Absent: nobody saw a CPU panic. */
  readonly signature?: string;
  readonly cause?: CrashCause;
  readonly vmcore: CaptureVmcore | null;
  readonly rules: {
    readonly held: number;
    readonly broken: number;
    readonly notReached: number;
    readonly notApplicable: number;
  };
  readonly createdAt: string;
};

export type PartitionState = 'stopped' | 'starting' | 'ready' | 'busy' | 'crashed' | 'failed';

/** A member of the fleet. */
export type PartitionView = {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: PartitionState;
  /** Why it is in this state, where that needs saying. */
  readonly reason?: string;
  readonly processor: 'power8' | 'power9';
  readonly mmu: 'hash' | 'radix';
  readonly firmware: 'flat' | 'open-firmware';
  readonly interrupts: 'xics' | 'xive';
  readonly diskBus: 'virtio' | 'vscsi';
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly instructions: number;
  readonly crashes: number;
};

/** CPUs of a partition at the most: as many as tests and the matrix of crashes go up to. */
export const MAXIMUM_CPUS = 8;

export type PartitionRequest = {
  readonly name?: string;
  readonly image: string;
  readonly processor?: 'power8' | 'power9';
  readonly mmu?: 'hash' | 'radix';
  /** How the kernel is entered: with a flattened tree, the default, or with Open Firmware's client interface. */
  readonly firmware?: 'flat' | 'open-firmware';
  /** The interrupt controller; default `xics`. */
  readonly interrupts?: 'xics' | 'xive';
  /** How disks are attached; default `virtio`. */
  readonly diskBus?: 'virtio' | 'vscsi';
  readonly cpus?: number;
  /** As on the command line: `1G`, `64M,16M@4G`. */
  readonly memory?: string;
  readonly append?: string;
  readonly crashAppend?: string;
  readonly seed?: number;
  /** H_SIGNAL_SYS_RESET is not there: CPUs are stopped by interrupts alone. */
  readonly refuseSysReset?: boolean;
  /** Who plans what kexec_load is given: kexec-tools in the guest, or we; absent: what the image says. */
  readonly loader?: 'stock' | 'own';
};

/** What the server tells its clients as it happens: ids and states only; clients fetch the rest. */
export type ServiceEvent =
  | { readonly kind: 'partition'; readonly id: string; readonly state: PartitionState }
  | {
      readonly kind: 'operation';
      readonly id: string;
      readonly state: OperationState;
      readonly phase: string;
    }
  | { readonly kind: 'capture'; readonly id: string; readonly partitionId: string }
  | {
      readonly kind: 'image';
      readonly name: string;
      readonly state: 'importing' | 'ready' | 'failed';
      readonly progress?: string;
    };

/** A refused request; the server turns it into an RFC 9457 answer. */
export type RefusalCode = 'not-found' | 'conflict' | 'invalid';
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** The fleet as the server drives it. Every method throws {@link Refusal} for what the caller got wrong. */
export interface Fleet {
  list(): readonly PartitionView[];
  get(id: string): PartitionView;
  create(request: PartitionRequest): Promise<PartitionView>;
  start(id: string): Promise<Operation>;
  stop(id: string): Promise<Operation>;
  reset(id: string): Promise<Operation>;
  remove(id: string): Promise<void>;
  /** Types on the user's console (vty 0). */
  type(id: string, bytes: Uint8Array): Promise<void>;
  /** The console of the current life, so far: raw bytes, at most the last MiB. */
  console(id: string): Uint8Array;
  /** @throws Refusal `conflict` when the partition is not ready. */
  panic(id: string, request: PanicRequest, idempotencyKey?: string): Promise<Operation>;
  /**
   * Has the guest leave its kernel in peace: by an ordinary kexec, or by a restart.
   * @throws Refusal `conflict` when the partition is not ready.
   */
  leave(id: string, path: LeavePath, request: LeaveRequest, idempotencyKey?: string): Promise<Operation>;
  /** Console bytes as they come. @returns a function that ends the subscription. */
  watchConsole(id: string, listener: (bytes: Uint8Array) => void): () => void;
  events(listener: (event: ServiceEvent) => void): () => void;
  close(): Promise<void>;
}
