/**
 * What hypercalls and RTAS calls may do to the machine. The partition implements it; `hcall/` and `rtas/` call it.
 */

import type { Clock, ReportUnsupported } from '../../devices/contract.ts';
import type { GuestMemory } from '../../memory/contract.ts';
import type { HashTable } from '../../mmu/hash/table.ts';

/** Whether a vCPU was started, as RTAS query-cpu-stopped-state reports it. */
export type VcpuRunState = 'stopped' | 'running';

/** One virtual processor as firmware sees it; `index` counts from 0, `hardwareId` is the interrupt server number. */
export interface FirmwareVcpu {
  readonly index: number;
  readonly hardwareId: number;
  readonly runState: VcpuRunState;
  /** A general purpose register, 0 to 31, as an unsigned 64-bit value. */
  gpr(n: number): bigint;
  setGpr(n: number, value: bigint): void;
  /** The machine state register, unsigned. */
  readonly msr: bigint;
  /** RTAS start-cpu: enter `entry` in 64-bit big-endian real mode with r3 = `r3`. */
  start(entry: number, r3: bigint): void;
  /** Continues at a real address, with MSR as it is: after an interrupt, which has turned translation off. */
  enter(address: bigint): void;
  /** RTAS stop-self: leave service until {@link start}. */
  stop(): void;
  /** H_CEDE: enable MSR[EE], then sleep until an interrupt or a prod. Returns at once when either is pending. */
  cede(): void;
  /** H_PROD: wake from cede, or make the next cede return at once. */
  prod(): void;
  /** H_CONFER and friends: end this vCPU's slice. */
  yieldSlice(): void;
  /**
   * H_JOIN and H_CONFER to oneself: sleep, MSR untouched, until a prod or a system reset; returns at once when a prod
   * is pending. Absent: the machine has no such sleep and H_JOIN is not offered.
   */
  join?(): void;
  /** Whether it sleeps in {@link join}. */
  readonly joined?: boolean;
  /** A system reset interrupt (0x100), delivered whatever MSR[EE] says. A stopped vCPU does not take it. */
  systemReset(): void;
  /** The external interrupt input (level). */
  setExternalInterrupt(asserted: boolean): void;
  /** An interrupt's MSR mode for H_SET_MODE: big-endian when false. */
  setInterruptLittleEndian(on: boolean): void;
  /** LPCR[AIL]: 0, 2 or 3. */
  setAlternateInterruptLocation(ail: 0 | 2 | 3): void;
  /** CIABR: an address whose low two bits are the state that it is for, problem (1) or privileged (2); 0 for none. */
  setInstructionBreakpoint(ciabr: bigint): void;
  /** H_SET_SPRG0. */
  setSprg0(value: bigint): void;
  /** Where this vCPU is, for reports: the address of the instruction being executed. */
  readonly nia: bigint;
}

/** The machine that hypercalls and RTAS act on. */
export interface FirmwareMachine {
  readonly memory: GuestMemory;
  readonly clock: Clock;
  readonly vcpus: readonly FirmwareVcpu[];
  readonly unsupported: ReportUnsupported;
  /** The partition's seeded byte source: H_RANDOM, RTAS and the tree draw from it, in order. */
  randomBytes(count: number): Uint8Array;
  /** The hashed page table; absent: the partition translates by radix trees. */
  readonly hashTable?: HashTable;
  /** H_REGISTER_PROCESS_TABLE, radix: PATE dword 1 as the call gives it (0 when deregistered). Flushes every TLB. */
  setProcessTable(radix: boolean, base: number, sizeLog2: number): void;
  /** The call under way takes so many nanoseconds more of the guest's time (cost.ts). They pass when it returns. */
  spend(nanoseconds: number): void;
  /** Drops every translation of every vCPU. */
  flushTlbs(): void;
  /** The power cycle ends in the way named. The calling vCPU does not return. */
  powerOff(): void;
  reboot(): void;
  /** ibm,os-term: the call returns, unless the partition is to end at it. */
  osTerm(message: string): void;
  /** There is nothing that could run on: a client program of Open Firmware is done, or a CPU is in checkstop. */
  cannotGoOn(message: string): void;
}

/** Hypercall status values, LoPAR 14.5.1 (also Linux arch/powerpc/include/asm/hvcall.h). */
export type HcallStatus = number;

/** What a hypercall answers: r3, and r4 upward where it returns values. A vCPU that does not return answers `none`. */
export type HcallResult =
  | { readonly kind: 'status'; readonly status: HcallStatus; readonly returns?: readonly bigint[] }
  | { readonly kind: 'none' };

/** One hypercall: `args` are r4 to r12, unsigned. */
export type HcallHandler = (vcpu: FirmwareVcpu, args: readonly bigint[]) => HcallResult;

/** A family of hypercalls: opcode → name and handler. Families are merged into one table; an opcode in two is a bug. */
export type HcallFamily = ReadonlyMap<number, { readonly name: string; readonly handler: HcallHandler }>;

/**
 * One RTAS call: `args` are the input cells (32-bit, unsigned).
 * @returns the status cell and further output cells, or 'none' when the calling CPU does not return.
 */
export type RtasHandler = (vcpu: FirmwareVcpu, args: readonly number[]) => readonly number[] | 'none';

/**
 * A family of RTAS services: name → argument count, return count (status included) and handler.
 * `minNrets` is given where a caller may ask for fewer cells than `nrets`; the rest of the answer is then dropped.
 */
export type RtasFamily = ReadonlyMap<
  string,
  {
    readonly nargs: number;
    readonly nrets: number;
    readonly minNrets?: number;
    readonly handler: RtasHandler;
    /** A text that the arguments point to, for traces. */
    readonly textOf?: (args: readonly number[]) => string | undefined;
  }
>;
