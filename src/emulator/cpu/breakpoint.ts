/**
 * The completed instruction address breakpoint, CIABR: Power ISA 3.0B, Book III, §8.3. An address and the state in which
 * its instruction has to be executed, problem (1) or privileged (2); nothing matches with 0, and with 3 hypervisors alone.
 */

import { MSR } from '../../base/power.ts';
import type { Vcpu } from './vcpu.ts';

const CIABR_STATE = 3n;
const PROBLEM = 1n;
const PRIVILEGED = 2n;
const PAGE = ~0xfffn;

/** Whether an instruction at `address`, executed with `mode` as MSR, is the one that the vCPU's CIABR names. */
export function breaksAt(vcpu: Vcpu, address: bigint, mode: bigint): boolean {
  const { ciabr } = vcpu;
  return ciabr !== 0n && (ciabr & ~CIABR_STATE) === address && isState(ciabr, mode);
}

/** Whether the vCPU is on the page of the instruction that its CIABR names, and in its state. */
export function breaksNear(vcpu: Vcpu): boolean {
  const { ciabr } = vcpu;
  return ciabr !== 0n && ((ciabr ^ vcpu.nia) & PAGE) === 0n && isState(ciabr, vcpu.msr);
}

function isState(ciabr: bigint, mode: bigint): boolean {
  return (ciabr & CIABR_STATE) === ((mode & MSR.PR) === 0n ? PRIVILEGED : PROBLEM);
}
