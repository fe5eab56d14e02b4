/**
 * `copy-in-virtual`: with a hash table under a hypervisor pages are copied with translation on, by the master alone;
 * otherwise with it off. A crash image is in place: nothing is copied. Source: handoff contract, seeds 001 and 004;
 * Linux 6.1 arch/powerpc/kexec/core_64.c copy_with_mmu_off. Seen by stores to the first doubleword of each segment, and,
 * where real mode ended at the RMA before there was one, by the storage interrupt that came of it.
 */

import type { TraceEvent } from '../trace/index.ts';
import { STORAGE_VECTORS, WATCH } from '../watch/index.ts';
import {
  handoffEvents,
  holds,
  isRealMode,
  KEXEC_PATHS,
  masterOf,
  msrAfter,
  pathOf,
  type Rule,
  type RuleInput,
  reg,
  spanOf,
  verdict,
} from './input.ts';

/** The top four bits choose the region; the rest is the real address in the linear map. */
const REAL = (1n << 60n) - 1n;

export const copyInVirtual: Rule = {
  name: 'copy-in-virtual',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants, image, machine } = input;
    const { t0, t1 } = instants;
    if (image.load === undefined) return verdict('not-reached', 'no image was loaded');
    const copies = handoffEvents(input).filter(isCopy);
    const limit = pathOf(input) === 'kexec' && machine.mmu === 'hash' ? limitOf(input) : undefined;
    if (t1 === undefined && limit !== undefined)
      return verdict('broken', `translation was off for the copy: ${describeLimit(input, limit)}`, [
        turnedOff(input, limit),
        limit,
      ]);
    if (t1 === undefined) return verdict('not-reached', 'no CPU entered the image', [t0]);
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

/** Where real mode ended: an access to memory above the RMA, by whoever had left virtual mode for the copy. */
function limitOf(input: RuleInput): TraceEvent | undefined {
  const { rma, memory = [] } = input.image.running ?? {};
  if (rma === undefined) return undefined;
  const isAbove = (at: bigint): boolean =>
    at >= BigInt(rma) && memory.map(spanOf).some((span) => holds(span, at));
  return handoffEvents(input).find(
    (event) =>
      event.kind === 'interrupt' &&
      STORAGE_VECTORS.includes(Number(event.addr ?? 0)) &&
      isRealMode(reg(event, 'srr1')) &&
      isAbove((reg(event, 'dar') ?? 0n) & REAL) &&
      turnedOff(input, event) !== undefined,
  );
}

/** The change to real mode that a CPU was in when `event` came. */
function turnedOff({ events }: RuleInput, { cpu, n }: TraceEvent): TraceEvent | undefined {
  const last = events.findLast((event) => event.kind === 'msr' && event.cpu === cpu && event.n < n);
  return last !== undefined && isRealMode(msrAfter(last)) ? last : undefined;
}

function describeLimit({ image }: RuleInput, limit: TraceEvent): string {
  const at = ((reg(limit, 'dar') ?? 0n) & REAL).toString(16);
  const end = (image.running?.rma ?? 0).toString(16);
  return `CPU ${limit.cpu} at ${limit.symbol ?? limit.regs?.srr0} could not reach 0x${at} in real mode, which ends at 0x${end}`;
}

/** By the last event that tells the CPU's MSR; a kernel runs with translation on until it is seen to turn it off. */
function isReal({ events }: RuleInput, { cpu, n }: TraceEvent): boolean {
  const last = events.findLast((event) => event.cpu === cpu && event.n < n && msrAfter(event) !== undefined);
  return last !== undefined && isRealMode(msrAfter(last));
}

function describe(event: TraceEvent | undefined): string {
  return `${event?.detail} by CPU ${event?.cpu} at ${event?.symbol ?? event?.regs?.nia}`;
}
