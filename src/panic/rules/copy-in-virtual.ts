/**
 * `copy-in-virtual`: with a hash table under a hypervisor pages are copied with translation on, by the master alone;
 * otherwise with it off. A crash image is in place: nothing is copied. Source: handoff contract, seeds 001 and 004;
 * Linux 6.1 arch/powerpc/kexec/core_64.c copy_with_mmu_off. Seen by stores to the first doubleword of each segment.
 */

import type { TraceEvent } from '../contract.ts';
import { WATCH } from '../recorder/index.ts';
import {
  handoffEvents,
  isRealMode,
  KEXEC_PATHS,
  masterOf,
  msrAfter,
  pathOf,
  type Rule,
  type RuleInput,
  verdict,
} from './input.ts';

export const copyInVirtual: Rule = {
  name: 'copy-in-virtual',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants, image, machine } = input;
    const { t0, t1 } = instants;
    if (image.load === undefined) return verdict('not-reached', 'no image was loaded');
    if (t1 === undefined) return verdict('not-reached', 'no CPU entered the image', [t0]);
    const copies = handoffEvents(input).filter(isCopy);
    if (pathOf(input) === 'crash')
      return copies.length === 0
        ? verdict('held', 'the crash image was in place: nothing was copied', [t0, t1])
        : verdict('broken', `something was stored into the crash image: ${describe(copies[0])}`, copies);
    const master = masterOf(input)?.index;
    if (copies.length === 0)
      return verdict('broken', 'the image was entered, but no store to its segments was seen', [t1]);
    const other = copies.find(({ cpu }) => cpu !== master);
    if (other !== undefined) return verdict('broken', `not by the master: ${describe(other)}`, [other]);
    const wantsReal = machine.mmu !== 'hash';
    const wrong = copies.find((copy) => isReal(input, copy) !== wantsReal);
    const mode = wantsReal ? 'off' : 'on';
    if (wrong !== undefined)
      return verdict('broken', `translation was not ${mode} at ${describe(wrong)}`, [wrong]);
    return verdict('held', `copied by the master with translation ${mode}`, copies);
  },
};

/** Stores to what a segment begins with, whichever watch saw them. */
export function isCopy({ kind, detail, cpu }: TraceEvent): boolean {
  return (
    kind === 'store' &&
    cpu >= 0 &&
    (detail?.startsWith(WATCH.copied('')) === true || detail === WATCH.kernelHead)
  );
}

/** By the last event that tells the CPU's MSR; a kernel runs with translation on until it is seen to turn it off. */
function isReal({ events }: RuleInput, { cpu, n }: TraceEvent): boolean {
  const last = events.findLast((event) => event.cpu === cpu && event.n < n && msrAfter(event) !== undefined);
  return last !== undefined && isRealMode(msrAfter(last));
}

function describe(event: TraceEvent | undefined): string {
  return `${event?.detail} by CPU ${event?.cpu} at ${event?.symbol ?? event?.regs?.nia}`;
}
