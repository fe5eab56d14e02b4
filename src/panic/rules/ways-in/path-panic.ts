/** Rule `path-panic`: crash kexec runs on the CPU that panicked, whichever it is (docs/handoff.md). */

import { type EventSort, fetchesAt } from '../../trace/index.ts';
import { masterOf, nameCpu } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { eventsIn, type Stretch } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function pathPanic(input: RuleInput): Judgement {
  const { instants, image } = input;
  const { t0, t1, t2 } = instants;
  if (image.load !== undefined && !image.load.crash)
    return verdict('not-applicable', 'the image was loaded for an ordinary kexec', [t1]);
  const master = masterOf(input);
  if (t1 === undefined || master === undefined)
    return verdict('not-reached', 'no CPU entered the crash image', [t0]);
  const isOther = (event: EventSort): boolean => fetchesAt(event, 'entry') && event.cpu !== master.index;
  const beforeStart: Stretch = { from: 0, to: t2?.event ?? Number.POSITIVE_INFINITY };
  const other = eventsIn(input, beforeStart).find(isOther);
  if (other !== undefined)
    return verdict('broken', `CPU ${other.cpu} entered the image as well`, [t1, other]);
  if (t0 === undefined) return verdict('not-reached', 'the panic itself was not seen', [t1]);
  if (t0.cpu !== master.index)
    return verdict('broken', `CPU ${t0.cpu} panicked, but ${nameCpu(master)} entered the image`, [t0, t1]);
  return (
    notKept(input, beforeStart, isOther) ?? verdict('held', `the master is ${nameCpu(master)}`, [t0, t1])
  );
}
