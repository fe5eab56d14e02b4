/** Whether a CPU has address translation on, as far as events show it. */

import { MSR_TRANSLATION } from '../../../base/power.ts';
import type { EventSort, FetchEvent, MsrEvent, TraceEvent } from '../../trace/index.ts';

/** The MSR value has translation off for instructions and data. */
export function isRealMode(msr: bigint): boolean {
  return (msr & MSR_TRANSLATION) === 0n;
}

/** A CPU leaves these events with an MSR that is known. */
export function showsMsr(event: TraceEvent): event is MsrEvent | FetchEvent {
  return event.kind === 'msr' || event.kind === 'fetch';
}

/** The MSR after the event. */
export function msrAfter(event: MsrEvent | FetchEvent): bigint {
  return BigInt(event.kind === 'msr' ? event.regs.after : event.regs.msr);
}

/** The last event before event number `before` that shows a CPU's MSR. */
export function lastMsr(
  events: readonly TraceEvent[],
  cpu: number,
  before: number,
): MsrEvent | FetchEvent | undefined {
  return events.filter(showsMsr).findLast((event) => event.cpu === cpu && event.n < before);
}

/** Changes of a CPU's MSR, for {@link notKept}. */
export function msrOf(cpu: number): (sort: EventSort) => boolean {
  return (sort) => sort.kind === 'msr' && sort.cpu === cpu;
}
