/**
 * Hypercalls by which a CPU undoes what the firmware keeps for it: it unregisters its areas, empties its event queue, and
 * silences its inter-processor interrupt (MFRR 0xff).
 * Source: LoPAR, H_REGISTER_VPA (flags, bits 16–18: 5 VPA, 6 dispatch trace log, 7 SLB shadow, to be unregistered), H_IPI,
 * H_INT_SET_QUEUE_CONFIG; Linux 6.1 arch/powerpc/include/asm/hvcall.h, platforms/pseries/kexec.c, sysdev/xics.
 */

import { type EventSort, type HcallEvent, hypercalls, type TraceEvent } from '../../trace/index.ts';

const CALLS = ['H_REGISTER_VPA', 'H_IPI', 'H_INT_SET_QUEUE_CONFIG'] as const;

export type Teardown = HcallEvent & { readonly name: (typeof CALLS)[number] };

/** Functions of H_REGISTER_VPA that unregister. */
const UNREGISTER: Readonly<Record<string, string>> = {
  '5': 'VPA',
  '6': 'dispatch log',
  '7': 'SLB shadow',
};
const FUNCTION_SHIFT = 45n;
const FUNCTION_MASK = 7n;
const LEAST_FAVOURED = 0xffn;

export function isTeardown(event: TraceEvent): event is Teardown {
  if (event.kind !== 'hcall') return false;
  switch (event.name) {
    case 'H_REGISTER_VPA':
      return unregistered(event) !== undefined;
    case 'H_IPI':
      return BigInt(event.regs.r5) === LEAST_FAVOURED;
    case 'H_INT_SET_QUEUE_CONFIG':
      return BigInt(event.regs.r7) === 0n && BigInt(event.regs.r8) === 0n;
    default:
      return false;
  }
}

/** A dropped call that may have been one: its arguments are not known. */
export function mayBeTeardown(sort: EventSort): boolean {
  return hypercalls(sort, CALLS);
}

/** The thread that the call names. */
export function targetOf({ name, regs }: Teardown): bigint {
  return BigInt(name === 'H_IPI' ? regs.r4 : regs.r5);
}

export function nameTeardown(event: Teardown): string {
  switch (event.name) {
    case 'H_REGISTER_VPA':
      return unregistered(event) ?? 'nothing';
    case 'H_IPI':
      return 'MFRR';
    case 'H_INT_SET_QUEUE_CONFIG':
      return `event queue ${BigInt(event.regs.r6)}`;
  }
}

function unregistered({ regs }: HcallEvent): string | undefined {
  return UNREGISTER[`${(BigInt(regs.r4) >> FUNCTION_SHIFT) & FUNCTION_MASK}`];
}
