/**
 * The XICS presentation hypercalls: H_EOI, H_CPPR, H_IPI, H_IPOLL, H_XIRR, H_XIRR_X.
 * Source: PAPR's hcall-interrupt, as Linux 6.1 arch/powerpc/sysdev/xics/icp-hv.c and QEMU 7.2 hw/intc/xics_spapr.c have it.
 * XIRR is 32 bits; a CPPR or MFRR is the low byte of its argument.
 */

import type { Xics } from '../../devices/index.ts';
import { exactNumber } from '../contract/addresses.ts';
import type { FirmwareMachine, HcallFamily } from '../contract/contract.ts';
import { H, status, success } from '../contract/status.ts';
import { arg, family } from './table.ts';

export function interruptHcalls(machine: FirmwareMachine, xics: Xics): HcallFamily {
  return family({
    H_XIRR: (vcpu) => success(BigInt(xics.accept(vcpu.hardwareId))),
    H_XIRR_X: (vcpu) => success(BigInt(xics.accept(vcpu.hardwareId)), machine.clock.timebase()),
    H_CPPR: (vcpu, args) => {
      xics.setCppr(vcpu.hardwareId, Number(arg(args, 0) & 0xffn));
      return status(H.success);
    },
    H_EOI: (vcpu, args) => {
      xics.endOfInterrupt(vcpu.hardwareId, Number(arg(args, 0) & 0xffff_ffffn));
      return status(H.success);
    },
    H_IPI: (_vcpu, args) => {
      const server = exactNumber(arg(args, 0));
      if (server === undefined || !xics.setMfrr(server, Number(arg(args, 1) & 0xffn)))
        return status(H.parameter);
      return status(H.success);
    },
    H_IPOLL: (_vcpu, args) => {
      const server = exactNumber(arg(args, 0));
      if (server === undefined || !xics.hasServer(server)) return status(H.parameter);
      const { xirr, mfrr } = xics.poll(server);
      return success(BigInt(xirr), BigInt(mfrr));
    },
  });
}
