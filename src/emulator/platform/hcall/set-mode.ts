/**
 * H_SET_MODE: the partition's interrupt endianness and alternate interrupt location. Both are of the partition: they
 * hold for every vCPU, those that are started later included.
 *
 * Source: QEMU 7.2 hw/ppc/spapr_hcall.c (resources, flags, parameter errors; AIL 1 is reserved), Linux 6.1
 * arch/powerpc/include/asm/hvcall.h. Left out: CIABR and DAWR (resources 1, 2 and 5), which this machine's processors do not give to a
 * partition: H_P2, as QEMU answers.
 */

import type { FirmwareMachine, HcallFamily, HcallStatus } from '../contract.ts';
import { H, status } from '../status.ts';
import { arg, family } from './table.ts';

const RESOURCE_ADDRESS_TRANSLATION_MODE = 3n;
const RESOURCE_ENDIAN = 4n;
const ENDIAN_BIG = 0n;
const ENDIAN_LITTLE = 1n;

export function setModeHcalls(machine: FirmwareMachine): HcallFamily {
  return family({
    H_SET_MODE: (_vcpu, args) => {
      const resource = arg(args, 1);
      if (resource !== RESOURCE_ADDRESS_TRANSLATION_MODE && resource !== RESOURCE_ENDIAN) return status(H.p2);
      if (arg(args, 2) !== 0n) return status(H.p3);
      if (arg(args, 3) !== 0n) return status(H.p4);
      const set = resource === RESOURCE_ENDIAN ? setEndian : setLocation;
      return status(set(machine, arg(args, 0)));
    },
  });
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
