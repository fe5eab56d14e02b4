/**
 * Rule `load-anywhere`: segments of an ordinary kexec may lie anywhere in memory, also above the real-mode area, as RAM
 * disks do (docs/handoff.md; Linux 6.1 kernel/kexec_core.c sanity_check_segment_list: whole pages, no two segments over
 * each other). What purgatory cannot read in real mode is outside of its digest, and the note says so.
 */

import type { LoadCall } from '../../trace/index.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { aboutKnown } from '../shared/loads.ts';
import { nameSpan, overlaps, remainder, type Span, segmentSpan, spanOf, within } from '../shared/spans.ts';
import { verdict } from '../shared/verdict.ts';

const PAGE = 4096n;

export function loadAnywhere(input: RuleInput): Judgement {
  return aboutKnown(
    (input.image.loads ?? []).filter(({ crash }) => !crash),
    ofKnown(input),
  );
}

/** Of the images whose segments are known. */
function ofKnown({ image }: RuleInput): Judgement {
  const loads = (image.loads ?? []).filter(({ crash, segments }) => !crash && segments.length > 0);
  if (loads.length === 0)
    return (image.loads ?? []).length === 0
      ? verdict('not-reached', 'nothing was loaded')
      : verdict('not-applicable', 'only crash images were loaded: their place is the reservation');
  const { running, load } = image;
  const limit = running?.memoryLimit;
  // Memory that the kernel has: not what lies above mem=.
  const memory = remainder(
    (running?.owned ?? running?.memory ?? []).map(spanOf),
    limit === undefined ? [] : [{ start: BigInt(limit), end: 1n << 64n }],
  );
  const refused = loads.find((call) => call.result === 'EADDRNOTAVAIL' || call.result === 'ETXTBSY');
  if (refused !== undefined && isFine(refused, memory, BigInt(running?.end ?? 0)))
    return verdict('broken', `segments in free memory were refused with ${refused.result}`);
  const accepted = loads.filter(({ result }) => result === 'ok');
  if (accepted.length === 0) return verdict('not-reached', 'no ordinary image was accepted');
  const rma = running?.rma === undefined ? undefined : BigInt(running.rma);
  if (rma === undefined) return verdict('held', 'ordinary images were accepted where they were put');
  const above = accepted
    .flatMap(({ segments }) => segments.map(segmentSpan))
    .filter((span) => span.end > rma);
  const checked = load?.crash === false ? (load.purgatory?.regions ?? []).map(spanOf) : [];
  const unreadable = checked.find((span) => span.end > rma);
  if (unreadable !== undefined)
    return verdict(
      'broken',
      `purgatory's digest covers ${nameSpan(unreadable)}, which real mode cannot read above 0x${rma.toString(16)}`,
    );
  return verdict(
    'held',
    above.length === 0
      ? `accepted; every segment lies in the real-mode area, below 0x${rma.toString(16)}`
      : `accepted; above the real-mode area and outside of purgatory's digest: ${above.map(nameSpan).join(', ')}`,
  );
}

/** Whether nothing speaks against such a load. */
function isFine({ segments }: LoadCall, memory: readonly Span[], end: bigint): boolean {
  const spans = segments.map(segmentSpan);
  return spans.every(
    (span, i) =>
      span.start >= end &&
      span.start % PAGE === 0n &&
      span.end % PAGE === 0n &&
      memory.some((range) => within(span, range)) &&
      !spans.slice(0, i).some((other) => overlaps(span, other)),
  );
}
