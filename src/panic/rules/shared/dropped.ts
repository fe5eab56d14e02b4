/**
 * Events that were dropped by a limit (`more` of a trace). Where an event may be among them, its absence proves nothing: a
 * judge that is about to conclude from it asks {@link notKept} first.
 *
 * Limits keep the first events of a place or a call on a CPU. So a dropped one comes at `since` or later; where that is not
 * known, after the last one that was kept. Calls, changes of the MSR and interrupts have one limit up to T2 and another
 * one after it. Fetches and stores without a place are those of version 1 that version 2 has no name for: no rule asks
 * for them.
 */

import { type EventSort, isMark, type MoreEvents, markText, type TraceEvent } from '../../trace/index.ts';
import type { Judgement, RuleInput } from './input.ts';
import type { Stretch } from './stretches.ts';
import { verdict } from './verdict.ts';

/**
 * @param isAsked the events from whose absence the judge would conclude
 * @returns `not-evaluated` with the reason, where such events may have come in the stretch and were dropped
 */
export function notKept(
  input: RuleInput,
  stretch: Stretch,
  isAsked: (sort: EventSort) => boolean,
): Judgement | undefined {
  for (const more of input.more ?? []) {
    if (isNameless(more) || !isAsked(more) || !mayLieIn(input, more, stretch)) continue;
    const kept = input.events.findLast((event) => isOfSort(event, more));
    return verdict('not-evaluated', `not all was kept that this is judged by: ${describe(more)}`, [kept]);
  }
  return undefined;
}

function isNameless({ kind, mark }: MoreEvents): boolean {
  return (kind === 'fetch' || kind === 'store') && mark === undefined;
}

function mayLieIn(input: RuleInput, more: MoreEvents, { from, to }: Stretch): boolean {
  // Between two events that follow each other there is room for one that was dropped.
  if (from > to || from === Number.POSITIVE_INFINITY) return false;
  if (more.since !== undefined) {
    const end = input.events.find(({ n }) => n >= to);
    return end === undefined || more.since <= end.insn;
  }
  return phasesOf(input, more).some((phase) => {
    const kept = input.events.filter(
      (event) => event.n >= phase.from && event.n < phase.to && isOfSort(event, more),
    );
    const last = kept.at(-1);
    return kept.length >= phase.limit && last !== undefined && last.n < to && phase.to > from;
  });
}

/** The smallest limits, of any kind up to T2 and after it (src/panic/watch). */
const LEAST_BEFORE_START = 16;
const LEAST = 1;

/** Stretches that have a limit of their own, which is at least `limit`. */
function phasesOf(
  { instants }: RuleInput,
  { kind }: MoreEvents,
): readonly (Stretch & { readonly limit: number })[] {
  const end = Number.POSITIVE_INFINITY;
  if (kind === 'fetch' || kind === 'store') return [{ from: 0, to: end, limit: LEAST }];
  const start = instants.t2?.event ?? end;
  return [
    { from: 0, to: start, limit: LEAST_BEFORE_START },
    { from: start, to: end, limit: LEAST },
  ];
}

/** Whether the event counts against the same limit. */
function isOfSort(event: TraceEvent, more: MoreEvents): boolean {
  if (event.cpu !== more.cpu || event.kind !== more.kind) return false;
  switch (event.kind) {
    case 'fetch':
    case 'store':
      return more.mark !== undefined && isMark(event.mark, more.mark);
    default:
      return more.name === undefined || callOf(event) === more.name;
  }
}

/** What events without a place are counted by within their kind. */
function callOf(event: Exclude<TraceEvent, { kind: 'fetch' | 'store' }>): string | undefined {
  switch (event.kind) {
    case 'hcall':
      return event.name ?? hex(event.opcode);
    case 'interrupt':
      return hex(event.vector);
    case 'rtas':
    case 'syscall':
    case 'syscall-return':
    case 'fault':
      return event.name;
    case 'run':
      return event.change;
    case 'census':
      return event.state;
    case 'msr':
    case 'eoi':
    case 'reset':
    case 'disk':
      return undefined;
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function describe({ cpu, kind, mark, name, count }: MoreEvents): string {
  const what = mark === undefined ? name : markText(mark);
  const whose = cpu < 0 ? 'of a device' : `of CPU ${cpu}`;
  return `${count} more events of kind ${kind}${what === undefined ? '' : ` (${what})`} ${whose} were dropped`;
}
