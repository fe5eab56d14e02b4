/** `sc 1` as the engine meets it: opcode in r3, arguments in r4 to r12, status and results back in r3 upward. */

import type { Vcpu } from '../../cpu/vcpu.ts';
import type { FirmwareVcpu, HcallResult } from '../../platform/contract/contract.ts';

export type HcallObserver = (opcode: number, args: readonly bigint[], result: HcallResult) => void;

const ARGUMENTS = 9;

/** Runs one hypercall for the vCPU that is active. */
export function runHypercall(
  vcpu: Vcpu,
  firmware: FirmwareVcpu,
  dispatch: (vcpu: FirmwareVcpu, opcode: number, args: readonly bigint[]) => HcallResult,
  observe: HcallObserver,
): void {
  const opcode = vcpu.gpr(3);
  const args = Array.from({ length: ARGUMENTS }, (_, i) => vcpu.gpr(4 + i));
  // An opcode that does not exist reaches the dispatcher unchanged, which refuses and counts it.
  const result = dispatch(firmware, Number(opcode), args);
  if (result.kind === 'status') {
    vcpu.setGpr(3, BigInt(result.status));
    result.returns?.forEach((value, i) => {
      vcpu.setGpr(4 + i, value);
    });
  }
  observe(Number(opcode), args, result);
}
