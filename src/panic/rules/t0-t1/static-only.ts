/**
 * Rule `static-only`: from the first copied page on, the master touches only static kernel memory (stack and paca
 * included), the control page and the image (docs/handoff.md; Linux 6.1 arch/powerpc/kexec/core_64.c kexec_stack,
 * kexec_paca). What comes before the last CPU is down is no copy. The code that the master executes and its stack are judged from the first copied byte to T1; the pages that
 * changed before T1, where those were kept, show what it stored meanwhile.
 */

import { type EventSort, storesAt, type TraceEvent } from '../../trace/index.ts';
import { masterOf } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isCopy } from '../shared/places.ts';
import { holds, realOf, type Span, segmentSpan, spanOf } from '../shared/spans.ts';
import { eventOf, eventsIn, untilEntry, whileCopied } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function staticOnly(input: RuleInput): Judgement {
  const { instants, image } = input;
  const { t0, t1 } = instants;
  const { load, running } = image;
  if (load === undefined) return verdict('not-reached', 'no image was loaded');
  if (running?.end === undefined)
    return verdict('not-applicable', 'it is not known where static kernel memory ends');
  const master = masterOf(input)?.index;
  const copying = whileCopied(input);
  if (t1 !== undefined && copying === undefined)
    return verdict('not-evaluated', 'it was not seen when the last CPU was down, and the copy began', [t1]);
  const events = eventsIn(input, copying ?? untilEntry(input)).filter(({ cpu }) => cpu === master);
  const first = events.find((event) => isCopy(event) || storesAt(event, 'low'));
  if (first === undefined || t1 === undefined)
    return verdict('not-reached', 'the master copied nothing', [t0]);
  const allowed: readonly Span[] = [
    { start: 0n, end: BigInt(running.end) },
    ...load.segments.map(segmentSpan),
  ];
  const entry = eventOf(input, t1);
  for (const event of [...events.filter(({ n }) => n >= first.n), ...(entry === undefined ? [] : [entry])]) {
    const stray = strayOf(event, allowed);
    if (stray !== undefined) return verdict('broken', `CPU ${event.cpu} ${stray}`, [first, event]);
  }
  const written = strayPage(input, first, allowed);
  if (written !== undefined) return verdict('broken', written, [first, t1]);
  const showsCode = ({ cpu, kind }: EventSort): boolean =>
    cpu === master && kind !== undefined && SHOW_CODE.includes(kind);
  return (
    notKept(input, { from: first.n, to: t1.event }, showsCode) ??
    verdict('held', 'its code and its stack were static from the first copied byte to the entry', [first, t1])
  );
}

/** Events that show where the code is that a CPU executes. */
const SHOW_CODE: readonly TraceEvent['kind'][] = ['fetch', 'store', 'msr', 'hcall'];

/** The instruction, where the event is one. */
function codeOf(event: TraceEvent): string | undefined {
  switch (event.kind) {
    case 'fetch':
    case 'msr':
    case 'hcall':
      return event.addr;
    case 'store':
      return event.regs?.nia;
    default:
      return undefined;
  }
}

function strayOf(event: TraceEvent, allowed: readonly Span[]): string | undefined {
  const code = codeOf(event);
  if (code !== undefined && !isAllowed(BigInt(code), allowed))
    return `executed 0x${BigInt(code).toString(16)}, which is not static`;
  const stack = event.kind === 'fetch' ? BigInt(event.regs.r1) : 0n;
  if (stack !== 0n && !isAllowed(stack, allowed))
    return `had its stack at 0x${stack.toString(16)}, which is not static`;
  return undefined;
}

function isAllowed(ea: bigint, allowed: readonly Span[]): boolean {
  return allowed.some((span) => holds(span, realOf(ea)));
}

/** A page that the master wrote last after the copy had begun, and that is none of those. */
function strayPage(input: RuleInput, first: TraceEvent, allowed: readonly Span[]): string | undefined {
  for (const change of input.fidelity?.changedBeforeT1 ?? []) {
    // The first writer alone may have come before the copy; the last one shows it.
    const { writer } = change;
    const last = writer?.last ?? writer;
    if (writer?.by !== 'cpu' || last === undefined || last.cpu !== first.cpu || last.insn <= first.insn)
      continue;
    const { start } = spanOf({ start: change.raddr, bytes: change.bytes });
    if (!allowed.some((span) => holds(span, start)))
      return `CPU ${last.cpu} (${last.nia}) wrote to the page at ${change.raddr}, which is not static`;
  }
  return undefined;
}
