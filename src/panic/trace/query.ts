/** Selects a part of a trace: by CPU, by kind, by time, one page at a time. */

import type { Trace, TraceInstant } from './document.ts';
import type { TraceEvent } from './event.ts';

/** A place in a trace: an instruction count of the partition, or an instant. */
export type TraceBound = number | TraceInstant;

export type TraceQuery = {
  /** Logical indexes; -1 for devices. Absent: all. */
  readonly cpus?: readonly number[];
  /** Kinds that no event has match nothing. */
  readonly kinds?: readonly string[];
  /** Events at this place and after. */
  readonly from?: TraceBound;
  /** Events before this place. */
  readonly to?: TraceBound;
  /** At most so many events. */
  readonly limit: number;
  /** Events with this number and after: `next` of the page before. */
  readonly after?: number;
};

/** The trace with the events that were asked for, and the number of the one that comes next. */
export type TracePart = Trace & { readonly next?: string };

/** An instant that was not reached lies after all events: no event follows it, and all precede it. */
export function queryTrace(trace: Trace, query: TraceQuery): TracePart {
  const events: TraceEvent[] = [];
  for (const event of trace.events) {
    if (event.n < (query.after ?? 0) || !matches(trace, event, query)) continue;
    if (events.length === query.limit) return { ...trace, events, next: String(event.n) };
    events.push(event);
  }
  return { ...trace, events };
}

function matches(trace: Trace, event: TraceEvent, { cpus, kinds, from, to }: TraceQuery): boolean {
  if (cpus !== undefined && !cpus.includes(event.cpu)) return false;
  if (kinds !== undefined && !kinds.includes(event.kind)) return false;
  if (from !== undefined && isBefore(trace, event, from)) return false;
  return to === undefined || isBefore(trace, event, to);
}

function isBefore({ instants }: Trace, event: TraceEvent, bound: TraceBound): boolean {
  if (typeof bound === 'number') return event.insn < bound;
  const instant = instants[bound];
  return instant === undefined || event.n < instant.event;
}
