/**
 * Rule `entry-layout`: in the kernel's image, offset 0 is the master's entry, 0x60 the secondaries', 0x20 the hypervisor's,
 * and a copy of the first 0x100 bytes at address 0 is harmless (docs/handoff.md; Linux 6.1 arch/powerpc/kernel/head_64.S).
 * Before the kernel is entered, no CPU stores into the image's first 0x100 bytes, except for the word at 0x5c; secondaries
 * that run the copy take no exception there.
 */

import { VECTOR } from '../../../base/power.ts';
import {
  type EventSort,
  type FetchEvent,
  fetchesAt,
  type InterruptEvent,
  type StoreEvent,
} from '../../trace/index.ts';
import { masterOf } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import { isKernel, SECONDARY_ENTRY } from '../shared/image.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isHeadStore, isInCopy } from '../shared/places.ts';
import { segmentOf } from '../shared/spans.ts';
import { eventOf, eventsIn, inPurgatory, sinceTrigger } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

const HYPERVISORS = { start: 0x20n, end: 0x38n } as const;
const EXCEPTIONS: readonly number[] = [VECTOR.program, VECTOR.machineCheck];

export function entryLayout(input: RuleInput): Judgement {
  const { image, instants } = input;
  const { t1, t2 } = instants;
  const { load } = image;
  const kernel = segmentOf(load, 'kernel');
  if (load === undefined || kernel === undefined) return verdict('not-reached', 'no kernel was loaded');
  if (!isKernel(load)) return verdict('not-applicable', 'the image is no kernel');
  if (t2 === undefined) return verdict('not-reached', 'the new kernel was not entered', [t1]);
  const head = Buffer.from(load.head ?? '', 'hex');
  if (
    head.length >= SECONDARY_ENTRY + 4 &&
    (head.readUInt32BE(0) === 0 || head.readUInt32BE(SECONDARY_ENTRY) === 0)
  )
    return verdict('broken', 'the image has no code at offset 0 or 0x60');
  const entry = eventOf(input, t2);
  const at = (entry?.kind === 'fetch' ? BigInt(entry.raddr) : -1n) - kernel.start;
  if (at !== 0n)
    return verdict('broken', `the master entered the kernel at offset 0x${at.toString(16)}, not 0`, [t2]);
  const store = eventsIn(input, inPurgatory(input)).find((event) => isHeadStore(event));
  if (store !== undefined) return verdict('broken', describeStore(store, kernel.start), [store, t2]);
  const arrivals = arrivalsOf(input);
  const trap = trapOf(input, arrivals);
  if (trap !== undefined)
    return verdict('broken', `CPU ${trap.cpu} took an exception (${trap.addr}) in the copy at 0`, [trap]);
  const hidden =
    notKept(input, inPurgatory(input), isHeadStore) ??
    notKept(
      input,
      sinceTrigger(input),
      (sort) => isTrap(sort) && arrivals.some(({ cpu }) => cpu === sort.cpu),
    );
  if (hidden !== undefined) return hidden;
  const who =
    arrivals.length === 0 ? 'no secondary came to the copy at 0' : 'secondaries entered the copy at 0x60';
  return verdict('held', `entered at offset 0, nothing but the word at 0x5c changed; ${who}`, [
    ...arrivals,
    t2,
  ]);
}

function describeStore({ cpu, addr }: StoreEvent, kernel: bigint): string {
  const offset = BigInt(addr) - kernel;
  const whose =
    offset >= HYPERVISORS.start && offset < HYPERVISORS.end ? "the hypervisor's place" : 'the image';
  return `CPU ${cpu} stored into ${whose} at offset 0x${offset.toString(16)} before the kernel was entered`;
}

/** The first fetch of each secondary in the copy at 0. */
function arrivalsOf(input: RuleInput): readonly FetchEvent[] {
  const master = masterOf(input)?.index;
  const seen = new Set<number>();
  return eventsIn(input, sinceTrigger(input))
    .filter((event) => fetchesAt(event, 'low'))
    .filter(({ cpu }) => cpu !== master && !seen.has(cpu) && seen.add(cpu).size > 0);
}

/** An exception that a secondary takes after its arrival and before it continues in the kernel. */
function trapOf(input: RuleInput, arrivals: readonly FetchEvent[]): InterruptEvent | undefined {
  for (const arrival of arrivals) {
    const own = input.events.filter(({ cpu, n }) => cpu === arrival.cpu && n > arrival.n);
    const leaves = own.find((event) => event.kind === 'fetch' && !isInCopy(event));
    const trap = own
      .filter((event) => event.kind === 'interrupt')
      .find(({ vector, n }) => EXCEPTIONS.includes(vector) && n < (leaves?.n ?? Number.POSITIVE_INFINITY));
    if (trap !== undefined) return trap;
  }
  return undefined;
}

/** Interrupts are dropped by vector, which a count names in hex. */
function isTrap({ kind, name }: EventSort): boolean {
  return kind === 'interrupt' && (name === undefined || EXCEPTIONS.includes(Number(name)));
}
