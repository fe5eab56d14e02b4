/**
 * H_SIGNAL_SYS_RESET: a system reset interrupt on one vCPU, on all, or on all but the caller.
 * Source: Linux 6.1 arch/powerpc/include/asm/hvcall.h (targets); arch/powerpc/platforms/pseries/smp.c stops the other CPUs of a panic by it. A vCPU
 * that was never started has nowhere to take it and is passed over, so that a reset of all others starts no vCPU.
 * A partition may refuse it, as firmware that lacks the call does: ibm,hypertas-functions has no name for it, so a kernel
 * learns by H_Function that it is not there (Linux then sends an interrupt).
 */

import { vcpuByHardwareId } from '../contract/addresses.ts';
import type { FirmwareMachine, HcallFamily } from '../contract/contract.ts';
import { H, status } from '../contract/status.ts';
import { arg, family } from './table.ts';

const ALL = -1n;
const ALL_OTHERS = -2n;

/** @param refused the call answers H_Function for every target */
export function systemResetHcalls(machine: FirmwareMachine, refused = false): HcallFamily {
  if (refused) return family({ H_SIGNAL_SYS_RESET: () => status(H.function) });
  return family({
    H_SIGNAL_SYS_RESET: (caller, args) => {
      const target = BigInt.asIntN(64, arg(args, 0));
      if (target === ALL || target === ALL_OTHERS) {
        for (const vcpu of machine.vcpus) {
          if (vcpu.runState === 'stopped' || (target === ALL_OTHERS && vcpu === caller)) continue;
          vcpu.systemReset();
        }
        return status(H.success);
      }
      const vcpu = target < 0n ? undefined : vcpuByHardwareId(machine, target);
      if (vcpu === undefined) return status(H.parameter);
      if (vcpu.runState === 'running') vcpu.systemReset();
      return status(H.success);
    },
  });
}
