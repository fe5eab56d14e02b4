/**
 * `stays-put`: with run-at-load 1 the kernel runs where it was loaded, and only its vectors go to 0; with 0 it moves
 * itself to 0. Source: handoff contract, seeds 003 and 004; Linux 6.1 arch/powerpc/kernel/head_64.S.
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import { KEXEC_PATHS, type Rule, runsInPlace, verdict } from './input.ts';
import { runAtLoadOf } from './run-at-load-set.ts';

/** `run0`. */
const RUN0 = 0x72756e30;

export const staysPut: Rule = {
  name: 'stays-put',
  paths: KEXEC_PATHS,
  judge: ({ instants, image, events }) => {
    const { t2, t3 } = instants;
    if (t2 === undefined) return verdict('not-reached', 'the new kernel was not entered', [instants.t1]);
    if (image.load?.runAtLoad?.byteOrder === undefined)
      return verdict('not-applicable', 'the image has no marker at 0x5c: it is not relocatable', [t2]);
    const flag = runAtLoadOf(image);
    if (flag === undefined) return verdict('not-reached', 'the word at 0x5c could not be read at T2', [t2]);
    const after = events.filter(({ n }) => n > t2.event);
    const moved = after.filter(isMove);
    const stays = after.filter(runsInPlace);
    if (flag === 1) {
      if (moved.length > 0)
        return verdict('broken', `${describe(moved[0])} although run-at-load is 1`, [t2, ...moved]);
      if (stays.length > 0) return verdict('held', 'it runs where it was loaded', [t2, ...stays]);
      if (t3 !== undefined)
        return verdict('held', 'nothing above the vectors was written, and it began its dump', [t2, t3]);
      return verdict('not-reached', 'the new kernel ended before it could be told', [t2]);
    }
    if (moved.length > 0)
      return verdict('held', `run-at-load is ${nameFlag(flag)}: it moved itself to 0`, [t2, ...moved]);
    if (stays.length > 0)
      return verdict('broken', `run-at-load is ${nameFlag(flag)}, but it stayed where it was`, [
        t2,
        ...stays,
      ]);
    return verdict('not-reached', 'the new kernel ended before it could be told', [t2]);
  },
};

/** The marker is told as what it is, not as a number. */
function nameFlag(flag: number): string {
  return flag === RUN0 ? 'still the marker' : `0x${flag.toString(16)}`;
}

/** Stores behind the vectors' end, or execution of the kernel's own code at address 0. */
function isMove({ kind, detail }: TraceEvent): boolean {
  return (
    (kind === 'store' && detail === WATCH.aboveVectors) ||
    (kind === 'fetch' && detail?.startsWith(WATCH.movedKernel('')) === true)
  );
}

function describe(event: TraceEvent | undefined): string {
  return `CPU ${event?.cpu} ${event?.kind === 'store' ? `wrote ${event.addr}, above the vectors,` : `executed ${event?.addr}, a copy at 0,`}`;
}
