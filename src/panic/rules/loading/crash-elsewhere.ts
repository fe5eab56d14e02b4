/**
 * `crash-elsewhere`: the crash kernel runs where it was loaded, in the reservation: a fixed image was linked for it, a
 * relocatable one was told so. Source: handoff contract, seeds 002 and 003; kexec-tools 2.0.25
 * kexec/arch/ppc64/kexec-elf-ppc64.c. `stays-put` asks whether the flag was obeyed; this one what came of it.
 */

import { WATCH } from '../watch/index.ts';
import { holds, nameSpan, overlaps, type Rule, reg, segmentOf, spanOf, verdict, within } from './input.ts';

export const crashElsewhere: Rule = {
  name: 'crash-elsewhere',
  paths: ['crash'],
  judge: ({ image, instants, events }) => {
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
    const at = reg(
      events.find(({ n }) => n === t2.event),
      'raddr',
    );
    if (at === undefined || !holds(kernel, at))
      return verdict('broken', `it was entered at 0x${at?.toString(16)}, not in ${nameSpan(kernel)}`, [t2]);
    const moved = events.find(
      ({ kind, detail, n, cpu }) =>
        n > t2.event &&
        cpu >= 0 &&
        ((kind === 'fetch' && detail?.startsWith(WATCH.movedKernel('')) === true) ||
          (kind === 'store' && detail === WATCH.aboveVectors)),
    );
    if (moved !== undefined)
      return verdict(
        'broken',
        `it did not stay: CPU ${moved.cpu} ${moved.kind === 'store' ? 'wrote to' : 'executed'} ${moved.addr}`,
        [t2, moved],
      );
    const kind = image.load.runAtLoad?.byteOrder === undefined ? 'a fixed image' : 'a relocatable image';
    return verdict('held', `${kind} at ${nameSpan(kernel)}`, [t2]);
  },
};
