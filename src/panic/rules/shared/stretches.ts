/** Stretches of a trace between two instants. */

import { calls, type FunctionName, type TraceEvent } from '../../trace/index.ts';
import { masterOf } from './cpus.ts';
import { pathOf, type RuleInput } from './input.ts';
import { isTeardown } from './teardowns.ts';
import { isRealMode, msrAfter } from './translation.ts';

/** Events by number: `from` and after it, before `to`. */
export type Stretch = { readonly from: number; readonly to: number };

const END = Number.POSITIVE_INFINITY;

/** From T0 (the whole trace, where there is none) to T1 or, where the image was never entered, to the end. */
export function untilEntry({ instants }: RuleInput): Stretch {
  return { from: instants.t0?.event ?? 0, to: instants.t1?.event ?? END };
}

const COPY_FUNCTIONS: readonly FunctionName[] = ['kexec_sequence', 'kexec_copy_flush'];

/**
 * When an image is copied: from the moment at which the last CPU is down, up to T1. Until then the image's places are the old
 * kernel's to use: for an ordinary kexec Linux brings its offline CPUs up, which takes memory (6.1
 * arch/powerpc/kexec/core_64.c kexec_prepare_cpus). The functions that copy show the moment; where they have no names, the last
 * CPU's teardown or its leaving virtual mode does. Of a crash image, which has its place to itself, it is all from T0.
 * @returns undefined where nothing shows the moment
 */
export function whileCopied(input: RuleInput): Stretch | undefined {
  const way = untilEntry(input);
  if (pathOf(input) === 'crash') return way;
  const master = masterOf(input)?.index;
  const events = eventsIn(input, way);
  const isNamed = COPY_FUNCTIONS.some((name) => input.image.probes.includes(name));
  const begins = isNamed
    ? events.find((event) => event.cpu === master && calls(event, COPY_FUNCTIONS))
    : events.findLast((event) => isLastStep(event, master));
  return begins === undefined ? undefined : { ...way, from: begins.n };
}

/** A step by which a CPU goes down: the master's teardown, a secondary's leaving virtual mode. */
function isLastStep(event: TraceEvent, master: number | undefined): boolean {
  if (event.cpu === master) return isTeardown(event);
  return event.kind === 'msr' && isRealMode(msrAfter(event));
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
