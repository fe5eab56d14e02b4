/**
 * H_SET_MODE: the partition's interrupt endianness and alternate interrupt location, which hold for every vCPU, those
 * that are started later included; and the calling vCPU's breakpoint, CIABR.
 *
 * Source: QEMU 7.2 hw/ppc/spapr_hcall.c (resources, flags, parameter errors; AIL 1 is reserved), Linux 6.1
 * arch/powerpc/include/asm/hvcall.h and arch/powerpc/kvm/book3s_hv.c (CIABR, which QEMU 7.2 leaves out). Left out: DAWR
 * (resources 2 and 5): H_P2, as QEMU answers.
 */

import type { FirmwareMachine, FirmwareVcpu, HcallFamily, HcallStatus } from '../contract/contract.ts';
import { H, status } from '../contract/status.ts';
import { arg, family } from './table.ts';

/** Of CIABR: the state that it is for, and the one that is not a partition's. */
const CIABR_STATE = 3n;
const CIABR_HYPERVISOR = 3n;
const RESOURCE_CIABR = 1n;
const RESOURCE_ADDRESS_TRANSLATION_MODE = 3n;
const RESOURCE_ENDIAN = 4n;
const ENDIAN_BIG = 0n;
const ENDIAN_LITTLE = 1n;

export function setModeHcalls(machine: FirmwareMachine): HcallFamily {
  return family({
    H_SET_MODE: (vcpu, args) => {
      const resource = arg(args, 1);
      if (resource === RESOURCE_CIABR) return status(setBreakpoint(vcpu, args));
      if (resource !== RESOURCE_ADDRESS_TRANSLATION_MODE && resource !== RESOURCE_ENDIAN) return status(H.p2);
      if (arg(args, 2) !== 0n) return status(H.p3);
      if (arg(args, 3) !== 0n) return status(H.p4);
      const set = resource === RESOURCE_ENDIAN ? setEndian : setLocation;
      return status(set(machine, arg(args, 0)));
    },
  });
}

function setBreakpoint(vcpu: FirmwareVcpu, args: readonly bigint[]): HcallStatus {
  const ciabr = arg(args, 2);
  if (arg(args, 3) !== 0n) return H.p4;
  if (arg(args, 0) !== 0n) return H.unsupportedFlag;
  if ((ciabr & CIABR_STATE) === CIABR_HYPERVISOR) return H.p3;
  vcpu.setInstructionBreakpoint(ciabr);
  return H.success;
}

function setEndian(machine: FirmwareMachine, flags: bigint): HcallStatus {
  if (flags !== ENDIAN_BIG && flags !== ENDIAN_LITTLE) return H.unsupportedFlag;
  for (const vcpu of machine.vcpus) vcpu.setInterruptLittleEndian(flags === ENDIAN_LITTLE);
  return H.success;
}

function setLocation(machine: FirmwareMachine, flags: bigint): HcallStatus {
  if (flags !== 0n && flags !== 2n && flags !== 3n) return H.unsupportedFlag;
  const ail = flags === 0n ? 0 : flags === 2n ? 2 : 3;
  for (const vcpu of machine.vcpus) vcpu.setAlternateInterruptLocation(ail);
  return H.success;
}
