/**
 * Rule `load-in-reservation`: the segments and the entry of a crash image lie inside the crashkernel= reservation, else
 * the load is refused: with EADDRNOTAVAIL, or with the error of another check that comes first, such as ETXTBSY for a
 * segment over the running kernel (docs/handoff.md; Linux 6.1 kernel/kexec.c kimage_alloc_init, kernel/kexec_core.c
 * sanity_check_segment_list).
 */

import type { LoadCall } from '../../trace/index.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { aboutKnown } from '../shared/loads.ts';
import { holds, nameSpan, type Span, segmentSpan, spanOf, within } from '../shared/spans.ts';
import { verdict } from '../shared/verdict.ts';

const REFUSAL = 'EADDRNOTAVAIL';

export function loadInReservation(input: RuleInput): Judgement {
  return aboutKnown(
    (input.image.loads ?? []).filter(({ crash }) => crash),
    ofKnown(input),
  );
}

/** Of the images whose segments are known. */
function ofKnown({ image, instants }: RuleInput): Judgement {
  const loads = (image.loads ?? []).filter(({ crash, segments }) => crash && segments.length > 0);
  if (loads.length === 0)
    return (image.loads ?? []).length === 0
      ? verdict('not-reached', 'nothing was loaded')
      : verdict('not-applicable', 'nothing was loaded for a crash');
  const fact = image.running?.reservation;
  if (fact === undefined) {
    if (loads.every(({ result }) => result === REFUSAL))
      return verdict('held', `without a reservation the load was refused with ${REFUSAL}`);
    return verdict('not-applicable', 'it is not known what is reserved for a crash');
  }
  const reservation = spanOf(fact);
  const refused: string[] = [];
  for (const call of loads) {
    const stray = strayOf(call, reservation);
    if (stray === undefined) continue;
    const what = `${stray} outside of the reservation ${nameSpan(reservation)}`;
    if (call.result === undefined && !(instants.t1 !== undefined && call === loads.at(-1)))
      return verdict('not-reached', `${what}: the call was not seen to return`);
    if (call.result === undefined || call.result === 'ok')
      return verdict('broken', `${what} was accepted`, [instants.t1]);
    refused.push(`${what} was refused with ${call.result}`);
  }
  if (refused.length > 0) return verdict('held', refused.join('; '));
  return verdict('held', `every segment and the entry lie in ${nameSpan(reservation)}`);
}

function strayOf({ segments, entry }: LoadCall, reservation: Span): string | undefined {
  if (!holds(reservation, BigInt(entry))) return `the entry ${entry}`;
  const segment = segments.map(segmentSpan).find((span) => !within(span, reservation));
  return segment === undefined ? undefined : `a segment at ${nameSpan(segment)}`;
}
