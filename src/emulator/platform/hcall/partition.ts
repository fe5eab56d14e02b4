/**
 * What a partition asks about itself and its processors: home node, entitlement, PURR, processor characteristics,
 * random numbers; and the calls for which the answer is that this partition has nothing of the kind.
 *
 * Source: Linux 6.1 arch/powerpc/platforms/pseries/lparcfg.c (H_GET_PPP), setup.c (processor characteristics), vphn.c;
 * LoPAR, H_SET_SPRG0 and H_PIC; QEMU 7.2 hw/ppc/spapr_numa.c (H_HOME_NODE_ASSOCIATIVITY), spapr_rng.c, spapr_hcall.c.
 */

import { vcpuByHardwareId } from '../contract/addresses.ts';
import type { FirmwareMachine, HcallFamily } from '../contract/contract.ts';
import { H, status, success } from '../contract/status.ts';
import { arg, family } from './table.ts';

/** The one NUMA node. */
const NODE = 0n;
const UNUSED = 0xffff_ffff_ffff_ffffn;
/** H_HOME_NODE_ASSOCIATIVITY, flags: the id is a vCPU's, as H_REGISTER_VPA takes it. */
const BY_VCPU = 1n;
/** Entitlement is counted in hundredths of a processor. */
const WHOLE_PROCESSOR = 100n;
const WEIGHT = 128n;

/** Branch hints are honoured: they cannot do harm here. */
const CHARACTER_BRANCH_HINTS_HONOURED = 1n << 58n;
/**
 * Mitigations are wanted where a processor needs them (bit 0), and this one needs none: nothing is executed
 * speculatively, so that no L1 flush is called for on entry to or exit from the kernel (bits 7 and 8) nor on user
 * access, and no barrier against store forwarding (bit 9).
 */
const BEHAVIOUR_FAVOUR_SECURITY = 1n << 63n;
const BEHAVIOUR_NO_L1D_FLUSH_ENTRY = 1n << 56n;
const BEHAVIOUR_NO_L1D_FLUSH_UACCESS = 1n << 55n;
const BEHAVIOUR_NO_STORE_BARRIER = 1n << 54n;

export function partitionHcalls(machine: FirmwareMachine): HcallFamily {
  const processors = BigInt(machine.vcpus.length);
  const entitlement = processors * WHOLE_PROCESSOR;
  return family({
    H_HOME_NODE_ASSOCIATIVITY: (_vcpu, args) => {
      if (arg(args, 0) !== BY_VCPU) return status(H.function);
      const vcpu = vcpuByHardwareId(machine, arg(args, 1));
      if (vcpu === undefined) return status(H.p2);
      return success((NODE << 32n) | BigInt(vcpu.hardwareId), UNUSED, UNUSED, UNUSED, UNUSED, UNUSED);
    },
    // Uncapped, one processor a vCPU, none to spare; r8 is not promised without ibm,partition-performance-parameters-level.
    H_GET_PPP: () => success(entitlement, 0n, 0n, (WEIGHT << 40n) | (processors << 16n) | processors),
    H_SET_PPP: (_vcpu, args) => {
      const same = arg(args, 0) === entitlement && arg(args, 1) === WEIGHT;
      return status(same ? H.success : H.authority);
    },
    H_PURR: () => success(machine.clock.timebase()),
    H_GET_CPU_CHARACTERISTICS: () =>
      success(
        CHARACTER_BRANCH_HINTS_HONOURED,
        BEHAVIOUR_FAVOUR_SECURITY |
          BEHAVIOUR_NO_L1D_FLUSH_ENTRY |
          BEHAVIOUR_NO_L1D_FLUSH_UACCESS |
          BEHAVIOUR_NO_STORE_BARRIER,
      ),
    H_RANDOM: () => {
      let value = 0n;
      for (const byte of machine.randomBytes(8)) value = (value << 8n) | BigInt(byte);
      return success(value);
    },
    // SPRG0 of the calling processor, for operating systems that do not write it themselves.
    H_SET_SPRG0: (vcpu, args) => {
      vcpu.setSprg0(arg(args, 0));
      return status(H.success);
    },
    // What the pool of processors has idled, which a partition learns that may collect performance information.
    H_PIC: () => status(H.authority),
    // POWER9 has neither register.
    H_SET_DABR: () => status(H.hardware),
    H_SET_XDABR: () => status(H.hardware),
    // Linux asks without looking whether they are there: no accelerators, no performance counter interface.
    H_QUERY_VAS_CAPABILITIES: () => status(H.function),
    H_GET_PERF_COUNTER_INFO: () => status(H.function),
  });
}
