/**
 * Registers that programs may access when the kernel lets them: by FSCR the facilities' (Power ISA 3.0B, Book III §6.2.11),
 * by MMCR0[PMCC] the performance monitor's (§9.4.1). In privileged state they are always there.
 */

import { EXIT } from '../cpu/exit.ts';
import { MSR_PR } from '../cpu/layout.ts';
import { SPR } from '../cpu/spr.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import { FACILITY, type Facility, facilityUnavailable, isAvailable } from './facility.ts';
import type { SpecialHost } from './special-host.ts';

/** The value, or, where there is none to be had, an exit code. */
export type Reader = (vcpu: Vcpu) => bigint | number;
/** Returns an exit code, 0 to continue. */
export type Writer = (vcpu: Vcpu, value: bigint) => number;

const ALL = (1n << 64n) - 1n;
const LOW_WORD = 0xffff_ffffn;

/** In problem state, where FSCR does not give the facility to programs: the interrupt's exit code; else undefined. */
export function offered(s: SpecialHost, vcpu: Vcpu, facility: Facility): number | undefined {
  if (vcpu.get32(MSR_PR) === 0 || isAvailable(s, facility)) return undefined;
  return facilityUnavailable(s, facility);
}

type EventKey = 'BESCR' | 'BESCRS' | 'BESCRSU' | 'BESCRR' | 'BESCRRU' | 'EBBHR' | 'EBBRR';

/**
 * Event-based branches, Book II §7.2: BESCRS and BESCRR set and reset the bits of BESCR that are 1 in the source, and
 * BESCRSU and BESCRRU those of its upper word. No event happens here.
 */
export function eventBasedBranches(s: SpecialHost): {
  readonly readers: Readonly<Record<EventKey, Reader>>;
  readonly writers: Readonly<Record<EventKey, Writer>>;
} {
  const read =
    (field: 'bescr' | 'ebbhr' | 'ebbrr', shift = 0n): Reader =>
    (vcpu) =>
      offered(s, vcpu, FACILITY.eventBasedBranch) ?? vcpu[field] >> shift;
  const write =
    (change: (vcpu: Vcpu, value: bigint) => void): Writer =>
    (vcpu, value) => {
      const refused = offered(s, vcpu, FACILITY.eventBasedBranch);
      if (refused === undefined) change(vcpu, value);
      return refused ?? 0;
    };
  const upper = (value: bigint): bigint => (value & LOW_WORD) << 32n;
  const set = (vcpu: Vcpu, mask: bigint): void => {
    vcpu.bescr |= mask;
  };
  const reset = (vcpu: Vcpu, mask: bigint): void => {
    vcpu.bescr &= ~mask;
  };
  return {
    readers: {
      BESCR: read('bescr'),
      BESCRS: read('bescr'),
      BESCRSU: read('bescr', 32n),
      BESCRR: read('bescr'),
      BESCRRU: read('bescr', 32n),
      EBBHR: read('ebbhr'),
      EBBRR: read('ebbrr'),
    },
    writers: {
      BESCR: write((vcpu, value) => {
        vcpu.bescr = value;
      }),
      BESCRS: write(set),
      BESCRSU: write((vcpu, value) => set(vcpu, upper(value))),
      BESCRR: write(reset),
      BESCRRU: write((vcpu, value) => reset(vcpu, upper(value))),
      EBBHR: write((vcpu, value) => {
        vcpu.ebbhr = value;
      }),
      EBBRR: write((vcpu, value) => {
        vcpu.ebbrr = value;
      }),
    },
  };
}

type GroupA = 'MMCR0' | 'MMCR2' | 'MMCRA' | 'PMC1' | 'PMC2' | 'PMC3' | 'PMC4' | 'PMC5' | 'PMC6';
type GroupB = 'SIER' | 'SIAR' | 'SDAR' | 'MMCR1';
/** MMCR0[PMCC], bits 44 and 45: what of group A programs may access. */
const PMCC = { readOnly: 0, nothing: 1, withoutPmc56: 3 } as const;
/** The bits that programs see: FC, PMAE, PMAO of MMCR0; FCnP0 of MMCR2. Book III §9.4.4 and §9.4.6. */
const PROGRAMS: Partial<Readonly<Record<GroupA, bigint>>> = {
  MMCR0: 0x8400_0080n,
  MMCR2: [1, 10, 19, 28, 37, 46].reduce((mask, bit) => mask | (1n << BigInt(63 - bit)), 0n),
};

/** The performance monitor's registers by the numbers of programs: Book III §9.4.1. */
export function performanceMonitor(s: SpecialHost): {
  readonly readers: Readonly<Record<`${GroupA | GroupB}_USER`, Reader>>;
  readonly writers: Readonly<Record<`${GroupA}_USER`, Writer>>;
} {
  const refused = (vcpu: Vcpu, of: GroupA, write: boolean): number | undefined => {
    if (vcpu.get32(MSR_PR) === 0) return undefined;
    const pmcc = Number((vcpu.spr(SPR.MMCR0) >> 18n) & 3n);
    const outside = (of === 'PMC5' || of === 'PMC6') && pmcc === PMCC.withoutPmc56;
    if (outside || pmcc === PMCC.nothing) return facilityUnavailable(s, FACILITY.performanceMonitor);
    return write && pmcc === PMCC.readOnly ? EXIT.illegal : undefined;
  };
  const visible = (vcpu: Vcpu, of: GroupA): bigint =>
    (vcpu.get32(MSR_PR) === 0 ? undefined : PROGRAMS[of]) ?? (of.startsWith('PMC') ? LOW_WORD : ALL);
  const groupA = <T>(make: (of: GroupA) => T): Record<`${GroupA}_USER`, T> => ({
    MMCR0_USER: make('MMCR0'),
    MMCR2_USER: make('MMCR2'),
    MMCRA_USER: make('MMCRA'),
    PMC1_USER: make('PMC1'),
    PMC2_USER: make('PMC2'),
    PMC3_USER: make('PMC3'),
    PMC4_USER: make('PMC4'),
    PMC5_USER: make('PMC5'),
    PMC6_USER: make('PMC6'),
  });
  return {
    readers: {
      ...groupA(
        (of): Reader =>
          (vcpu) =>
            refused(vcpu, of, false) ?? vcpu.spr(SPR[of]) & visible(vcpu, of),
      ),
      SIER_USER: (vcpu) => vcpu.spr(SPR.SIER),
      SIAR_USER: (vcpu) => vcpu.spr(SPR.SIAR),
      SDAR_USER: (vcpu) => vcpu.spr(SPR.SDAR),
      MMCR1_USER: (vcpu) => vcpu.spr(SPR.MMCR1),
    },
    writers: groupA(
      (of): Writer =>
        (vcpu, value) => {
          const code = refused(vcpu, of, true);
          if (code !== undefined) return code;
          const mask = visible(vcpu, of);
          vcpu.setSpr(SPR[of], (vcpu.spr(SPR[of]) & ~mask) | (value & mask));
          return 0;
        },
    ),
  };
}
