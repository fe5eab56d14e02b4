/**
 * Rule `crash-elsewhere`: the crash kernel runs where it was loaded, in the reservation: a fixed image was linked for it, a
 * relocatable one was given the flag (docs/handoff.md; kexec-tools 2.0.25 kexec/arch/ppc64/kexec-elf-ppc64.c). Rule
 * `stays-put` asks whether the kernel obeyed the flag; this one, where it ran.
 */

import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isMove } from '../shared/places.ts';
import { holds, nameSpan, overlaps, segmentOf, spanOf, within } from '../shared/spans.ts';
import { afterStart, eventOf, eventsIn } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function crashElsewhere(input: RuleInput): Judgement {
  const { image, instants } = input;
  const { t1, t2 } = instants;
  const kernel = segmentOf(image.load, 'kernel');
  if (image.load === undefined || kernel === undefined)
    return verdict('not-reached', 'no crash kernel was loaded');
  const { reservation, end } = image.running ?? {};
  if (reservation !== undefined && !within(kernel, spanOf(reservation)))
    return verdict('broken', `the kernel at ${nameSpan(kernel)} is not in the reservation`, [t1]);
  if (end !== undefined && overlaps(kernel, { start: 0n, end: BigInt(end) }))
    return verdict('broken', `the kernel at ${nameSpan(kernel)} lies over the running one`, [t1]);
  if (t2 === undefined) return verdict('not-reached', 'the new kernel was not entered', [t1]);
  const entry = eventOf(input, t2);
  const at = entry?.kind === 'fetch' ? BigInt(entry.raddr) : undefined;
  if (at === undefined || !holds(kernel, at))
    return verdict('broken', `it was entered at 0x${at?.toString(16)}, not in ${nameSpan(kernel)}`, [t2]);
  const moved = eventsIn(input, afterStart(input)).find((event) => isMove(event));
  if (moved !== undefined)
    return verdict(
      'broken',
      `it did not stay: CPU ${moved.cpu} ${moved.kind === 'store' ? 'wrote to' : 'executed'} ${moved.addr}`,
      [t2, moved],
    );
  const kind = image.load.runAtLoad?.byteOrder === undefined ? 'a fixed image' : 'a relocatable image';
  return notKept(input, afterStart(input), isMove) ?? verdict('held', `${kind} at ${nameSpan(kernel)}`, [t2]);
}
