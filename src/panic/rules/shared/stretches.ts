/** Stretches of a trace between two instants. */

import type { TraceEvent } from '../../trace/index.ts';
import type { RuleInput } from './input.ts';

/** Events by number: `from` and after it, before `to`. */
export type Stretch = { readonly from: number; readonly to: number };

const END = Number.POSITIVE_INFINITY;

/** From T0 (the whole trace, where there is none) to T1 or, where the image was never entered, to the end. */
export function untilEntry({ instants }: RuleInput): Stretch {
  return { from: instants.t0?.event ?? 0, to: instants.t1?.event ?? END };
}

/** After T1 and before T2, or the end; empty where the image was not entered. */
export function inPurgatory({ instants }: RuleInput): Stretch {
  return { from: (instants.t1?.event ?? END) + 1, to: instants.t2?.event ?? END };
}

/** After T2; empty where the new kernel was not entered. */
export function afterStart({ instants }: RuleInput): Stretch {
  return { from: (instants.t2?.event ?? END) + 1, to: END };
}

/** From T0, or the beginning, to the end. */
export function sinceTrigger({ instants }: RuleInput): Stretch {
  return { from: instants.t0?.event ?? 0, to: END };
}

export function eventsIn({ events }: RuleInput, { from, to }: Stretch): readonly TraceEvent[] {
  return events.filter(({ n }) => n >= from && n < to);
}

/** The event of an instant. */
export function eventOf(
  { events }: RuleInput,
  instant: { readonly event: number } | undefined,
): TraceEvent | undefined {
  return instant === undefined ? undefined : events.find(({ n }) => n === instant.event);
}
