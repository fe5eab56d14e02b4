/**
 * The facility unavailable interrupt: Power ISA 3.0B, Book III, §6.5.27, and FSCR, §6.2.11. Which facility was asked for
 * stands in FSCR[IC].
 */

import { VECTOR } from '../../base/power.ts';
import { EXIT } from '../cpu/exit.ts';
import { deliver } from '../cpu/interrupts.ts';
import { SPR } from '../cpu/spr.ts';
import type { SpecialHost } from './special-host.ts';

/** FSCR[IC], bits 0–7. DSCR, EBB, TAR and SCV have a bit of FSCR that switches them on, numbered from the right by their cause. */
export const FACILITY = {
  dscr: 2,
  performanceMonitor: 3,
  transactionalMemory: 5,
  eventBasedBranch: 7,
  targetRegister: 8,
  systemCallVectored: 12,
} as const;
export type Facility = (typeof FACILITY)[keyof typeof FACILITY];

const INTERRUPT_CAUSE = 0xffn << 56n;

/** Whether FSCR gives a facility to programs. */
export function isAvailable(s: SpecialHost, facility: Facility): boolean {
  return (s.vcpu().spr(SPR.FSCR) & (1n << BigInt(facility))) !== 0n;
}

/** Takes the interrupt at the instruction being executed. @returns the exit code. */
export function facilityUnavailable(s: SpecialHost, facility: Facility): number {
  const vcpu = s.vcpu();
  vcpu.setSpr(SPR.FSCR, (vcpu.spr(SPR.FSCR) & ~INTERRUPT_CAUSE) | (BigInt(facility) << 56n));
  vcpu.unreturned++;
  deliver(vcpu, VECTOR.facilityUnavailable, vcpu.cia);
  s.host.interruptTaken(vcpu, VECTOR.facilityUnavailable, vcpu.cia);
  return EXIT.special;
}
