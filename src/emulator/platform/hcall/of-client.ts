/**
 * H_OF_CLIENT, the private hypercall behind the client interface's entry: r4 is the real address of the argument array
 * (32 bits: the client calls with MSR[SF] = 0). H_PARAMETER, which the client sees as -4, only when there is no array there;
 * H_FUNCTION on a partition that was not started by Open Firmware.
 */

import type { FirmwareMachine, HcallFamily } from '../contract/contract.ts';
import { FIRMWARE_CALL_NS } from '../contract/cost.ts';
import { H, status } from '../contract/status.ts';
import type { OpenFirmware } from '../of-client/index.ts';
import { arg, family } from './table.ts';

/** @param firmware The firmware of this power cycle, if it has one; called at each hypercall. */
export function clientHcalls(
  machine: FirmwareMachine,
  firmware: () => OpenFirmware | undefined,
): HcallFamily {
  return family({
    H_OF_CLIENT: (vcpu, args) => {
      const client = firmware();
      if (client === undefined) return status(H.function);
      machine.spend(FIRMWARE_CALL_NS);
      return status(client.call(vcpu, Number(arg(args, 0) & 0xffff_ffffn)) ? H.success : H.parameter);
    },
  });
}
