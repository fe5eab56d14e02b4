/** A verdict with its evidence. */

import type { Instant, TraceEvent, Verdict } from '../../trace/index.ts';
import type { Judgement } from './input.ts';

/** @param evidence events and instants; the judgement lists their numbers once each, ascending */
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

/** Whether a judge has its answer already. */
export function isJudgement(value: object): value is Judgement {
  return 'verdict' in value;
}
