/**
 * Rule `slaves-first-256`: the first 0x100 bytes from the entry point are at address 0 before any secondary is released
 * (docs/handoff.md; Linux 6.1 arch/powerpc/kernel/misc_64.S). The master's store to the word that secondaries wait for is
 * the release, where the kernel has that word; else the first arrival of a secondary is its latest time. The bytes that
 * the master stored are compared with the entry's. A trace of version 1 has no stored bytes: there the backup region, into
 * which purgatory copies address 0 later, is compared.
 */

import { HEAD_BYTES } from '../../../crashkernel/index.ts';
import { type EventSort, type FetchEvent, fetchesAt, type StoreEvent, storesAt } from '../../trace/index.ts';
import { masterOf } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { storedBytes } from '../shared/places.ts';
import { eventsIn, inPurgatory, sinceTrigger, untilEntry } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function slavesFirst256(input: RuleInput): Judgement {
  const { t0, t1 } = input.instants;
  const master = masterOf(input);
  if (t0 === undefined || master === undefined) return verdict('not-reached', 'no panic was seen');
  const isMasters = (event: EventSort): boolean => storesAt(event, 'low') && event.cpu === master.index;
  const comes = (event: EventSort): boolean => fetchesAt(event, 'low') && event.cpu !== master.index;
  const stores = eventsIn(input, untilEntry(input)).filter((event) => storesAt(event, 'low'));
  const copies = stores.filter(isMasters);
  const arrival = eventsIn(input, sinceTrigger(input))
    .filter((event) => event.kind === 'fetch')
    .find(comes);
  const release = releaseOf(input, master.index);
  const evidence = [...copies, release, arrival];
  const released = Math.min(...[release, arrival].map((event) => event?.n ?? Number.POSITIVE_INFINITY));
  const before = copies.filter(({ n }) => n < released);
  const missing = firstUncovered(before);
  if (missing !== undefined) {
    const limit = { ...untilEntry(input), to: Math.min(released, untilEntry(input).to) };
    const hidden = notKept(input, limit, isMasters);
    if (hidden !== undefined) return hidden;
    const what = `before 0x${missing.toString(16)} was copied`;
    if (arrival !== undefined) return verdict('broken', `CPU ${arrival.cpu} was released ${what}`, evidence);
    if (release !== undefined)
      return verdict('broken', `CPU ${master.index} released the secondaries ${what}`, evidence);
    if (t1 === undefined) return verdict('not-reached', 'the copy to address 0 was not made', [t0]);
    return verdict('broken', `the image was entered, but address 0x${missing.toString(16)} was not copied`, [
      ...copies,
      t1,
    ]);
  }
  // A kernel that dies on its way to an ordinary image copies to 0 what its crash image begins with.
  if (t1 === undefined && (input.image.path ?? 'crash') !== 'crash')
    return verdict('not-reached', 'the image was not entered', evidence);
  const hidden = arrival === undefined ? notKept(input, sinceTrigger(input), comes) : undefined;
  if (hidden !== undefined) return hidden;
  const others = stores.filter(({ cpu }) => cpu !== master.index);
  const difference = compare(input, before, others);
  if (difference === 'unknown')
    return verdict(
      'held',
      'all 0x100 bytes were stored; there is no backup region to compare them through',
      evidence,
    );
  if (difference !== undefined)
    return verdict(
      'broken',
      `the byte at 0x${difference.toString(16)} is not that of the entry point`,
      evidence,
    );
  return verdict('held', `copied and equal to the entry's; ${when(release, arrival)}`, evidence);
}

/** The master's store to the word that its secondaries wait for. */
function releaseOf(input: RuleInput, master: number): StoreEvent | undefined {
  return eventsIn(input, untilEntry(input))
    .filter((event) => storesAt(event, 'release'))
    .find((event) => event.cpu === master && storedBytes(event)?.every((byte) => byte === 0) !== true);
}

function when(release: StoreEvent | undefined, arrival: FetchEvent | undefined): string {
  if (release !== undefined) return `before CPU ${release.cpu} released the secondaries`;
  return arrival === undefined ? 'no secondary was released' : `before CPU ${arrival.cpu} was released`;
}

/** The first address that no store reaches, or undefined. */
function firstUncovered(stores: readonly StoreEvent[]): number | undefined {
  const covered = new Uint8Array(HEAD_BYTES);
  for (const store of stores) mark(covered, store);
  const at = covered.indexOf(0);
  return at < 0 ? undefined : at;
}

function mark(covered: Uint8Array, { addr, length }: StoreEvent): void {
  const from = Number(BigInt(addr));
  covered.fill(1, Math.min(from, HEAD_BYTES), Math.min(from + length, HEAD_BYTES));
}

/** The first address whose byte is not the entry's: as it was stored, or else as purgatory saved it. */
function compare(
  input: RuleInput,
  copies: readonly StoreEvent[],
  others: readonly StoreEvent[],
): number | 'unknown' | undefined {
  const { load, entered } = input.image;
  if (load === undefined) return 'unknown';
  const stub = Buffer.from(load.stub, 'hex');
  const stored = bytesOf(copies);
  const wrong = stored.findIndex((byte, i) => byte !== undefined && byte !== stub[i]);
  if (wrong >= 0) return wrong;
  if (!stored.includes(undefined)) return undefined;
  if (entered?.backup === undefined) return 'unknown';
  const saved = Buffer.from(entered.backup, 'hex');
  // Secondaries that wait there write into it: their bytes do not count.
  const ignored = new Uint8Array(HEAD_BYTES);
  for (const store of [...others, ...laterStores(input)]) mark(ignored, store);
  const differs = stored.findIndex(
    (byte, i) => byte === undefined && ignored[i] === 0 && stub[i] !== saved[i],
  );
  return differs < 0 ? undefined : differs;
}

/** What the stores left at 0 to 0xff, as far as their bytes are known. */
function bytesOf(stores: readonly StoreEvent[]): readonly (number | undefined)[] {
  const bytes = new Array<number | undefined>(HEAD_BYTES).fill(undefined);
  for (const store of stores) {
    const from = Number(BigInt(store.addr));
    const known = storedBytes(store);
    for (let i = 0; i < store.length && from + i < HEAD_BYTES; i++) bytes[from + i] = known?.[i];
  }
  return bytes;
}

/** Between T1 and T2 the secondaries run the copy, and store there that they have come. */
function laterStores(input: RuleInput): readonly StoreEvent[] {
  const master = masterOf(input)?.index;
  return eventsIn(input, inPurgatory(input))
    .filter((event) => storesAt(event, 'low'))
    .filter(({ cpu }) => cpu !== master);
}
