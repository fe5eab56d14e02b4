/**
 * Defines the events of a trace (version 2, docs/trace.md), one struct for each kind. 64-bit values are 16-digit hex strings with `0x`;
 * bytes are hex without it, in order of addresses. `text` is rendered by words.ts and is for people alone.
 */

import type {
  FetchRegister,
  HcallName,
  InterruptRegister,
  RunChange,
  VcpuState,
} from '../../emulator/contract/index.ts';
import type { Mark } from './mark.ts';

type Hex64 = string;
type HexBytes = string;

type Common<Kind extends string> = {
  readonly kind: Kind;
  /** Counts the events of a trace from 0. */
  readonly n: number;
  /** Logical index; -1 for a device or the machine itself. */
  readonly cpu: number;
  /** The partition's instruction count when it happened. */
  readonly insn: number;
  readonly tb: Hex64;
  readonly text: string;
};

/** Where code is: an effective address, and the name of what lies there, where it has one. */
type Place = { readonly addr: Hex64; readonly symbol?: string };

/** An instruction at a watched place was executed. `raddr`: the real address that it was fetched from. */
export type FetchEvent = Common<'fetch'> &
  Place & {
    readonly mark: Mark;
    readonly raddr: Hex64;
    readonly regs: Readonly<Record<FetchRegister, Hex64>>;
  };

/** Bytes of a watched place were written. `addr`: real address. Stores of one CPU to bytes that follow each other are one event. */
export type StoreEvent = Common<'store'> & {
  readonly addr: Hex64;
  readonly mark: Mark;
  readonly length: number;
  /** Memory before and after: at most the first 256 bytes. Absent in traces of version 1, which kept no new bytes. */
  readonly old?: HexBytes;
  readonly new?: HexBytes;
  /** The function of the instruction that wrote. */
  readonly symbol?: string;
  /** The instruction that wrote, and its r3; absent: a device, or the machine itself. */
  readonly regs?: { readonly nia: Hex64; readonly r3: Hex64 };
};

/** The MSR changed in a watched bit. `addr`: the instruction that changed it. */
export type MsrEvent = Common<'msr'> &
  Place & { readonly regs: { readonly before: Hex64; readonly after: Hex64; readonly r3?: Hex64 } };

/** A hypercall. `status`: absent where the call did not return. */
export type HcallEvent = Common<'hcall'> &
  Place & {
    /** Absent: the machine does not know the opcode. */
    readonly name?: HcallName;
    readonly opcode: number;
    readonly regs: Readonly<Record<'r4' | 'r5' | 'r6' | 'r7' | 'r8', Hex64>>;
    readonly status?: Hex64;
  };

/** `message`: what the guest says by ibm,os-term. */
export type RtasEvent = Common<'rtas'> & {
  readonly name: string;
  readonly args: readonly number[];
  readonly message?: string;
};

/** An interrupt was taken. `addr`: the vector; `symbol`: what was interrupted. */
export type InterruptEvent = Common<'interrupt'> &
  Place & {
    readonly vector: number;
    /** A system reset: asked for by the operator or by the guest. Absent for others, and in traces of version 1. */
    readonly requestedBy?: 'outside' | 'guest';
    readonly regs: Readonly<Record<InterruptRegister, Hex64>>;
  };

/** A CPU ended an interrupt. */
export type EoiEvent = Common<'eoi'> & {
  readonly controller: 'xics' | 'xive';
  readonly source: number;
  readonly cppr?: number;
};

/** A segment that kexec_load was given: real address and sizes in bytes. */
export type LoadSegment = { readonly mem: Hex64; readonly memsz: number; readonly bufsz: number };

export type SyscallEvent = Common<'syscall'> &
  Place & {
    readonly name: 'kexec_load';
    readonly entry: Hex64;
    readonly flags: Hex64;
    /** As many as the call says; absent: its list could not be read. */
    readonly segments?: readonly LoadSegment[];
  };

/** `result`: `ok`, or the name of the errno. */
export type SyscallReturnEvent = Common<'syscall-return'> &
  Place & { readonly name: 'kexec_load'; readonly result: string; readonly regs: { readonly r3: Hex64 } };

/** The operator sent a system reset. */
export type ResetEvent = Common<'reset'>;

type CpuRegisters = { readonly regs: { readonly msr: Hex64; readonly r3: Hex64 } };
/** A CPU's state changed. `addr`: its next instruction. */
export type RunEvent = Common<'run'> & Place & CpuRegisters & { readonly change: RunChange };
/** What a CPU does when crash kexec begins, and when the image is entered. */
export type CensusEvent = Common<'census'> & Place & CpuRegisters & { readonly state: VcpuState };

export type DiskEvent = Common<'disk'> & {
  readonly write: 'first' | 'last';
  readonly disk: number;
  readonly offset: number;
  readonly length: number;
};

/** Damage that was asked for was done. */
export type FaultEvent = Common<'fault'> & {
  readonly name: string;
  readonly damage:
    | { readonly kind: 'flip'; readonly raddr: Hex64; readonly old: number; readonly new: number }
    | { readonly kind: 'wedge'; readonly addr: Hex64; readonly msr: Hex64; readonly r1: Hex64 };
};

export type TraceEvent =
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
export type TraceEventKind = TraceEvent['kind'];

const KINDS: Readonly<Record<TraceEventKind, true>> = {
  fetch: true,
  store: true,
  msr: true,
  hcall: true,
  rtas: true,
  interrupt: true,
  eoi: true,
  syscall: true,
  'syscall-return': true,
  reset: true,
  run: true,
  census: true,
  disk: true,
  fault: true,
};
/** Every kind, in the order in which the page lists them. */
export const EVENT_KINDS: readonly TraceEventKind[] = Object.keys(KINDS) as TraceEventKind[];

/** Events that were seen and not kept. */
export type MoreEvents = {
  readonly cpu: number;
  /** Absent: version 1 named a kind that version 2 does not have. */
  readonly kind?: TraceEventKind;
  /** The place, where the kind has one. */
  readonly mark?: Mark;
  /** The call, where the kind has one. */
  readonly name?: string;
  readonly count: number;
  /** The partition's instruction count at the first of them; absent where it is not known. */
  readonly since?: number;
};
