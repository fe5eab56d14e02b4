/** Finds what changed in memory between two instants, or between T1 and the end, with the owner of the memory and the writer. */

import { hex64 } from '../../base/hex.ts';
import type { InstantRecord, PageChange, PageWriter, PartitionHandle } from '../../emulator/host/index.ts';
import type { ChangeFact, FidelityReport, Owner, StrayFact, WriterFact } from '../trace/index.ts';
import { differences, equalBytes, PAGE } from './differences.ts';
import { holds, type Owners } from './owners.ts';

/** The name of an instruction at an address when `insn` had been executed. */
export type NameOf = (nia: bigint, insn: number) => string | undefined;

const LISTED = 256;
/** Read at once. */
const RUN = 2 ** 20;
const OWNERS: readonly OwnerAfter[] = ['reservation', 'low-64k', 'rtas', 'hypervisor', 'unexplained'];

type OwnerAfter = Exclude<Owner, 'production'>;
type Handle = Pick<PartitionHandle, 'readInstant' | 'readMemory'>;

export function writerFact({ first, last, lastIsSure }: PageChange, nameOf: NameOf): WriterFact {
  const symbol = first.by === 'cpu' ? nameOf(first.nia, first.insn) : undefined;
  return {
    by: first.by,
    cpu: first.cpu,
    nia: hex64(first.nia),
    ...(symbol === undefined ? {} : { symbol }),
    insn: first.insn,
    ...(lastIsSure && !sameWriter(first, last)
      ? { last: { cpu: last.cpu, nia: hex64(last.nia), insn: last.insn } }
      : {}),
  };
}

/** T0 to T1: everything, by page. */
export async function changedBefore(
  handle: Handle,
  changes: readonly PageChange[],
  t1: InstantRecord,
  owners: Owners,
  nameOf: NameOf,
): Promise<Pick<FidelityReport, 'changedBeforeT1' | 'changedPagesBeforeT1'>> {
  const facts: ChangeFact[] = [];
  let pages = 0;
  const before = changes.filter(({ first }) => first.insn < t1.insn);
  for await (const { change, was, is } of pairs(before, (from, length) =>
    Promise.all([handle.readInstant('t0', from, length), handle.readInstant('t1', from, length)]),
  )) {
    if (equalBytes(was, is)) continue;
    pages++;
    if (facts.length < LISTED)
      facts.push(
        ...differences(change.raddr, was, is, owners, writerFact(change, nameOf)).map(
          (fact): ChangeFact => (fact.owner === 'unexplained' ? { ...fact, owner: 'production' } : fact),
        ),
      );
  }
  return { changedBeforeT1: facts, changedPagesBeforeT1: pages };
}

/** T1 to now: the reservation as a whole, since it is the crash kernel's to use; all else by page. */
export async function changedAfter(
  handle: Handle,
  changes: readonly PageChange[],
  owners: Owners,
  nameOf: NameOf,
): Promise<Pick<FidelityReport, 'changedAfterT1' | 'changedPagesAfterT1'>> {
  const counts: Record<OwnerAfter, number> = {
    reservation: 0,
    'low-64k': 0,
    rtas: 0,
    hypervisor: 0,
    unexplained: 0,
  };
  const facts = new Map<Owner, ChangeFact[]>(OWNERS.map((owner) => [owner, []]));
  const inside = changes.filter(({ raddr }) => holds(owners.reservation, raddr));
  const [first] = inside;
  if (first !== undefined) {
    counts.reservation = inside.length;
    facts
      .get('reservation')
      ?.push({ raddr: hex64(first.raddr), bytes: inside.length * PAGE, owner: 'reservation' });
  }
  const outside = changes.filter(({ raddr }) => !holds(owners.reservation, raddr));
  for await (const { change, was, is } of pairs(outside, (from, length) =>
    Promise.all([handle.readInstant('t1', from, length), handle.readMemory(from, length)]),
  )) {
    if (equalBytes(was, is)) continue;
    for (const fact of differences(change.raddr, was, is, owners, writerFact(change, nameOf))) {
      if (fact.owner !== 'production') counts[fact.owner]++;
      const list = facts.get(fact.owner);
      if (list !== undefined && list.length < LISTED) list.push(fact);
    }
  }
  return { changedAfterT1: [...facts.values()].flat(), changedPagesAfterT1: counts };
}

/** The top four bits choose the region; the rest is the real address in the linear map, and in real mode. */
const REGION_BITS = 0xfn << 60n;

/**
 * Finds pages of the reservation that were written after T1 by other code than the image's. The first writer of a page decides.
 * @param until the instruction count of T2, from which on the reservation is the crash kernel's; absent: to the end
 */
export async function writtenIntoReservation(
  handle: Handle,
  changes: readonly PageChange[],
  t1: Pick<InstantRecord, 'cpu'>,
  until: number | undefined,
  owners: Owners,
  nameOf: NameOf,
): Promise<readonly StrayFact[]> {
  const isStray = ({ raddr, first }: PageChange): boolean =>
    holds(owners.reservation, raddr) &&
    first.by !== 'fault' &&
    (until === undefined || first.insn < until) &&
    (first.by !== 'cpu' ||
      first.cpu !== t1.cpu ||
      !holds(owners.reservation, Number(first.nia & ~REGION_BITS)));
  const facts: StrayFact[] = [];
  for (const change of changes.filter(isStray).slice(0, LISTED)) {
    const [was, is] = await Promise.all([
      handle.readInstant('t1', change.raddr, PAGE),
      handle.readMemory(change.raddr, PAGE),
    ]);
    const changed = !equalBytes(was, is);
    // Where no kernel came after it, the same bytes again are no harm.
    if (changed || until !== undefined)
      facts.push({ raddr: hex64(change.raddr), writer: writerFact(change, nameOf), changed });
  }
  return facts;
}

/** Each changed page with its bytes before and after; pages side by side are read at once. */
async function* pairs(
  changes: readonly PageChange[],
  read: (from: number, length: number) => Promise<readonly [Uint8Array, Uint8Array]>,
): AsyncGenerator<{ readonly change: PageChange; readonly was: Uint8Array; readonly is: Uint8Array }> {
  for (let i = 0; i < changes.length; ) {
    const from = (changes[i] as PageChange).raddr;
    let n = 1;
    while (changes[i + n]?.raddr === from + n * PAGE && n * PAGE < RUN) n++;
    const [was, is] = await read(from, n * PAGE);
    for (let k = 0; k < n; k++)
      yield {
        change: changes[i + k] as PageChange,
        was: was.subarray(k * PAGE, (k + 1) * PAGE),
        is: is.subarray(k * PAGE, (k + 1) * PAGE),
      };
    i += n;
  }
}

function sameWriter(a: PageWriter, b: PageWriter): boolean {
  return a.by === b.by && a.cpu === b.cpu && a.nia === b.nia && a.insn === b.insn;
}
