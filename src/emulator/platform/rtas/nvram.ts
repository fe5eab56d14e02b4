/**
 * nvram-fetch and nvram-store: index, buffer, length → status, number of bytes moved.
 * Source: Linux 6.1 arch/powerpc/platforms/pseries/nvram.c.
 */

import type { Nvram } from '../../devices/index.ts';
import type { FirmwareMachine, RtasFamily } from '../contract/contract.ts';
import { bytesNs } from '../contract/cost.ts';
import { RTAS } from '../contract/status.ts';
import { cellArg, service } from './service.ts';

export function nvramServices(machine: FirmwareMachine, nvram: Nvram): RtasFamily {
  const move = (copy: (offset: number, raddr: number, length: number) => void) =>
    service(3, 2, (_vcpu, args) => {
      const offset = cellArg(args, 0);
      const raddr = cellArg(args, 1);
      const length = cellArg(args, 2);
      if (!nvram.has(offset, length) || !machine.memory.isRam(raddr, length)) return [RTAS.parameterError, 0];
      copy(offset, raddr, length);
      machine.spend(bytesNs(length));
      return [RTAS.success, length];
    });
  return new Map([
    ['nvram-fetch', move((offset, raddr, length) => machine.memory.write(raddr, nvram.read(offset, length)))],
    ['nvram-store', move((offset, raddr, length) => nvram.write(offset, machine.memory.read(raddr, length)))],
  ]);
}
