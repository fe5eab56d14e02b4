/**
 * Rule `flag-is-place-only`: the word at 0x5c decides only where the kernel runs; that it is a kdump kernel comes from
 * elfcorehdr= (docs/handoff.md; Linux 6.1 include/linux/crash_dump.h is_kdump_kernel). All four combinations behave so. A
 * kdump kernel is recognised by its dump: the first write to the dump device.
 */

import { notKept } from '../shared/dropped.ts';
import { runAtLoadOf } from '../shared/image.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isMove, runsInPlace } from '../shared/places.ts';
import { afterStart, eventsIn } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

const ELFCOREHDR = /(?:^|\s)elfcorehdr=/;

export function flagIsPlaceOnly(input: RuleInput): Judgement {
  const { image, instants } = input;
  const { t1, t2, t3 } = instants;
  if (t2 === undefined) return verdict('not-reached', 'the new kernel was not entered', [t1]);
  const flag = runAtLoadOf(image);
  if (flag === undefined)
    return verdict('not-applicable', 'the image has no marker at 0x5c: it has no such flag', [t2]);
  const tree = image.load?.tree;
  if (tree === undefined) return verdict('not-applicable', 'the image was given no tree', [t2]);
  const kdump = ELFCOREHDR.test(tree.bootargs);
  const after = eventsIn(input, afterStart(input));
  const moved = after.find((event) => isMove(event));
  const stayed = after.find(runsInPlace);
  const hidden = moved === undefined ? notKept(input, afterStart(input), isMove) : undefined;
  if (hidden !== undefined) return hidden;
  const what = `run-at-load ${flag === 1 ? '1' : 'not 1'}, ${kdump ? 'with' : 'without'} elfcorehdr`;
  if (flag === 1 ? moved !== undefined : moved === undefined && stayed !== undefined)
    return verdict('broken', `${what}: it ${moved === undefined ? 'stayed' : 'moved'}`, [
      t2,
      moved ?? stayed,
    ]);
  if (moved === undefined && stayed === undefined && t3 === undefined)
    return verdict('not-reached', `${what}: the kernel ended before its place was seen`, [t2]);
  if (!kdump && t3 !== undefined)
    return verdict('broken', `${what}: it dumped although it did not know where the old memory is`, [t2, t3]);
  if (kdump && t3 === undefined) return verdict('not-reached', `${what}: it ended before a dump began`, [t2]);
  return verdict(
    'held',
    `${what}: it ${flag === 1 ? 'stayed' : 'moved to 0'} and ${kdump ? 'dumped' : 'did not dump'}`,
    [t2, moved ?? stayed, t3],
  );
}
