/**
 * Rule `slaves-noticed`: every released secondary has left the old wait loop before that page is overwritten, and left
 * 0–0xff before purgatory or the new kernel overwrites it with something else: no handoff says that a secondary has noticed
 * (docs/handoff.md; Linux 6.1 arch/powerpc/kernel/misc_64.S, kexec-tools 2.0.25 purgatory/arch/ppc64/v2wrap.S, which waits
 * before it overwrites 0–0x100 again). Secondaries are well behaved when the kernel's own first 256 bytes are copied over
 * purgatory's: the code that they run is the same. Every store there is asked, as long as a secondary waits, whether it changes code.
 */

import { HEAD_BYTES } from '../../../crashkernel/index.ts';
import {
  type EventSort,
  type LoadFacts,
  type StoreEvent,
  storesAt,
  type TraceEvent,
} from '../../trace/index.ts';
import { lastSeen, masterOf, nameCpu, secondariesOf, withoutSecondaries } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import { SECONDARY_ENTRY } from '../shared/image.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isInCopy } from '../shared/places.ts';
import { eventsIn, type Stretch, sinceTrigger } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function slavesNoticed(input: RuleInput): Judgement {
  const alone = withoutSecondaries(input);
  if (alone !== undefined) return alone;
  const { t0, t1 } = input.instants;
  if (t0 === undefined || t1 === undefined) return verdict('not-reached', 'no CPU entered the image', [t0]);
  const over = overwriting(input, { from: t1.event + 1, to: Number.POSITIVE_INFINITY });
  if ('verdict' in over) return over;
  const first = over.low[0] ?? over.loop;
  const faults: string[] = [];
  const evidence: TraceEvent[] = [];
  const stayed: string[] = [];
  const changes: StoreEvent[] = [];
  let waitedUntil = t1.event;
  for (const cpu of secondariesOf(input)) {
    const own = eventsIn(input, sinceTrigger(input))
      .filter((event) => event.kind === 'fetch')
      .filter((event) => event.cpu === cpu.index);
    const arrival = own.find(isInCopy);
    if (arrival !== undefined) evidence.push(arrival);
    const leaves =
      arrival === undefined ? undefined : own.find((event) => !isInCopy(event) && event.n > arrival.n);
    const until = leaves?.n ?? Number.POSITIVE_INFINITY;
    waitedUntil = Math.max(waitedUntil, until);
    if (first === undefined) continue;
    if (arrival === undefined || arrival.n > first.n) {
      const hidden = notKept(
        input,
        { ...sinceTrigger(input), to: first.n },
        (sort) => sort.cpu === cpu.index && isInCopy(sort),
      );
      if (hidden !== undefined) return hidden;
      faults.push(
        arrival === undefined
          ? `${nameCpu(cpu)} had not left its old wait loop when ${describe(first)}; ${lastSeen(input, cpu.index)}`
          : `${nameCpu(cpu)} came to 0x60 only after ${describe(first)}`,
      );
      continue;
    }
    if (leaves !== undefined) evidence.push(leaves);
    const under = over.low.filter(({ n }) => n < until);
    const change = under.find((store) => changesCode(store, input.image.load));
    if (change !== undefined) {
      faults.push(`${nameCpu(cpu)} was still in 0–0xff when ${describe(change)}`);
      changes.push(change);
    } else if (under.length > 0) stayed.push(nameCpu(cpu));
  }
  const marks = [...evidence, over.low[0], over.loop, ...changes];
  if (faults.length > 0) return verdict('broken', faults.join('; '), marks);
  if (evidence.length === 0) return verdict('not-reached', 'no secondary was released', [t1]);
  const hidden = notKept(
    input,
    { from: t1.event + 1, to: waitedUntil },
    (sort) => sort.cpu === t1.cpu && storesAt(sort, 'low'),
  );
  if (hidden !== undefined) return hidden;
  if (first === undefined) return verdict('held', 'nothing that a secondary runs was overwritten', marks);
  const note = 'each had left its old wait loop before anything it runs was overwritten';
  return verdict(
    'held',
    stayed.length === 0
      ? note
      : `${note}; ${stayed.join(', ')} waited in 0–0xff while the same code was written there again`,
    marks,
  );
}

type Overwriting = { readonly low: readonly StoreEvent[]; readonly loop: StoreEvent | undefined };

/** The master's stores to the secondaries' code at 0, and its first store as a new kernel that moves itself over the old one. */
function overwriting(input: RuleInput, after: Stretch): Overwriting | Judgement {
  const master = masterOf(input)?.index;
  const stores = eventsIn(input, after)
    .filter((event) => event.kind === 'store')
    .filter(({ cpu }) => cpu === master);
  const low = stores.filter((event) => storesAt(event, 'low') && reachesCode(event));
  const loop = stores.find((event) => storesAt(event, 'above-vectors'));
  const isMissing = (sort: EventSort): boolean => sort.cpu === master && storesAt(sort, 'above-vectors');
  return (loop === undefined ? notKept(input, after, isMissing) : undefined) ?? { low, loop };
}

/** The words below 0x60 are data and the master's code: a store there is how a secondary is called on. */
function reachesCode({ addr, length }: StoreEvent): boolean {
  return Number(BigInt(addr)) + length > SECONDARY_ENTRY;
}

/** Whether a store leaves other code for secondaries than was there; where its bytes are not known, by the image's own. */
function changesCode({ addr, length, old, new: now }: StoreEvent, load: LoadFacts | undefined): boolean {
  const skip = Math.max(0, SECONDARY_ENTRY - Number(BigInt(addr)));
  if (old === undefined || now === undefined || Math.min(old.length, now.length) < 2 * length)
    return !sameCode(load);
  return old.slice(2 * skip) !== now.slice(2 * skip);
}

/** Whether purgatory's copy and the kernel's have the same code for secondaries. */
function sameCode(load: LoadFacts | undefined): boolean {
  const stub = Buffer.from(load?.stub ?? '', 'hex').subarray(SECONDARY_ENTRY, HEAD_BYTES);
  const head = Buffer.from(load?.head ?? '', 'hex').subarray(SECONDARY_ENTRY, HEAD_BYTES);
  return stub.length > 0 && stub.equals(head);
}

function describe({ cpu, addr, symbol }: StoreEvent): string {
  return `CPU ${cpu} overwrote ${addr}${symbol === undefined ? '' : ` (${symbol})`}`;
}
