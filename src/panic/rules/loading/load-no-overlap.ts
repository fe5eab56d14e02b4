/**
 * Rule `load-no-overlap`: a segment over the running kernel's [0, _end) is refused with ETXTBSY; so is one over a TCE table
 * in memory (docs/handoff.md; Linux 6.1 arch/powerpc/kexec/core_64.c machine_kexec_prepare). A crash segment there is
 * outside of the reservation as well, so that EADDRNOTAVAIL, which kernel/kexec_core.c checks first, is as good. Under a
 * hypervisor the hash table is not in memory.
 */

import type { LoadCall } from '../../trace/index.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { aboutKnown } from '../shared/loads.ts';
import { nameSpan, overlaps, type Span, segmentSpan, spanOf, within } from '../shared/spans.ts';
import { verdict } from '../shared/verdict.ts';

export function loadNoOverlap(input: RuleInput): Judgement {
  return aboutKnown(input.image.loads ?? [], ofKnown(input));
}

/** Of the images whose segments are known. */
function ofKnown({ image, instants }: RuleInput): Judgement {
  const loads = (image.loads ?? []).filter(({ segments }) => segments.length > 0);
  if (loads.length === 0) return verdict('not-reached', 'nothing was loaded');
  const end = image.running?.end;
  if (end === undefined)
    return verdict('not-applicable', "neither the guest's symbols nor its file say where its kernel ends");
  const tables = (image.load?.tree?.tce ?? []).map(spanOf);
  const kept: readonly { readonly name: string; readonly span: Span }[] = [
    { name: 'the running kernel', span: { start: 0n, end: BigInt(end) } },
    ...tables.map((span) => ({ name: 'a TCE table', span })),
  ];
  const reservation = image.running?.reservation;
  const notes: string[] = [];
  for (const call of loads) {
    const hit = hitOf(call, kept);
    if (hit === undefined) continue;
    const what = `a segment at ${nameSpan(hit.segment)} over ${hit.name} (${nameSpan(hit.span)})`;
    if (call.result === undefined) {
      if (instants.t1 !== undefined && call === loads.at(-1))
        return verdict('broken', `${what} was loaded and executed`, [instants.t1]);
      return verdict('not-reached', `${what}: the call was not seen to return`);
    }
    const elsewhere =
      call.crash &&
      call.result === 'EADDRNOTAVAIL' &&
      (reservation === undefined || !within(hit.segment, spanOf(reservation)));
    if (call.result !== 'ETXTBSY' && !elsewhere)
      return verdict(
        'broken',
        call.result === 'ok' ? `${what} was accepted` : `${what} was refused with ${call.result}`,
      );
    notes.push(`${what} was refused with ${call.result}`);
  }
  if (notes.length > 0) return verdict('held', notes.join('; '));
  return verdict(
    'held',
    `every segment lies above the running kernel's end, 0x${BigInt(end).toString(16)}${
      tables.length === 0 ? '; there are no TCE tables in memory' : ', and clear of the TCE tables'
    }`,
  );
}

function hitOf(
  { segments }: LoadCall,
  kept: readonly { readonly name: string; readonly span: Span }[],
): { readonly segment: Span; readonly name: string; readonly span: Span } | undefined {
  for (const each of segments) {
    const segment = segmentSpan(each);
    const over = kept.find(({ span }) => overlaps(segment, span));
    if (over !== undefined) return { segment, ...over };
  }
  return undefined;
}
