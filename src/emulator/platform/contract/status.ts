/**
 * The one table of status numbers: hypercalls and RTAS.
 * Source: PAPR's values as Linux 6.1 arch/powerpc/include/asm/hvcall.h and QEMU 7.2 include/hw/ppc/spapr.h (RTAS_OUT_*)
 * have them. Only what this platform answers is listed.
 */

import type { HcallResult, HcallStatus } from './contract.ts';

export const H = {
  success: 0,
  busy: 1,
  /** Resizing: nothing was prepared. Queues: no partner is connected. */
  closed: 2,
  constrained: 4,
  /** H_JOIN: the caller is the last one running. H_CLEAR_HPT: there is more to do. */
  continue: 18,
  hardware: -1,
  function: -2,
  privilege: -3,
  parameter: -4,
  badMode: -5,
  ptegFull: -6,
  notFound: -7,
  authority: -10,
  /** H_SEND_CRQ: the partner's queue is full. */
  dropped: -12,
  resource: -16,
  p2: -55,
  p3: -56,
  p4: -57,
  p5: -58,
  /** -256 to -511 say that a flag is not supported; hypervisors in use do not say which bit. */
  unsupportedFlag: -256,
} as const;

export const RTAS = {
  success: 0,
  /** check-exception and event-scan: nothing to report. */
  noErrorsFound: 1,
  hardwareError: -1,
  busy: -2,
  parameterError: -3,
  /** ibm,get-system-parameter: no such parameter. */
  notSupported: -3,
  systemParameterError: -9999,
  notAuthorized: -9002,
} as const;

export function status(value: HcallStatus): HcallResult {
  return { kind: 'status', status: value };
}

/** H_SUCCESS, and r4 upward. */
export function success(...returns: bigint[]): HcallResult {
  return { kind: 'status', status: H.success, returns };
}
