/**
 * Defines a partition for the rest of the program: its configuration, requests and notices. Each partition runs in a worker
 * thread; all messages are plain data that survives structured cloning.
 */

import type { MemoryRange } from '../memory/contract.ts';
import type { WrittenPage } from '../memory/snapshots.ts';
import type {
  DroppedEvents,
  InstantName,
  MachineEvent,
  MachineFault,
  ObservePlan,
  SystemCallWatch,
} from './events.ts';
import type { InstantRecord, VcpuSnapshot } from './instants.ts';
import type { OutputLimits } from './limits.ts';

export type { PageWriter } from '../memory/snapshots.ts';
export type { HcallName } from '../platform/contract/opcodes.ts';
export { HCALL_NAMES } from '../platform/contract/opcodes.ts';

export type Processor = 'power8' | 'power9';
export type MmuMode = 'hash' | 'radix';
export type Firmware = 'flat' | 'open-firmware';
/** `xive` is POWER9's, in exploitation mode. */
export type InterruptController = 'xics' | 'xive';

/** Threads of a core where a configuration does not say. */
export const DEFAULT_THREADS = 2;

/** How a disk is attached: virtio-blk over PCI, the default, or a target of the virtual SCSI adapter. */
export type DiskBus = 'virtio' | 'vscsi';

/** A disk of the partition, in the order in which the guest sees those of one bus (vda, vdb, …; sda, sdb, …). */
export type DiskConfig =
  | { readonly kind: 'file'; readonly path: string; readonly readOnly: boolean; readonly bus?: DiskBus }
  | { readonly kind: 'scratch'; readonly bytes: number; readonly bus?: DiskBus }
  /** Zeros until its owner writes it from outside ({@link PartitionHandle.writeDisk}); zeros again at power-on. */
  | { readonly kind: 'memory'; readonly bytes: number; readonly readOnly: true; readonly bus?: DiskBus };

/** A machine and what it boots. Paths are local files; the worker reads them. */
export type PartitionConfig = {
  readonly processor: Processor;
  readonly mmu: MmuMode;
  readonly cpus: number;
  /** Threads of a core; absent: {@link DEFAULT_THREADS}. Of the last core there are those that are left. */
  readonly threads?: number;
  /** RAM, ascending; the first range starts at 0 and is memory@0. */
  readonly memory: readonly MemoryRange[];
  /** Size of the real-mode area in bytes; absent: the smaller of half the memory and 256 MiB. */
  readonly rma?: number;
  readonly kernel: string;
  readonly initrd?: string;
  readonly append: string;
  /** Seeds every source of chance in the partition. */
  readonly seed: number;
  readonly disks: readonly DiskConfig[];
  /** Added to each PT_LOAD's p_paddr and to the entry. */
  readonly loadAt?: number;
  /** H_SIGNAL_SYS_RESET is answered H_Function, as by firmware that lacks it: CPUs are then stopped by interrupts. */
  readonly refuseSysReset?: boolean;
  /** ibm,os-term ends the power cycle. Absent: it returns, as `ibm,extended-os-term` promises, and the guest continues. */
  readonly endsAtOsTerm?: boolean;
  /**
   * How the kernel is entered: `flat`, the default, with a flattened tree in r3; `open-firmware` with a client interface
   * in r5, so that it reads and lays out its tree itself. It then lies 4 MiB up unless {@link loadAt} says otherwise.
   */
  readonly firmware?: Firmware;
  /** Default: XICS. */
  readonly interruptController?: InterruptController;
  /** System calls that are reported with or without a plan. */
  readonly systemCalls?: readonly SystemCallWatch[];
  /** Present: the second terminal is cut into lines, and its bytes are not passed on. */
  readonly lineTerminal?: LineTerminal;
  /** What the guest may emit; absent: DEFAULT_OUTPUT_LIMITS. */
  readonly limits?: OutputLimits;
  /** Compiles the code that is executed most; the guest cannot see it. Absent: all is interpreted. */
  readonly jit?: JitOptions;
  /** Typed in each power cycle while the guest runs, each right after a slice; ascending. What has no room is lost. */
  readonly typed?: readonly TimedInput[];
};

