/**
 * start-cpu, stop-self, query-cpu-stopped-state.
 * Source: QEMU 7.2 hw/ppc/spapr_rtas.c, Linux 6.1 arch/powerpc/platforms/pseries/smp.c. A started vCPU enters in 64-bit big-endian real mode with r3 = the third argument. A vCPU that
 * spins in the kernel's hold loop is not stopped: if RTAS said so, a crash kernel would start it a second time.
 */

import { vcpuByHardwareId } from '../contract/addresses.ts';
import type { FirmwareMachine, RtasFamily } from '../contract/contract.ts';
import { RTAS } from '../contract/status.ts';
import { cellArg, service } from './service.ts';

/** query-cpu-stopped-state; 1 would be a vCPU on its way to stopping, which takes no time here. */
const STOPPED = 0;
const NOT_STOPPED = 2;

export function cpuServices(machine: FirmwareMachine): RtasFamily {
  return new Map([
    [
      'start-cpu',
      service(3, 1, (_caller, args) => {
        const vcpu = vcpuByHardwareId(machine, cellArg(args, 0));
        const entry = cellArg(args, 1);
        if (vcpu === undefined || entry % 4 !== 0 || !machine.memory.isRam(entry, 4))
          return [RTAS.parameterError];
        if (vcpu.runState !== 'stopped') return [RTAS.hardwareError];
        vcpu.start(entry, BigInt(cellArg(args, 2)));
        return [RTAS.success];
      }),
    ],
    [
      'stop-self',
      service(0, 1, (vcpu) => {
        vcpu.stop();
        return 'none';
      }),
    ],
    [
      'query-cpu-stopped-state',
      service(1, 2, (_caller, args) => {
        const vcpu = vcpuByHardwareId(machine, cellArg(args, 0));
        if (vcpu === undefined) return [RTAS.parameterError];
        return [RTAS.success, vcpu.runState === 'stopped' ? STOPPED : NOT_STOPPED];
      }),
    ],
  ]);
}
