/**
 * Constants of the Power architecture that more than one folder needs: bits of the machine state register, interrupt
 * vectors, the quadrants of effective addresses, the timebase. Special purpose registers are in emulator/cpu/spr.ts.
 * Source: Power ISA 3.0B, Book III; section numbers stand at each group.
 */

type MsrBit =
  | 'SF'
  | 'HV'
  | 'VEC'
  | 'VSX'
  | 'EE'
  | 'PR'
  | 'FP'
  | 'ME'
  | 'FE0'
  | 'SE'
  | 'BE'
  | 'FE1'
  | 'IR'
  | 'DR'
  | 'PMM'
  | 'RI'
  | 'LE';

/** Bits of the MSR, Book III §3.2.1. `PMM` is the performance monitor mark. */
export const MSR: Readonly<Record<MsrBit, bigint>> = {
  SF: 1n << 63n,
  HV: 1n << 60n,
  VEC: 1n << 25n,
  VSX: 1n << 23n,
  EE: 1n << 15n,
  PR: 1n << 14n,
  FP: 1n << 13n,
  ME: 1n << 12n,
  FE0: 1n << 11n,
  SE: 1n << 10n,
  BE: 1n << 9n,
  FE1: 1n << 8n,
  IR: 1n << 5n,
  DR: 1n << 4n,
  PMM: 1n << 2n,
  RI: 1n << 1n,
  LE: 1n,
};

/** Some of those that stand in the low word, as numbers: a guest's MSR is looked at with each exit from compiled code. */
export const MSR_LOW: Readonly<Record<'VEC' | 'VSX' | 'EE' | 'PR' | 'FP' | 'IR' | 'DR' | 'LE', number>> = {
  VEC: Number(MSR.VEC),
  VSX: Number(MSR.VSX),
  EE: Number(MSR.EE),
  PR: Number(MSR.PR),
  FP: Number(MSR.FP),
  IR: Number(MSR.IR),
  DR: Number(MSR.DR),
  LE: Number(MSR.LE),
};

/** MSR[IR] and MSR[DR]: both are 0 in real mode. */
export const MSR_TRANSLATION: bigint = MSR.IR | MSR.DR;

/** Effective addresses of interrupt vectors, Book III §6.5 (figure "Effective addresses of interrupt vectors"). */
export const VECTOR = {
  systemReset: 0x100,
  machineCheck: 0x200,
  dataStorage: 0x300,
  dataSegment: 0x380,
  instructionStorage: 0x400,
  instructionSegment: 0x480,
  external: 0x500,
  alignment: 0x600,
  program: 0x700,
  floatingPointUnavailable: 0x800,
  decrementer: 0x900,
  hypervisorDecrementer: 0x980,
  directedPrivilegedDoorbell: 0xa00,
  systemCall: 0xc00,
  trace: 0xd00,
  hypervisorDataStorage: 0xe00,
  hypervisorInstructionStorage: 0xe20,
  hypervisorEmulationAssistance: 0xe40,
  directedHypervisorDoorbell: 0xe80,
  hypervisorVirtualization: 0xea0,
  performanceMonitor: 0xf00,
  vectorUnavailable: 0xf20,
  vsxUnavailable: 0xf40,
  facilityUnavailable: 0xf60,
} as const;

/**
 * The top four bits of an effective address. In real mode the processor ignores them (Book III §5.7.3); with radix
 * translation the top two choose the quadrant (§5.7.5.1); Linux maps all memory linearly in quadrant 0b11.
 */
export const EA_REGION = 0xf000000000000000n;

/** The timebase of POWER8 and POWER9 in ticks a second; Book II §6.1 leaves the rate to the implementation. */
export const TIMEBASE_HZ = 512_000_000;
