/**
 * The XICS source controller's services: ibm,set-xive, ibm,get-xive, ibm,int-on, ibm,int-off.
 * Source: QEMU 7.2 hw/intc/xics_spapr.c, Linux 6.1 arch/powerpc/sysdev/xics/ics-rtas.c. Arguments are source number, server number and priority (0 to 0xff, 0xff masks).
 */

import type { Xics } from '../../devices/index.ts';
import type { RtasFamily } from '../contract/contract.ts';
import { RTAS } from '../contract/status.ts';
import { cellArg, service } from './service.ts';

export function interruptServices(xics: Xics): RtasFamily {
  const done = (exists: boolean): readonly number[] => [exists ? RTAS.success : RTAS.parameterError];
  return new Map([
    [
      'ibm,set-xive',
      service(3, 1, (_vcpu, args) => {
        const priority = cellArg(args, 2);
        return done(priority <= 0xff && xics.route(cellArg(args, 0), cellArg(args, 1), priority));
      }),
    ],
    [
      'ibm,get-xive',
      service(1, 3, (_vcpu, args) => {
        const source = xics.source(cellArg(args, 0));
        if (source === undefined) return [RTAS.parameterError];
        return [RTAS.success, source.server, source.priority];
      }),
    ],
    ['ibm,int-on', service(1, 1, (_vcpu, args) => done(xics.unmask(cellArg(args, 0))))],
    ['ibm,int-off', service(1, 1, (_vcpu, args) => done(xics.mask(cellArg(args, 0))))],
  ]);
}
