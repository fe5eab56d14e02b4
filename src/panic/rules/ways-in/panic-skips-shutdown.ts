/**
 * Rule `panic-skips-shutdown`: the panic path executes neither machine_shutdown nor device shutdown (docs/handoff.md). The
 * rule is about functions and needs their names. Another CPU may be shutting down when one panics: that is not the panic's path.
 */

import { calls, type EventSort, SHUTDOWN_FUNCTIONS } from '../../trace/index.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { eventsIn, untilEntry } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function panicSkipsShutdown(input: RuleInput): Judgement {
  const { t0, t1 } = input.instants;
  const watched = SHUTDOWN_FUNCTIONS.filter((name) => input.image.probes.includes(name));
  if (watched.length === 0)
    return verdict('not-applicable', `the guest's symbols name none of ${SHUTDOWN_FUNCTIONS.join(', ')}`);
  if (t0 === undefined) return verdict('not-reached', 'no panic was seen');
  const path = [t0.cpu, ...(t1 === undefined ? [] : [t1.cpu])];
  const isOnPath = ({ cpu }: EventSort): boolean => path.includes(cpu);
  const called = eventsIn(input, untilEntry(input))
    .filter((event) => calls(event, watched))
    .filter(isOnPath);
  if (called.length > 0) {
    const names = [...new Set(called.map(({ mark, cpu }) => `${mark.name} on CPU ${cpu}`))].join(', ');
    return verdict('broken', `executed: ${names}`, called);
  }
  if (t1 === undefined) return verdict('not-reached', 'no CPU entered the crash image', [t0]);
  const hidden = notKept(input, untilEntry(input), (sort) => calls(sort, watched) && isOnPath(sort));
  if (hidden !== undefined) return hidden;
  const missing = SHUTDOWN_FUNCTIONS.filter((name) => !watched.includes(name));
  const note = `${watched.join(' and ')} ${watched.length === 1 ? 'was' : 'were'} not executed`;
  return verdict('held', missing.length === 0 ? note : `${note}; the guest has no ${missing.join(', ')}`, [
    t0,
    t1,
  ]);
}
