/**
 * `entry-layout`: of the kernel's image, offset 0 is the master's entry, 0x60 the secondaries', 0x20 the hypervisor's,
 * and a copy of the first 0x100 bytes at address 0 is harmless. Source: handoff contract, seed 003; Linux 6.1
 * arch/powerpc/kernel/head_64.S. Nobody stores into the image's first 0x100 bytes before the kernel is entered, but for
 * the word at 0x5c; secondaries that run the copy take no exception there.
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import {
  isKernel,
  KEXEC_PATHS,
  masterOf,
  purgatoryEvents,
  type Rule,
  type RuleInput,
  reg,
  segmentOf,
  verdict,
} from './input.ts';

const SLAVE_ENTRY = 0x60;
const HYPERVISORS = { start: 0x20n, end: 0x38n } as const;
/** Program interrupt, machine check. */
const EXCEPTIONS: readonly bigint[] = [0x700n, 0x200n];

export const entryLayout: Rule = {
  name: 'entry-layout',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { image, instants, events } = input;
    const { t1, t2 } = instants;
    const { load } = image;
    const kernel = segmentOf(load, 'kernel');
    if (load === undefined || kernel === undefined) return verdict('not-reached', 'no kernel was loaded');
    if (!isKernel(load)) return verdict('not-applicable', 'the image is no kernel');
    if (t2 === undefined) return verdict('not-reached', 'the new kernel was not entered', [t1]);
    const head = Buffer.from(load.head ?? '', 'hex');
    if (
      head.length >= SLAVE_ENTRY + 4 &&
      (head.readUInt32BE(0) === 0 || head.readUInt32BE(SLAVE_ENTRY) === 0)
    )
      return verdict('broken', 'the image has no code at offset 0 or 0x60');
    const entry = events.find(({ n }) => n === t2.event);
    const at = (reg(entry, 'raddr') ?? -1n) - kernel.start;
    if (at !== 0n)
      return verdict('broken', `the master entered the kernel at offset 0x${at.toString(16)}, not 0`, [t2]);
    const store = purgatoryEvents(input).find(isHeadStore);
    if (store !== undefined) {
      const offset = BigInt(store.addr ?? 0) - kernel.start;
      const whose =
        offset >= HYPERVISORS.start && offset < HYPERVISORS.end ? "the hypervisor's place" : 'the image';
      return verdict(
        'broken',
        `CPU ${store.cpu} stored into ${whose} at offset 0x${offset.toString(16)} before the kernel was entered`,
        [store, t2],
      );
    }
    const arrivals = arrivalsOf(input);
    const trap = trapOf(input, arrivals);
    if (trap !== undefined)
      return verdict('broken', `CPU ${trap.cpu} took an exception (${trap.addr}) in the copy at 0`, [trap]);
    const who =
      arrivals.length === 0 ? 'no secondary came to the copy at 0' : 'secondaries entered the copy at 0x60';
    return verdict('held', `entered at offset 0, nothing but the word at 0x5c changed; ${who}`, [
      ...arrivals,
      t2,
    ]);
  },
};

/** The watch on the kernel's first 0x100 bytes, without the word at 0x5c, and the one on its first doubleword. */
function isHeadStore({ kind, detail, cpu }: TraceEvent): boolean {
  return kind === 'store' && cpu >= 0 && (detail === WATCH.kernelHead || detail === WATCH.copied('kernel'));
}

function arrivalsOf(input: RuleInput): readonly TraceEvent[] {
  const master = masterOf(input)?.index;
  const from = input.instants.t0?.event ?? 0;
  const seen = new Set<number>();
  return input.events.filter(
    ({ kind, detail, cpu, n }) =>
      kind === 'fetch' &&
      detail === WATCH.low &&
      n >= from &&
      cpu !== master &&
      !seen.has(cpu) &&
      seen.add(cpu).size > 0,
  );
}

/** An exception of a secondary between its coming and its going on into the kernel, or the end. */
function trapOf(input: RuleInput, arrivals: readonly TraceEvent[]): TraceEvent | undefined {
  for (const arrival of arrivals) {
    const own = input.events.filter(({ cpu, n }) => cpu === arrival.cpu && n > arrival.n);
    const leaves = own.find(({ kind, detail }) => kind === 'fetch' && detail !== WATCH.low);
    const trap = own.find(
      ({ kind, addr, n }) =>
        kind === 'interrupt' &&
        addr !== undefined &&
        EXCEPTIONS.includes(BigInt(addr)) &&
        n < (leaves?.n ?? Number.POSITIVE_INFINITY),
    );
    if (trap !== undefined) return trap;
  }
  return undefined;
}