/** What is compiled: docs/adr/019-regions.md. */
export type JitOptions = {
  /** Ends of portions at one place, after which its region is compiled. */
  readonly threshold: number;
  /** Instructions of a portion; absent: as many as between two looks at the time. */
  readonly portion?: number;
  /** Code of a region that was not executed yet is compiled as well. */
  readonly unexecuted?: boolean;
  /** Of compiled modules at once; absent: {@link MOST_BYTES} of engine/jit/jit.ts. */
  readonly bytes?: number;
};

/** Input that comes right after the slice of this number. */
export type TimedInput = { readonly slice: number; readonly vty: 0 | 1; readonly bytes: Uint8Array };

/** Where input came: the same input at the same place gives the same run. */
export type InputTaken = {
  /** The partition's instruction count. */
  readonly insn: number;
  /** Slices that were over since power-on. */
  readonly slice: number;
  /** The partition rested; else it came right after the slice, unless the machine was {@link held}. */
  readonly resting: boolean;
  /** The machine stood still, as its plan asked, in the middle of a slice. */
  readonly held?: true;
};

/** Lines that are passed on: those with one of the beginnings. Of a longer line the first `longest` bytes are. */
export type LineTerminal = { readonly prefixes: readonly string[]; readonly longest: number };

/** How a partition's power cycle ended. */
export type PartitionEnd =
  | { readonly kind: 'power-off' }
  | { readonly kind: 'reboot' }
  /** By ibm,os-term, where the partition ends at it, or by a client program of Open Firmware that is done. */
  | { readonly kind: 'os-term'; readonly message: string }
  | {
      readonly kind: 'stopped';
      /** Why, where there is more to say than that it was asked for. */
      readonly reason?: string;
      /** The worker did not answer and was terminated: memory, disks and registers of the machine are gone. */
      readonly terminated?: true;
    }
  /** The guest printed more on a terminal than it may (limits.ts). */
  | { readonly kind: 'exceeded'; readonly vty: 0 | 1; readonly message: string }
  | { readonly kind: 'error'; readonly message: string };

/** What a guest has emitted in its power cycle so far, and what became of it. */
export type OutputSummary = {
  /** Bytes printed on each terminal. */
  readonly bytes: readonly [number, number];
  /** Lines of the line terminal that were passed on. */
  readonly lines: number;
  /** Calls that a terminal answered busy. */
  readonly refused: number;
  /** Milliseconds of the host for which the guest had to wait until its owner had taken what it emitted. */
  readonly throttledMs: number;
};

/** A page written after an instant. */
export type PageChange = WrittenPage;

/**
 * A notice that the worker sends without a request. `insn` is the partition's instruction count. Console bytes are gathered:
 * a notice may hold what was printed before and after the events around it.
 */
export type PartitionNotice =
  | { readonly kind: 'console'; readonly vty: 0 | 1; readonly insn: number; readonly bytes: Uint8Array }
  /** A line of the line terminal, without its end. */
  | { readonly kind: 'line'; readonly insn: number; readonly text: string }
  | { readonly kind: 'output'; readonly summary: OutputSummary }
  | { readonly kind: 'machine-event'; readonly event: MachineEvent }
  /** `resting`: every vCPU has only waited for some guest seconds, and the partition executes nothing until input comes. */
  | { readonly kind: 'progress'; readonly insn: number; readonly tb: bigint; readonly resting: boolean }
  /** The machine stands still, as its plan asks ({@link ObservePlan}, `holdsAfterCall`), until {@link PartitionHandle.goOn}. */
  | { readonly kind: 'held'; readonly insn: number }
  /** The guest met what the machine lacks: the first time, each time that the count has doubled, and what has changed at rest and at the end. */
  | { readonly kind: 'unsupported'; readonly what: UnsupportedThing; readonly count: number }
  | { readonly kind: 'disk-failed'; readonly failure: DiskFailure }
  | { readonly kind: 'ended'; readonly end: PartitionEnd; readonly insn: number };

/** The host failed behind a disk: the first time in a power cycle. The guest was given an I/O error. */
export type DiskFailure = {
  readonly disk: number;
  readonly operation: 'read' | 'write' | 'flush';
  /** Where on the disk, in bytes. */
  readonly offset: number;
  /** errno(3): `ENOSPC`, `EIO`; `EDQUOT` where the quota of scratch disks is used up. */
  readonly code: string;
};

