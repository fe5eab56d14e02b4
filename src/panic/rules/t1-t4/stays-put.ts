/**
 * Rule `stays-put`: with run-at-load 1 the kernel runs where it was loaded, and only its vectors go to 0; with 0 it moves
 * itself to 0 (docs/handoff.md; Linux 6.1 arch/powerpc/kernel/head_64.S).
 */

import { RUN_AT_LOAD_MARKER } from '../../../crashkernel/index.ts';
import type { TraceEvent } from '../../trace/index.ts';
import { notKept } from '../shared/dropped.ts';
import { runAtLoadOf } from '../shared/image.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isMove, runsInPlace } from '../shared/places.ts';
import { afterStart, eventsIn } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function staysPut(input: RuleInput): Judgement {
  const { instants, image } = input;
  const { t1, t2, t3 } = instants;
  if (t2 === undefined) return verdict('not-reached', 'the new kernel was not entered', [t1]);
  if (image.load?.runAtLoad?.byteOrder === undefined)
    return verdict('not-applicable', 'the image has no marker at 0x5c: it is not relocatable', [t2]);
  const flag = runAtLoadOf(image);
  if (flag === undefined) return verdict('not-reached', 'the word at 0x5c could not be read at T2', [t2]);
  const after = eventsIn(input, afterStart(input));
  const moved = after.filter((event) => isMove(event));
  const stays = after.filter(runsInPlace);
  const [move] = moved;
  if (move !== undefined)
    return flag === 1
      ? verdict('broken', `${describe(move)} although run-at-load is 1`, [t2, ...moved])
      : verdict('held', `run-at-load is ${nameFlag(flag)}: it moved itself to 0`, [t2, ...moved]);
  const hidden = notKept(input, afterStart(input), isMove);
  if (hidden !== undefined) return hidden;
  if (flag !== 1 && stays.length > 0)
    return verdict('broken', `run-at-load is ${nameFlag(flag)}, but it stayed where it was`, [t2, ...stays]);
  if (stays.length > 0) return verdict('held', 'it runs where it was loaded', [t2, ...stays]);
  if (flag === 1 && t3 !== undefined)
    return verdict('held', 'nothing above the vectors was written, and it began its dump', [t2, t3]);
  return verdict('not-reached', 'the new kernel ended before its place was seen', [t2]);
}

function nameFlag(flag: number): string {
  return flag === RUN_AT_LOAD_MARKER ? 'still the marker' : `0x${flag.toString(16)}`;
}

function describe({ cpu, kind, addr }: Extract<TraceEvent, { kind: 'store' | 'fetch' }>): string {
  return `CPU ${cpu} ${kind === 'store' ? `wrote ${addr}, above the vectors,` : `executed ${addr}, a copy at 0,`}`;
}
