/**
 * Rule `stop-reached`: every online secondary is stopped and saves its registers once; the note names one that is not with
 * what it was doing (docs/handoff.md; Linux 6.1 arch/powerpc/kexec/crash.c, kernel/crash_core.c: the note is written once
 * for each saving). A panic that comes to no crash kexec, because another CPU holds the kexec lock, stops CPUs in its own way
 * (kernel/kexec_core.c __crash_kexec, kernel/panic.c): nothing is to be saved then.
 */

import {
  CRASH_FUNCTIONS,
  CRASH_STOP_FUNCTIONS,
  calls,
  type EventSort,
  type HcallEvent,
  hypercalls,
  type ResetEvent,
  storesAt,
  type TraceEvent,
} from '../../trace/index.ts';
import { lastSeen, nameCpu, secondariesOf, withoutSecondaries } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isStop, mayBeStop } from '../shared/places.ts';
import { eventsIn, untilEntry } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function stopReached(input: RuleInput): Judgement {
  const { instants, image } = input;
  const alone = withoutSecondaries(input);
  if (alone !== undefined) return alone;
  if (instants.t0 === undefined) return verdict('not-reached', 'no panic was seen');
  if (image.load === undefined)
    return verdict('not-reached', 'no crash image is loaded: nothing stops CPUs for one', [instants.t0]);
  const events = eventsIn(input, untilEntry(input));
  const open = instants.t1 === undefined && !events.some(stopsForDump) ? withoutStop(input) : undefined;
  if (open !== undefined) return open;
  const isSave = image.load.notes.length > 0 ? storesNote : savesByName;
  const faults: string[] = [];
  const evidence: TraceEvent[] = [];
  const stops: Stop[] = [];
  for (const cpu of secondariesOf(input)) {
    const own = events.filter((event) => event.cpu === cpu.index);
    const stop = own.find((event) => isStop(event));
    const saves = own.filter((event) => isSave(event));
    if (stop !== undefined) stops.push(stop);
    evidence.push(...(stop === undefined ? [] : [stop]), ...saves);
    if (saves.length === 1) continue;
    if (saves.length > 1) {
      faults.push(`${nameCpu(cpu)} saved its registers ${saves.length} times`);
      continue;
    }
    const hidden = notKept(
      input,
      untilEntry(input),
      (sort) => sort.cpu === cpu.index && (mayBeStop(sort) || isSave(sort)),
    );
    if (hidden !== undefined) return hidden;
    const what = stop === undefined ? 'was not stopped' : 'did not save its registers';
    faults.push(`${nameCpu(cpu)} ${what}; ${lastSeen(input, cpu.index, instants.t1?.event)}`);
  }
  if (faults.length > 0) return verdict('broken', faults.join('; '), [instants.t0, ...evidence]);
  const signals = events.filter((event) => hypercalls(event, 'H_SIGNAL_SYS_RESET'));
  const resets = events.filter((event) => event.kind === 'reset');
  return verdict('held', how(stops, signals, resets), [...signals, ...resets, ...evidence]);
}

/** CPUs are being stopped for a dump. */
function stopsForDump(sort: EventSort): boolean {
  return calls(sort, CRASH_STOP_FUNCTIONS) || calls(sort, 'crash_save_cpu') || storesAt(sort, 'note');
}

/** Nothing shows that the kernel began to stop CPUs for a dump. */
function withoutStop(input: RuleInput): Judgement {
  const { instants, image } = input;
  if (!CRASH_STOP_FUNCTIONS.some((name) => image.probes.includes(name)))
    return verdict(
      'not-evaluated',
      "no CPU saved its registers, and the guest's symbols do not name the functions in which a crash kexec stops CPUs",
      [instants.t0],
    );
  const tried = eventsIn(input, untilEntry(input)).filter((event) => calls(event, CRASH_FUNCTIONS));
  const why =
    tried.length === 0
      ? 'the panic did not come to its crash kexec'
      : `${CRASH_FUNCTIONS.join(', ')} did not begin its crash kexec, as where another CPU holds the kexec lock`;
  return (
    notKept(input, untilEntry(input), stopsForDump) ??
    verdict('not-reached', `${why}: nothing stops CPUs for a dump`, [instants.t0, ...tried])
  );
}

type Stop = Extract<TraceEvent, { kind: 'interrupt' | 'fetch' }>;

/** The places of notes are known: each save writes to the CPU's own. */
function storesNote(event: EventSort): boolean {
  return storesAt(event, { at: 'note', cpu: event.cpu });
}

function savesByName(event: EventSort): boolean {
  return calls(event, 'crash_save_cpu');
}

/** Who asked for the stops. Where the interrupts do not say it, the calls and the operator's resets do. */
function how(stops: readonly Stop[], signals: readonly HcallEvent[], resets: readonly ResetEvent[]): string {
  const interrupts = stops.filter((stop) => stop.kind === 'interrupt');
  const said = (who: 'outside' | 'guest'): boolean =>
    interrupts.some(({ requestedBy }) => requestedBy === who);
  const known = interrupts.length > 0 && interrupts.every(({ requestedBy }) => requestedBy !== undefined);
  const signalled = signals.some(({ status }) => status !== undefined && BigInt(status) === 0n);
  const ways = [
    ...(said('guest') || (!known && signalled) ? ['by H_SIGNAL_SYS_RESET'] : []),
    ...(said('outside') || (!known && !signalled && resets.length > 0)
      ? ['by a system reset from outside']
      : []),
  ];
  return ways.length === 0 ? 'by an interrupt through the interrupt controller' : ways.join(' and ');
}
