/**
 * check-exception and event-scan: this platform has no errors or events of its own to report (no EPOW, no hot plug),
 * so that both answer that there is none.
 * Source: QEMU 7.2 hw/ppc/spapr_events.c (status 1: no errors found; check-exception may have a seventh argument).
 */

import type { FirmwareMachine, RtasFamily, RtasHandler } from '../contract/contract.ts';
import { RTAS } from '../contract/status.ts';
import { cellArg, service } from './service.ts';

/** What /rtas says as rtas-error-log-max, and how often event-scan wants to be called (times a minute). */
export const RTAS_ERROR_LOG_MAX = 2048;
export const RTAS_EVENT_SCAN_RATE = 1;

export function eventServices(machine: FirmwareMachine): RtasFamily {
  const nothing =
    (bufferArg: number): RtasHandler =>
    (_vcpu, args) => {
      const usable = machine.memory.isRam(cellArg(args, bufferArg), cellArg(args, bufferArg + 1));
      return [usable ? RTAS.noErrorsFound : RTAS.parameterError];
    };
  return new Map([
    ['check-exception', service(6, 1, nothing(4), 1)],
    ['event-scan', service(4, 1, nothing(2))],
  ]);
}
