/**
 * `static-only`: from the first copied page on, the master touches only static kernel memory (stack and paca included),
 * the control page and the image. Source: handoff contract, seeds 001 and 004; Linux 6.1 arch/powerpc/kexec/core_64.c
 * (kexec_stack, kexec_paca). Judged on what the master executes and on its stack, from the first copied byte to T1; what
 * it stored meanwhile is told by the pages changed before T1, where those were kept.
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import { isCopy } from './copy-in-virtual.ts';
import {
  handoffEvents,
  holds,
  KEXEC_PATHS,
  masterOf,
  type Rule,
  type RuleInput,
  reg,
  type Span,
  segmentSpan,
  spanOf,
  verdict,
} from './input.ts';

/** The top four bits choose the region; the rest is the real address in the linear map. */
const REAL = (1n << 60n) - 1n;

export const staticOnly: Rule = {
  name: 'static-only',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants, image } = input;
    const { t0, t1 } = instants;
    const { load, running } = image;
    if (load === undefined) return verdict('not-reached', 'no image was loaded');
    if (running?.end === undefined)
      return verdict('not-applicable', 'nothing tells where static kernel memory ends');
    const master = masterOf(input)?.index;
    const events = handoffEvents(input).filter(({ cpu }) => cpu === master);
    const first = events.find((event) => isCopy(event) || isLowCopy(event));
    if (first === undefined || t1 === undefined)
      return verdict('not-reached', 'the master copied nothing', [t0]);
    const allowed: readonly Span[] = [
      { start: 0n, end: BigInt(running.end) },
      ...load.segments.map(segmentSpan),
    ];
    const after = [...events.filter(({ n }) => n >= first.n), input.events[t1.event]].filter(
      (event) => event !== undefined,
    );
    for (const event of after) {
      const stray = strayOf(event, allowed);
      if (stray !== undefined) return verdict('broken', `CPU ${event.cpu} ${stray}`, [first, event]);
    }
    const written = strayPage(input, first, allowed);
    if (written !== undefined) return verdict('broken', written, [first, t1]);
    return verdict('held', 'its code and its stack were static from the first copied byte to the entry', [
      first,
      t1,
    ]);
  },
};

function isLowCopy({ kind, detail }: TraceEvent): boolean {
  return kind === 'store' && detail === WATCH.low;
}

function strayOf(event: TraceEvent, allowed: readonly Span[]): string | undefined {
  const code = reg(event, 'nia') ?? (event.kind === 'hcall' ? BigInt(event.addr ?? 0) : undefined);
  if (code !== undefined && !allowed.some((span) => holds(span, code & REAL)))
    return `executed 0x${code.toString(16)}, which is not static`;
  const stack = event.kind === 'fetch' ? reg(event, 'r1') : undefined;
  if (stack !== undefined && stack !== 0n && !allowed.some((span) => holds(span, stack & REAL)))
    return `had its stack at 0x${stack.toString(16)}, which is not static`;
  return undefined;
}

/** A page that the master wrote last after the copy had begun, and that is none of those. */
function strayPage(input: RuleInput, first: TraceEvent, allowed: readonly Span[]): string | undefined {
  for (const change of input.fidelity?.changedBeforeT1 ?? []) {
    // The first writer alone may have come before the copy; the last one tells.
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
