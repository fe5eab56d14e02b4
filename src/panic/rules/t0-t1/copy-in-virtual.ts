/**
 * Rule `copy-in-virtual`: with a hash table under a hypervisor pages are copied with translation on, by the master alone;
 * otherwise with translation off. A crash image is in place: nothing is copied (docs/handoff.md; Linux 6.1
 * arch/powerpc/kexec/core_64.c copy_with_mmu_off). Stores to the first bytes of each segment show the copy; where real mode
 * ended at the RMA before there was one, the storage interrupt that came of it does. Stores before the last CPU is down are no
 * copy.
 */

import {
  type InterruptEvent,
  type MsrEvent,
  markText,
  STORAGE_VECTORS,
  type StoreEvent,
} from '../../trace/index.ts';
import { masterOf } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import { type Judgement, pathOf, type RuleInput } from '../shared/input.ts';
import { isCopy } from '../shared/places.ts';
import { holds, realOf, spanOf } from '../shared/spans.ts';
import { eventsIn, untilEntry, whileCopied } from '../shared/stretches.ts';
import { isRealMode, lastMsr, msrAfter, msrOf } from '../shared/translation.ts';
import { verdict } from '../shared/verdict.ts';

export function copyInVirtual(input: RuleInput): Judgement {
  const { instants, image, machine } = input;
  const { t0, t1 } = instants;
  if (image.load === undefined) return verdict('not-reached', 'no image was loaded');
  const copying = whileCopied(input);
  const copies = eventsIn(input, copying ?? untilEntry(input)).filter((event) => isCopy(event));
  const limit = pathOf(input) === 'kexec' && machine.mmu === 'hash' ? limitOf(input) : undefined;
  if (t1 === undefined && limit !== undefined)
    return verdict('broken', `translation was off for the copy: ${describeLimit(input, limit)}`, [
      turnedOff(input, limit),
      limit,
    ]);
  if (t1 === undefined) return verdict('not-reached', 'no CPU entered the image', [t0]);
  const [first] = copies;
  const hidden = notKept(input, copying ?? untilEntry(input), isCopy);
  if (pathOf(input) === 'crash')
    return first === undefined
      ? (hidden ?? verdict('held', 'the crash image was in place: nothing was copied', [t0, t1]))
      : verdict('broken', `something was stored into the crash image: ${describe(first)}`, copies);
  const master = masterOf(input)?.index;
  if (copying === undefined)
    return verdict('not-evaluated', 'it was not seen when the last CPU was down, and the copy began', [t1]);
  if (first === undefined)
    return hidden ?? verdict('broken', 'the image was entered, but no store to its segments was seen', [t1]);
  const other = copies.find(({ cpu }) => cpu !== master);
  if (other !== undefined) return verdict('broken', `not by the master: ${describe(other)}`, [other]);
  const unknown = notKept(input, { from: 0, to: first.n }, msrOf(first.cpu));
  if (unknown !== undefined) return unknown;
  const wantsReal = machine.mmu !== 'hash';
  const wrong = copies.find((copy) => isReal(input, copy) !== wantsReal);
  const mode = wantsReal ? 'off' : 'on';
  if (wrong !== undefined)
    return verdict('broken', `translation was not ${mode}: ${describe(wrong)}`, [wrong]);
  return hidden ?? verdict('held', `copied by the master with translation ${mode}`, copies);
}

/** Where real mode ended: an access to memory above the RMA, by a CPU that had left virtual mode for the copy. */
function limitOf(input: RuleInput): InterruptEvent | undefined {
  const { rma, memory = [] } = input.image.running ?? {};
  if (rma === undefined) return undefined;
  const isAbove = (at: bigint): boolean =>
    at >= BigInt(rma) && memory.map(spanOf).some((span) => holds(span, at));
  return eventsIn(input, untilEntry(input))
    .filter((event) => event.kind === 'interrupt')
    .find(
      (event) =>
        STORAGE_VECTORS.includes(event.vector) &&
        isRealMode(BigInt(event.regs.srr1)) &&
        isAbove(realOf(BigInt(event.regs.dar))) &&
        turnedOff(input, event) !== undefined,
    );
}

/** The change to real mode that a CPU was in when it took the interrupt. */
function turnedOff({ events }: RuleInput, { cpu, n }: InterruptEvent): MsrEvent | undefined {
  const last = events
    .filter((event) => event.kind === 'msr')
    .findLast((event) => event.cpu === cpu && event.n < n);
  return last !== undefined && isRealMode(msrAfter(last)) ? last : undefined;
}

function describeLimit({ image }: RuleInput, limit: InterruptEvent): string {
  const at = realOf(BigInt(limit.regs.dar)).toString(16);
  const end = (image.running?.rma ?? 0).toString(16);
  return `CPU ${limit.cpu} at ${limit.symbol ?? limit.regs.srr0} could not reach 0x${at} in real mode, which ends at 0x${end}`;
}

/** The last event that shows the CPU's MSR decides; a kernel runs with translation on until it is seen to turn it off. */
function isReal({ events }: RuleInput, { cpu, n }: StoreEvent): boolean {
  const last = lastMsr(events, cpu, n);
  return last !== undefined && isRealMode(msrAfter(last));
}

function describe({ mark, cpu, symbol, regs }: StoreEvent): string {
  return `store to the ${markText(mark)} by CPU ${cpu} at ${symbol ?? regs?.nia}`;
}
