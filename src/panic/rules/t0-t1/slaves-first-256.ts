/**
 * `slaves-first-256`: the first 0x100 bytes from the entry point are at address 0 before any secondary is released.
 * Source: handoff contract, seeds 001 and 004; Linux 6.1 arch/powerpc/kernel/misc_64.S. What was copied is compared
 * through the backup region, into which purgatory copies address 0 after it.
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import { handoffEvents, KEXEC_PATHS, masterOf, type Rule, type RuleInput, reg, verdict } from './input.ts';

const BYTES = 0x100;

export const slavesFirst256: Rule = {
  name: 'slaves-first-256',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants } = input;
    const master = masterOf(input);
    const events = handoffEvents(input);
    if (instants.t0 === undefined || master === undefined) return verdict('not-reached', 'no panic was seen');
    const stores = events.filter(({ kind, detail }) => kind === 'store' && detail === WATCH.low);
    const copies = stores.filter(({ cpu }) => cpu === master.index);
    const released = input.events.find(
      ({ kind, detail, cpu, n }) =>
        kind === 'fetch' && detail === WATCH.low && cpu !== master.index && n >= (instants.t0?.event ?? 0),
    );
    const before = copies.filter(({ n }) => n < (released?.n ?? Number.POSITIVE_INFINITY));
    const missing = firstUncovered(before);
    if (missing !== undefined) {
      if (released !== undefined)
        return verdict(
          'broken',
          `CPU ${released.cpu} was released before 0x${missing.toString(16)} was copied`,
          [...copies, released],
        );
      if (instants.t1 === undefined)
        return verdict('not-reached', 'the copy to address 0 was not made', [instants.t0]);
      return verdict(
        'broken',
        `the image was entered, but address 0x${missing.toString(16)} was not copied`,
        [...copies, instants.t1],
      );
    }
    const evidence = [...copies, released];
    const difference = compare(
      input,
      stores.filter(({ cpu }) => cpu !== master.index),
    );
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
    const when =
      released === undefined ? 'no secondary was released' : `before CPU ${released.cpu} was released`;
    return verdict('held', `copied and equal to the entry's; ${when}`, evidence);
  },
};

/** The first address that no store reaches, or undefined. */
function firstUncovered(stores: readonly TraceEvent[]): number | undefined {
  const covered = new Uint8Array(BYTES);
  for (const store of stores) mark(covered, store);
  const at = covered.indexOf(0);
  return at < 0 ? undefined : at;
}

function mark(covered: Uint8Array, store: TraceEvent): void {
  const from = Number(BigInt(store.addr ?? 0));
  covered.fill(1, Math.min(from, BYTES), Math.min(from + Number(reg(store, 'length') ?? 0n), BYTES));
}

/** Where the saved copy differs from the entry. Secondaries that wait there write into it: their bytes do not count. */
function compare(input: RuleInput, others: readonly TraceEvent[]): number | 'unknown' | undefined {
  const { load, entered } = input.image;
  if (load === undefined || entered?.backup === undefined) return 'unknown';
  const stub = Buffer.from(load.stub, 'hex');
  const saved = Buffer.from(entered.backup, 'hex');
  const ignored = new Uint8Array(BYTES);
  for (const store of [...others, ...laterStores(input)]) mark(ignored, store);
  for (let i = 0; i < BYTES; i++) if (ignored[i] === 0 && stub[i] !== saved[i]) return i;
  return undefined;
}

/** Between T1 and T2 the secondaries run the copy, and say that they are there. */
function laterStores(input: RuleInput): readonly TraceEvent[] {
  const { t1, t2 } = input.instants;
  const master = masterOf(input)?.index;
  return input.events.filter(
    ({ kind, detail, cpu, n }) =>
      kind === 'store' &&
      detail === WATCH.low &&
      cpu !== master &&
      n >= (t1?.event ?? Number.POSITIVE_INFINITY) &&
      n < (t2?.event ?? Number.POSITIVE_INFINITY),
  );
}
