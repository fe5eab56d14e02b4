/**
 * What rules are judged from: a trace without its rules. Everything in it comes from machine events and from memory;
 * rules are pure functions of it, so that a stored trace can be judged again.
 */

import type {
  HandoffPath,
  ImageFacts,
  Instant,
  LoadFacts,
  RangeFact,
  RuleResult,
  SegmentRole,
  Trace,
  TraceEvent,
  Verdict,
} from '../trace/index.ts';
import { RESTART_FUNCTIONS, WATCH } from '../watch/index.ts';

export type RuleInput = Omit<Trace, 'rules' | 'version' | 'image'> & { readonly image: ImageFacts };

/** A rule: its name in the handoff contract and how it is judged. */
export type Rule = {
  readonly name: string;
  /** The ways out of the old kernel that it is about; absent: every one. */
  readonly paths?: readonly HandoffPath[];
  readonly judge: (input: RuleInput) => Judgement;
};

/** Into another kernel, without firmware between. */
export const KEXEC_PATHS: readonly HandoffPath[] = ['crash', 'kexec'];

export type Judgement = Omit<RuleResult, 'name'>;

type Cpu = Trace['machine']['cpus'][number];

export const MSR_IR = 0x20n;
export const MSR_DR = 0x10n;
export const MSR_LE = 0x1n;

/** A verdict with its evidence and a note. */
export function verdict(
  what: Verdict,
  note: string,
  evidence: readonly (TraceEvent | Instant | undefined)[] = [],
): Judgement {
  const numbers = evidence.flatMap((each) =>
    each === undefined ? [] : ['event' in each ? each.event : each.n],
  );
  const unique = [...new Set(numbers)].sort((a, b) => a - b);
  return { verdict: what, ...(unique.length === 0 ? {} : { evidence: unique }), note };
}

/** The CPU that runs the crash: who entered the image, or, before that, who panicked. */
export function masterOf(input: RuleInput): Cpu | undefined {
  const index = (input.instants.t1 ?? input.instants.t0)?.cpu;
  return input.machine.cpus.find((cpu) => cpu.index === index);
}

/** All others that were online when the trigger came. */
export function secondariesOf(input: RuleInput): readonly Cpu[] {
  const master = masterOf(input);
  return input.machine.cpus.filter((cpu) => cpu.index !== master?.index && cpu.online !== false);
}

/** Events from T0 (the whole trace, where there is none) to T1 or, where the image was never entered, to the end. */
export function handoffEvents(input: RuleInput): readonly TraceEvent[] {
  const from = input.instants.t0?.event ?? 0;
  const to = input.instants.t1?.event ?? Number.POSITIVE_INFINITY;
  return input.events.filter(({ n }) => n >= from && n < to);
}

/** A register of an event, or undefined. */
export function reg(event: TraceEvent | undefined, name: string): bigint | undefined {
  const text = event?.regs?.[name];
  return text === undefined ? undefined : BigInt(text);
}

/** Whether the MSR value has translation off for instructions and data. */
export function isRealMode(msr: bigint | undefined): boolean {
  return msr !== undefined && (msr & (MSR_IR | MSR_DR)) === 0n;
}

/** `CPU 1` and its hardware id, as notes name it. */
export function nameCpu(cpu: Cpu): string {
  return `CPU ${cpu.index} (hardware id ${cpu.hardwareId})`;
}

/** What a CPU was last seen doing before `before`. */
export function lastSeen(input: RuleInput, cpu: number, before: number = Number.POSITIVE_INFINITY): string {
  const event = input.events.findLast((each) => each.cpu === cpu && each.n < before);
  if (event === undefined) return 'it was not seen since the trigger';
  const where = event.symbol ?? event.addr;
  return `last seen: ${event.kind} ${event.detail ?? ''}${where === undefined ? '' : ` at ${where}`}`.replace(
    '  ',
    ' ',
  );
}

/** For rules about other CPUs: why they do not apply. */
export function withoutSecondaries(input: RuleInput): Judgement | undefined {
  if (input.machine.cpus.length === 1) return verdict('not-applicable', 'single CPU');
  const secondaries = secondariesOf(input);
  return secondaries.length === 0 ? verdict('not-applicable', 'no other CPU was online') : undefined;
}

/** How the old kernel was left. */
export function pathOf({ image }: RuleInput): HandoffPath {
  return image.path ?? 'crash';
}

/** A range as numbers; `end` is the first address behind it. */
export type Span = { readonly start: bigint; readonly end: bigint };

export function spanOf({ start, bytes }: RangeFact): Span {
  return { start: BigInt(start), end: BigInt(start) + BigInt(bytes) };
}

/** A segment as a range. */
export function segmentSpan(segment: { readonly mem: string; readonly bytes: number }): Span {
  return spanOf({ start: segment.mem, bytes: segment.bytes });
}

export function overlaps(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end;
}

export function within(inner: Span, outer: Span): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}

export function holds(span: Span, at: bigint): boolean {
  return at >= span.start && at < span.end;
}

/** What of `whole` lies in none of `parts`. */
export function remainder(whole: readonly Span[], parts: readonly Span[]): readonly Span[] {
  let left = [...whole];
  for (const part of parts)
    left = left.flatMap((span) =>
      overlaps(span, part)
        ? [
            { start: span.start, end: later(span.start, part.start) },
            { start: earlier(span.end, part.end), end: span.end },
          ].filter(({ start, end }) => start < end)
        : [span],
    );
  return left;
}

function earlier(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

function later(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** `0x…–0x…`, with the last address. */
export function nameSpan({ start, end }: Span): string {
  return `0x${start.toString(16)}–0x${(end - 1n).toString(16)}`;
}

/** The first segment of a role. */
export function segmentOf(load: LoadFacts | undefined, role: SegmentRole): Span | undefined {
  const segment = load?.segments.find((each) => each.role === role);
  return segment === undefined ? undefined : segmentSpan(segment);
}

/** An image that is a kernel is given a tree, or has the marker of one. */
export function isKernel(load: LoadFacts): boolean {
  return load.runAtLoad?.byteOrder !== undefined || load.segments.some(({ role }) => role === 'tree');
}

/** Events after T1 (none, where the image was not entered) and before T2, or the end. */
export function purgatoryEvents({ instants, events }: RuleInput): readonly TraceEvent[] {
  const { t1, t2 } = instants;
  if (t1 === undefined) return [];
  return events.filter(({ n }) => n > t1.event && n < (t2?.event ?? Number.POSITIVE_INFINITY));
}

/** The MSR that an event leaves behind. */
export function msrAfter(event: TraceEvent): bigint | undefined {
  return event.kind === 'msr' ? reg(event, 'after') : event.kind === 'fetch' ? reg(event, 'msr') : undefined;
}

/** The new kernel's code in its segment, early in its life: it runs where it was loaded. How it leaves is another thing. */
export function runsInPlace({ kind, detail }: TraceEvent): boolean {
  return (
    kind === 'fetch' &&
    detail?.startsWith(WATCH.crashKernel('')) === true &&
    !RESTART_FUNCTIONS.some((name) => detail === WATCH.crashKernel(name))
  );
}