/** What the machine lacks, and where the guest met it first. Kinds beyond a limit are one, `others`. */
export type UnsupportedThing = {
  readonly kind: string;
  readonly key: string;
  readonly where?: string;
  readonly detail?: string;
};

/** Parts of a disk that were written. `ended`: the guest has, and will write no more. */
export type WrittenParts = {
  readonly parts: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
  readonly ended: boolean;
};

/**
 * A partition as its owner drives it. Every promise rejects with an Error when the worker dies; those of {@link stop} and
 * {@link close} always resolve, and soon.
 */
export interface PartitionHandle {
  readonly config: PartitionConfig;
  /** Seconds that the worker's thread was busy: what the partition has cost its host. A resting partition costs nothing. */
  readonly hostSeconds: number;
  /**
   * Powers on and runs until it ends or {@link stop} is called.
   * @param plan what to report from the first instruction on; see {@link observe}
   */
  start(plan?: ObservePlan): Promise<void>;
  /** Ends the run where it is. Idempotent. A worker that does not answer within a second is terminated. */
  stop(): Promise<void>;
  /**
   * Console or agent input; it comes between two slices.
   * @returns where it came; undefined: nothing of it was taken, because the guest has not read what was typed before, and
   *   `VTY_INPUT_BYTES` have no room for all of it
   */
  input(vty: 0 | 1, bytes: Uint8Array): Promise<InputTaken | undefined>;
  /** A system reset interrupt on each of these vCPUs, at one instant. */
  nmi(cpus: readonly number[]): Promise<void>;
  /** Replaces the plan of what is reported; undefined ends it. Takes effect between two instructions, at once when idle. */
  observe(plan: ObservePlan | undefined): Promise<void>;
  /** Ends a `held`; otherwise does nothing. */
  goOn(): Promise<void>;
  /**
   * Replaces the faults that wait for their events; those without are done now. None outlives power-off. Rejects, and
   * does nothing, where one names memory or a vCPU that is not there.
   */
  inject(faults: readonly MachineFault[]): Promise<void>;
  vcpus(): Promise<readonly VcpuSnapshot[]>;
  /** Called for each notice, in order. @returns a function that ends the subscription. */
  subscribe(listener: (notice: PartitionNotice) => void): () => void;
  /** Reads real memory, for symbols and checks. Rejects with OutsideMemory when not RAM. */
  readMemory(raddr: number, length: number): Promise<Uint8Array>;
  /** The machine at an instant of the plan; undefined while it has not come. Kept until the plan is replaced. */
  instant(name: InstantName): Promise<InstantRecord | undefined>;
  /** What exceeded the limits of the plan in force, or of the last one, so far. */
  dropped(): Promise<readonly DroppedEvents[]>;
  /** As {@link readMemory}, of memory as it was at an instant. Rejects with another Error where it has not come. */
  readInstant(name: InstantName, raddr: number, length: number): Promise<Uint8Array>;
  /**
   * Compares whole pages of memory as it was at an instant with what lies on a disk from `offset` on, without moving either.
   * @returns real addresses of the pages that differ. Rejects as {@link readInstant}.
   */
  compareDisk(
    name: InstantName,
    raddr: number,
    length: number,
    disk: number,
    offset: number,
  ): Promise<readonly number[]>;
  /**
   * The first some thousand pages from an address on that were written after an instant, ascending; also those that hold the same
   * bytes again. None: there are no more. Rejects as {@link readInstant}.
   */
  changes(name: InstantName, from: number): Promise<readonly PageChange[]>;
  /** The flattened tree that power-on gave the kernel; undefined before power-on, and where it was given none. */
  machineTree(): Promise<Uint8Array | undefined>;
  /** Writes whole sectors of a memory disk from outside. Rejects for any other disk, and outside it. */
  writeDisk(disk: number, offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * What the guest wrote to a scratch disk since this was asked last, in whole chunks of 64 KiB by offset, the first ones. Where
   * they are all asked for, the rest of the disk is zeros. While the guest runs, the answer comes when so many bytes have been
   * written, or the guest rests with some; once it has ended, at once.
   */
  takeWritten(disk: number, atLeast: number): Promise<WrittenParts>;
  /** Reads `length` bytes of a scratch disk. */
  readDisk(disk: number, offset: number, length: number): Promise<Uint8Array>;
  /** Powers off and frees the worker, within a second. What was asked for and not answered yet rejects. */
  close(): Promise<void>;
}
