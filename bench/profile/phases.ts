/**
 * The phases of a crash, and where they begin in a run: by the marks of the guest's lines, as the benchmark of stock Linux has
 * them, by the instants T0 to T4 of the trace, and by what the daemon does.
 */

import type { TraceInstant } from '../../src/panic/trace/index.ts';
import { LineBuffer, type Mark, markOfAgent, marksOfConsole } from '../guests/marks.ts';
import type { GuestRecord, Moment, Nanoseconds, ThreadRecord } from './record.ts';

/** What ends a phase, in order, and how it is called. */
export const ENDS = {
  'power-on': 'power-on',
  'start-kernel': 'the kernel’s first lines',
  init: '/init',
  ready: 'agent ready, crash kernel loaded',
  t0: 'T0 (crash kexec begins)',
  t1: 'T1 (purgatory)',
  t2: 'T2 (the crash kernel’s first instruction)',
  'crash-init': 'the crash kernel’s /init',
  t3: 'T3 (first write to the dump disk)',
  t4: 'T4 (last write)',
  over: 'the guest restarts',
  examined: 'examined and judged',
  stored: 'stored',
} as const;
export type End = keyof typeof ENDS;

/** `insn`: the partition's instruction count. */
export type Place = { readonly at: Nanoseconds; readonly insn: number };
export type Phase = { readonly name: string; readonly from: Place; readonly to: Place };
export type Instants = Readonly<Partial<Record<TraceInstant, { readonly insn: number }>>>;
type Storing = NonNullable<ThreadRecord['storing']>;

/** The phases of a run; an end that the guest does not have (the built-in one has no /init) makes one phase of two. */
export function phasesOf(begun: Nanoseconds, places: ReadonlyMap<End, Place>): readonly Phase[] {
  const phases: Phase[] = [];
  let from: Place = { at: begun, insn: 0 };
  let name = 'the daemon starts';
  for (const [end, text] of Object.entries(ENDS) as [End, string][]) {
    const to = places.get(end);
    if (to === undefined) continue;
    if (to.at < from.at) throw new Error(`${name} comes after ${text}`);
    phases.push({ name: `${name} → ${text}`, from, to });
    [from, name] = [to, text.replace(/ \(.*\)$/, '')];
  }
  return phases;
}

/** @throws Error where the guest did not crash and end */
export function placesOf(
  { moments }: GuestRecord,
  instants: Instants,
  storing: Storing | undefined,
): ReadonlyMap<End, Place> {
  const over = moments.at(-1);
  if (over?.power !== 'over' || storing === undefined) throw new Error('the guest did not crash and end');
  const places = new Map<End, Place>(lineMarks(moments));
  const ascending = ascendingOf(moments);
  for (const [name, instant] of Object.entries(instants) as [TraceInstant, { readonly insn: number }][])
    places.set(name, { at: timeOf(ascending, instant.insn), insn: instant.insn });
  places.set('over', over);
  places.set('examined', { at: storing.began, insn: over.insn });
  places.set('stored', { at: storing.ended, insn: over.insn });
  return places;
}

/** The counts at a place: those of the last moment up to it. */
export function countsAt({ moments, counted }: GuestRecord, place: Place): ReadonlyMap<string, number> {
  const last = moments.findLast(({ at }) => at <= place.at);
  return new Map(counted.map((name, i) => [name, last?.counts?.[i] ?? 0]));
}

/** T0 to T2 and T4 are the trace's: lines come after them. */
const OF_LINES: readonly Mark[] = ['start-kernel', 'init', 'ready', 'crash-init'];

function lineMarks(moments: readonly Moment[]): Map<End, Place> {
  const found = new Map<Mark, Place>();
  const buffer = new LineBuffer();
  const marksAt = (moment: Moment): readonly Mark[] => {
    if (moment.text !== undefined)
      return buffer.addText(moment.text).flatMap((line) => marksOfConsole(line, (mark) => found.has(mark)));
    if (moment.line === undefined) return [];
    // The built-in guest is ready where it has loaded what its plan names.
    const mark = moment.line.startsWith('ok load ') ? 'ready' : markOfAgent(moment.line);
    return mark === undefined ? [] : [mark];
  };
  for (const moment of moments)
    for (const mark of marksAt(moment)) if (!found.has(mark)) found.set(mark, moment);
  const places = new Map<End, Place>(moments[0] === undefined ? [] : [['power-on', moments[0]]]);
  for (const [mark, place] of found) if (OF_LINES.includes(mark)) places.set(mark as End, place);
  return places;
}

/** Without moments of what had happened earlier: the last write to the dump disk is reported at the end. */
function ascendingOf(moments: readonly Moment[]): readonly Place[] {
  const kept: Moment[] = [];
  for (const moment of moments) if (moment.insn >= (kept.at(-1)?.insn ?? 0)) kept.push(moment);
  return kept;
}

/** When the partition had executed so many instructions: between two moments in proportion. */
function timeOf(moments: readonly Place[], insn: number): Nanoseconds {
  const next = moments.findIndex((each) => each.insn >= insn);
  const to = moments[next];
  const from = moments[next - 1];
  if (to === undefined) throw new Error(`the run has no instruction ${insn}`);
  if (from === undefined || to.insn === insn) return to.at;
  return from.at + ((to.at - from.at) * (insn - from.insn)) / (to.insn - from.insn);
}
