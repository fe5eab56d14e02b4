/**
 * Computes the time axis of a handoff. Time is the partition's instruction count. Half a million instructions lie between
 * T0 and T1 and hundreds of millions after T1; on one linear axis the first part would be invisible. Each stretch between
 * two instants is therefore a segment of its own, linear inside, whose width grows with the number of its events.
 * Positions are `u` from 0 to 1 over the whole; the view is a part of that.
 */

import type { Instant, Trace, TraceEvent, TraceInstant } from '../../../src/panic/trace/index.ts';
import { TRACE_INSTANTS } from '../../../src/panic/trace/index.ts';

/** Between two marks of the axis. `from` and `to` are instruction counts, `u0` and `u1` positions. */
export type Segment = {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly u0: number;
  readonly u1: number;
};

export type Mark = { readonly name: TraceInstant; readonly instant: Instant };

export type Axis = { readonly segments: readonly Segment[]; readonly marks: readonly Mark[] };

/** A part of the axis, `0 ≤ from < to ≤ 1`. */
export type View = { readonly from: number; readonly to: number };
export const WHOLE: View = { from: 0, to: 1 };

/** No view is narrower: a segment's single instructions would still be apart. */
const NARROWEST = 1e-7;
/** Each segment gets at least so much of what an equal share would be. */
const EQUAL_SHARE = 0.55;

/** Lays out the axis of a trace. An empty trace has one segment of no length. */
export function layAxis(trace: Pick<Trace, 'instants' | 'events'>): Axis {
  const marks = TRACE_INSTANTS.flatMap((name): Mark[] => {
    const instant = trace.instants[name];
    return instant === undefined ? [] : [{ name, instant }];
  });
  const insns = trace.events.map((event) => event.insn);
  const first = Math.min(...insns, ...marks.map((mark) => mark.instant.insn));
  const last = Math.max(...insns, ...marks.map((mark) => mark.instant.insn));
  if (!Number.isFinite(first)) return { segments: [{ name: 'empty', from: 0, to: 1, u0: 0, u1: 1 }], marks };

  const bounds: { name: string; at: number }[] = marks.map((mark) => ({
    name: mark.name.toUpperCase(),
    at: mark.instant.insn,
  }));
  if (bounds[0] === undefined || bounds[0].at > first) bounds.unshift({ name: 'before', at: first });
  const end = bounds.at(-1);
  if (end === undefined || end.at < last || bounds.length === 1)
    bounds.push({ name: 'end', at: Math.max(last, first + 1) });

  const stretches = bounds.slice(1).map((to, i) => {
    const from = bounds[i] ?? to;
    const events = trace.events.filter((event) => event.insn >= from.at && event.insn < to.at).length;
    return { name: `${from.name} → ${to.name}`, from: from.at, to: to.at, events };
  });
  const total = stretches.reduce((sum, stretch) => sum + Math.sqrt(stretch.events + 1), 0);
  let u = 0;
  const segments = stretches.map(({ name, from, to, events }): Segment => {
    const share = EQUAL_SHARE / stretches.length + ((1 - EQUAL_SHARE) * Math.sqrt(events + 1)) / total;
    const segment = { name, from, to, u0: u, u1: u + share };
    u += share;
    return segment;
  });
  const tail = segments.at(-1);
  if (tail !== undefined) segments[segments.length - 1] = { ...tail, u1: 1 };
  return { segments, marks };
}

/** The position of an instruction count. */
export function positionOf(axis: Axis, insn: number): number {
  const { segments } = axis;
  const segment = segments.find((s) => insn < s.to) ?? segments.at(-1);
  if (segment === undefined) return 0;
  const length = segment.to - segment.from;
  const share = length === 0 ? 0 : (insn - segment.from) / length;
  return segment.u0 + Math.min(1, Math.max(0, share)) * (segment.u1 - segment.u0);
}

/** The instruction count at a position. */
export function insnAt(axis: Axis, u: number): number {
  const segment = axis.segments.find((s) => u < s.u1) ?? axis.segments.at(-1);
  if (segment === undefined) return 0;
  return segment.from + ((u - segment.u0) / (segment.u1 - segment.u0)) * (segment.to - segment.from);
}

/** Positions by order instead of by time: every event as far from the next. */
export function orderPositions(events: readonly TraceEvent[]): readonly number[] {
  return events.map((_event, i) => (i + 0.5) / Math.max(1, events.length));
}

/** Zooms by a factor (below 1: in) about a position that stays where it is. */
export function zoom(view: View, factor: number, about: number): View {
  const width = Math.min(1, Math.max(NARROWEST, (view.to - view.from) * factor));
  const share = (about - view.from) / (view.to - view.from);
  return clamp(about - share * width, width);
}

/** Moves by a share of the view's own width. */
export function pan(view: View, share: number): View {
  const width = view.to - view.from;
  return clamp(view.from + share * width, width);
}

/** The least view that shows all positions with some air, and never less than `least` wide. */
export function viewAround(positions: readonly number[], least: number): View {
  if (positions.length === 0) return WHOLE;
  const low = Math.min(...positions);
  const high = Math.max(...positions);
  const width = Math.min(1, Math.max(least, (high - low) * 1.25));
  return clamp((low + high - width) / 2, width);
}

function clamp(from: number, width: number): View {
  const start = Math.min(Math.max(0, from), 1 - width);
  return { from: start, to: start + width };
}

/** Round instruction counts inside a segment for the view, as offsets from its start. */
export function ticksOf(segment: Segment, view: View, pixels: number): readonly number[] {
  const shown = { from: Math.max(view.from, segment.u0), to: Math.min(view.to, segment.u1) };
  if (shown.to <= shown.from) return [];
  const perU = (segment.to - segment.from) / (segment.u1 - segment.u0);
  const start = (shown.from - segment.u0) * perU;
  const end = (shown.to - segment.u0) * perU;
  const room = ((shown.to - shown.from) / (view.to - view.from)) * pixels;
  const wanted = Math.floor(room / 62);
  if (wanted < 1) return [];
  const step = roundStep((end - start) / wanted);
  const ticks: number[] = [];
  for (let at = Math.ceil(start / step) * step; at < end; at += step) if (at > 0) ticks.push(at);
  return ticks;
}

/** 1, 2 or 5 times a power of ten, at least 1. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, step)));
  const factor = [1, 2, 5, 10].find((f) => f * power >= step) ?? 10;
  return Math.max(1, factor * power);
}
