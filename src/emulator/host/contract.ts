/**
 * What the rest of the program sees of a running partition. Each partition lives in a worker thread; this is the
 * conversation with it. Everything here is plain data that survives structured cloning.
 */

import type { MemoryRange } from '../memory/contract.ts';
import type { WrittenPage } from '../memory/snapshots.ts';

export type { PageWriter } from '../memory/snapshots.ts';

export type Processor = 'power8' | 'power9';
export type MmuMode = 'hash' | 'radix';
export type Firmware = 'flat' | 'open-firmware';
/** `xive` is POWER9's, in exploitation mode. */
export type InterruptController = 'xics' | 'xive';

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
  /**
   * How the kernel is entered: `flat`, the default, with a flattened tree in r3; `open-firmware` with a client interface
   * in r5, so that it reads and lays out its tree itself. It then lies 4 MiB up unless {@link loadAt} says otherwise.
   */
  readonly firmware?: Firmware;
  /** Default: XICS. */
  readonly interruptController?: InterruptController;
};

/** How a partition's life ended. */
export type PartitionEnd =
  | { readonly kind: 'power-off' }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'os-term'; readonly message: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'error'; readonly message: string };

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
 * - `interrupt`: one of the plan's vectors was taken. regs: srr0, srr1, r1.
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

/** Registers at a point that `where` names: a probe, or `interrupt 0xVECTOR` (delivered, nothing of the handler executed). */
export type RegisterFrame = { readonly where: string; readonly insn: number; readonly regs: RegisterSet };

/** The last time that a vCPU came to a probe of `frames`, and the last interrupt of each vector before that. */
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

/** Valid entries of a hash page table; `hypervisor` of them are its own. `sample`: some of the others, `slot: v r`. */
export type HashCensus = {
  readonly valid: number;
  readonly hypervisor: number;
  readonly sample: readonly string[];
};

/** The machine at an instant, beside its memory. */
export type InstantRecord = {
  readonly name: InstantName;
  /** What it was recognised by: the probe, `reset` or `interrupt 0xVECTOR`. */
  readonly by: string;
  readonly cpu: number;
  readonly insn: number;
  readonly tb: bigint;
  readonly vcpus: readonly VcpuSnapshot[];
  readonly interrupts: readonly InterruptState[];
  /** Absent: the machine has no hash page table. */
  readonly hashTable?: HashCensus;
  readonly areas: readonly HypervisorArea[];
  /** Registered command queues, TCEs that allow an access, disk requests that are not done. */
  readonly crqs: number;
  readonly tces: number;
  readonly inFlight: number;
  /** As of this instant. */
  readonly saves: readonly SavePoint[];
  /** Interrupts taken last, by vCPU, where no probe of `frames` has come by. */
  readonly taken: readonly { readonly cpu: number; readonly interrupts: readonly RegisterFrame[] }[];
};

/** A page written after an instant. */
export type PageChange = WrittenPage;

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

/** The state of one vCPU, for dumps of registers and for checks. */
export type VcpuSnapshot = {
  readonly index: number;
  readonly hardwareId: number;
  /** `wedged`: by a fault; it executes nothing and takes no interrupt. */
  readonly state: 'stopped' | 'running' | 'ceded' | 'parked' | 'wedged';
  readonly gpr: readonly bigint[];
  readonly nia: bigint;
  readonly msr: bigint;
  readonly lr: bigint;
  readonly ctr: bigint;
  readonly cr: number;
  readonly xer: number;
};

/** What the worker tells, unasked. `insn` stamps are the partition's instruction count. */
export type PartitionNotice =
  | { readonly kind: 'console'; readonly vty: 0 | 1; readonly insn: number; readonly bytes: Uint8Array }
  | { readonly kind: 'machine-event'; readonly event: MachineEvent }
  /** `resting`: every vCPU has waited for some seconds of its own time and the partition stands still until input comes. */
  | { readonly kind: 'progress'; readonly insn: number; readonly resting: boolean }
  | {
      readonly kind: 'unsupported';
      readonly what: {
        readonly kind: string;
        readonly key: string;
        readonly where?: string;
        readonly detail?: string;
      };
      readonly count: number;
    }
  | { readonly kind: 'ended'; readonly end: PartitionEnd; readonly insn: number };

/** A partition as its owner drives it. Every promise rejects with an Error when the worker dies. */
export interface PartitionHandle {
  readonly config: PartitionConfig;
  /**
   * Powers on and runs until it ends or {@link stop} is called.
   * @param plan what to look out for from the first instruction on; see {@link observe}
   */
  start(plan?: ObservePlan): Promise<void>;
  /** Ends the run where it is. Idempotent. */
  stop(): Promise<void>;
  /** Console or agent input; it arrives at the next slice and is stamped with that instruction. */
  input(vty: 0 | 1, bytes: Uint8Array): Promise<void>;
  /** A system reset interrupt on one vCPU or on all. */
  nmi(cpu: number | 'all'): Promise<void>;
  /** Replaces what is looked out for; undefined ends it. Takes effect between two instructions, at once when idle. */
  observe(plan: ObservePlan | undefined): Promise<void>;
  /**
   * Replaces the faults that wait for their events; those without are done now. None outlives power-off. Rejects, and
   * does nothing, where one names memory or a vCPU that is not there.
   */
  inject(faults: readonly MachineFault[]): Promise<void>;
  vcpus(): Promise<readonly VcpuSnapshot[]>;
  /** Called for each notice, in order. @returns a function that ends the subscription. */
  subscribe(listener: (notice: PartitionNotice) => void): () => void;
  /** Reads real memory, for symbols and checks. Rejects with OutsideMemory's text when not RAM. */
  readMemory(raddr: number, length: number): Promise<Uint8Array>;
  /** The machine at an instant of the plan; undefined while it has not come. Kept until the plan is replaced. */
  instant(name: InstantName): Promise<InstantRecord | undefined>;
  /** As {@link readMemory}, of memory as it was at an instant. Rejects where it has not come. */
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
  /** The pages written after an instant, ascending; also those that hold the same bytes again. Rejects as {@link readInstant}. */
  changes(name: InstantName): Promise<readonly PageChange[]>;
  /** The flattened tree that power-on gave the kernel. Rejects before power-on. */
  machineTree(): Promise<Uint8Array>;
  /** Writes whole sectors of a memory disk from outside. Rejects for any other disk, and outside it. */
  writeDisk(disk: number, offset: number, bytes: Uint8Array): Promise<void>;
  /** Reads `length` bytes of a scratch disk. */
  readDisk(disk: number, offset: number, length: number): Promise<Uint8Array>;
  /** Frees the worker. */
  close(): Promise<void>;
}
