/**
 * H_CEDE, H_PROD, H_CONFER and H_JOIN.
 * Source: QEMU 7.2 hw/ppc/spapr_hcall.c (h_cede, h_confer, h_prod, h_join). What a wake-up is, the machine knows
 * ({@link FirmwareVcpu}); here are the arguments, the statuses and who has joined.
 */

import { MSR } from '../../../base/power.ts';
import { vcpuByHardwareId } from '../contract/addresses.ts';
import type { FirmwareMachine, FirmwareVcpu, HcallFamily, HcallResult } from '../contract/contract.ts';
import { H, status } from '../contract/status.ts';
import { arg, family } from './table.ts';
import type { VpaTable } from './vpa.ts';

/** H_CONFER's target for all others. */
const ALL = 0xffff_ffff_ffff_ffffn;

export function schedulingHcalls(machine: FirmwareMachine, vpas: VpaTable): HcallFamily {
  return family({
    H_CEDE: (vcpu) => {
      vpas.leave(vcpu);
      vcpu.cede();
      return status(H.success);
    },
    H_PROD: (_vcpu, args) => {
      const target = vcpuByHardwareId(machine, arg(args, 0));
      if (target === undefined) return status(H.parameter);
      target.prod();
      return status(H.success);
    },
    H_CONFER: (vcpu, args) => confer(machine, vpas, vcpu, args),
    H_JOIN: (vcpu) => {
      if (vcpu.join === undefined) return status(H.function);
      if ((vcpu.msr & MSR.EE) !== 0n) return status(H.badMode);
      const othersRun = machine.vcpus.some(
        (other) => other !== vcpu && other.runState === 'running' && !other.joined,
      );
      if (!othersRun) return status(H.continue);
      vpas.leave(vcpu);
      vcpu.join();
      return status(H.success);
    },
  });
}

function confer(
  machine: FirmwareMachine,
  vpas: VpaTable,
  vcpu: FirmwareVcpu,
  args: readonly bigint[],
): HcallResult {
  if (arg(args, 0) !== ALL) {
    const target = vcpuByHardwareId(machine, arg(args, 0));
    if (target === undefined) return status(H.parameter);
    // To itself means: until prodded.
    if (target === vcpu && vcpu.join !== undefined) {
      vpas.leave(vcpu);
      vcpu.join();
      return status(H.success);
    }
    if (target !== vcpu) {
      // The caller saw the target undispatched at this count; if it has run since, the lock may be free.
      const seen = Number(arg(args, 1) & 0xffff_ffffn);
      if ((seen & 1) === 0 || vpas.yieldCount(target) !== seen) return status(H.success);
    }
  }
  vcpu.yieldSlice();
  return status(H.success);
}
