/**
 * `slaves-noticed`: every released secondary has left the old wait loop before that page is overwritten, and left
 * 0–0xff before purgatory or the new kernel overwrites it with something else. Source: handoff contract, seed 004 (no
 * handoff says that a slave has noticed), seed 003 (secondaries are well behaved when the first 256 bytes are copied to
 * 0: the kernel's own copy over purgatory's changes nothing for them); Linux 6.1 arch/powerpc/kernel/misc_64.S,
 * kexec-tools 2.0.25 purgatory/arch/ppc64/v2wrap.S (a delay for the slaves before 0–0x100 is overwritten again).
 */

import type { LoadFacts, TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import {
  KEXEC_PATHS,
  lastSeen,
  masterOf,
  nameCpu,
  pathOf,
  type Rule,
  type RuleInput,
  secondariesOf,
  verdict,
  withoutSecondaries,
} from './input.ts';

const SLAVE_CODE = { from: 0x60, to: 0x100 } as const;

export const slavesNoticed: Rule = {
  name: 'slaves-noticed',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const alone = withoutSecondaries(input);
    if (alone !== undefined) return alone;
    const { t0, t1 } = input.instants;
    if (t0 === undefined || t1 === undefined) return verdict('not-reached', 'no CPU entered the image', [t0]);
    const over = overwriting(input);
    const faults: string[] = [];
    const evidence: TraceEvent[] = [];
    const stayed: string[] = [];
    for (const cpu of secondariesOf(input)) {
      const own = input.events.filter((event) => event.cpu === cpu.index && event.n > t0.event);
      const arrival = own.find(({ kind, detail }) => kind === 'fetch' && detail === WATCH.low);
      if (arrival !== undefined) evidence.push(arrival);
      if (over.low === undefined && over.loop === undefined) continue;
      const first = [over.low, over.loop].filter((event) => event !== undefined)[0] as TraceEvent;
      if (arrival === undefined) {
        faults.push(
          `${nameCpu(cpu)} had not left its old wait loop when ${describe(first)}; ${lastSeen(input, cpu.index)}`,
        );
        continue;
      }
      if (arrival.n > first.n) {
        faults.push(`${nameCpu(cpu)} came to 0x60 only after ${describe(first)}`);
        continue;
      }
      const leaves = own.find(
        ({ kind, detail, n }) => kind === 'fetch' && detail !== WATCH.low && n > arrival.n,
      );
      if (leaves !== undefined) evidence.push(leaves);
      if (over.low === undefined || (leaves !== undefined && leaves.n < over.low.n)) continue;
      if (sameCode(input.image.load)) stayed.push(nameCpu(cpu));
      else faults.push(`${nameCpu(cpu)} was still in 0–0xff when ${describe(over.low)}`);
    }
    const marks = [...evidence, over.low, over.loop];
    if (faults.length > 0) return verdict('broken', faults.join('; '), marks);
    if (evidence.length === 0) return verdict('not-reached', 'no secondary was released', [t1]);
    if (over.low === undefined && over.loop === undefined)
      return verdict('held', 'nothing that a secondary runs was overwritten', marks);
    const note = 'each had left its old wait loop before anything it runs was overwritten';
    return verdict(
      'held',
      stayed.length === 0
        ? note
        : `${note}; ${stayed.join(', ')} waited in 0–0xff while the same code was written there again`,
      marks,
    );
  },
};

/**
 * The first store after T1 to the copy at 0 by a CPU that is no waiting secondary, and, where the new kernel moves
 * itself over the old one, the first store of that move.
 */
function overwriting(input: RuleInput): {
  readonly low: TraceEvent | undefined;
  readonly loop: TraceEvent | undefined;
} {
  const { t1 } = input.instants;
  const master = masterOf(input)?.index;
  const after = input.events.filter(
    ({ kind, n, cpu }) => kind === 'store' && cpu === master && n > (t1?.event ?? 0),
  );
  const move = after.find(({ detail }) => detail === WATCH.aboveVectors);
  return {
    low: after.find((event) => event.detail === WATCH.low && reachesCode(event)),
    loop: pathOf(input) === 'kexec' || move !== undefined ? move : undefined,
  };
}

/** The words below 0x60 are data and the master's code: a store there is how a secondary is called on. */
function reachesCode(event: TraceEvent): boolean {
  const from = Number(BigInt(event.addr ?? 0));
  return from + Number(BigInt(event.regs?.length ?? 1)) > SLAVE_CODE.from;
}

/** Whether purgatory's copy and the kernel's have the same code for secondaries. */
function sameCode(load: LoadFacts | undefined): boolean {
  const stub = Buffer.from(load?.stub ?? '', 'hex').subarray(SLAVE_CODE.from, SLAVE_CODE.to);
  const head = Buffer.from(load?.head ?? '', 'hex').subarray(SLAVE_CODE.from, SLAVE_CODE.to);
  return stub.length > 0 && stub.equals(head);
}

function describe(event: TraceEvent): string {
  return `CPU ${event.cpu} overwrote ${event.addr}${event.symbol === undefined ? '' : ` (${event.symbol})`}`;
}
