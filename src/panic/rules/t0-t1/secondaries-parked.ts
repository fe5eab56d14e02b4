/**
 * `secondaries-parked`: before the master overwrites what they run, each secondary is in real mode (MSR[IR] =
 * MSR[DR] = 0) with its hardware id in r3, spinning. Source: handoff contract, seed 004; Linux 6.1
 * arch/powerpc/kernel/misc_64.S. A crash image is in place: what is overwritten first are the bytes at 0.
 * Left out: whether the paca is marked before or after, which only the kernel's own data tell.
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import {
  handoffEvents,
  isRealMode,
  KEXEC_PATHS,
  lastSeen,
  masterOf,
  nameCpu,
  type Rule,
  type RuleInput,
  reg,
  secondariesOf,
  verdict,
  withoutSecondaries,
} from './input.ts';

export const secondariesParked: Rule = {
  name: 'secondaries-parked',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants } = input;
    const alone = withoutSecondaries(input);
    if (alone !== undefined) return alone;
    const limit = overwriting(input);
    if (limit === undefined)
      return verdict('not-reached', 'the master overwrote nothing of the old kernel', [instants.t0]);
    const faults: string[] = [];
    const evidence: TraceEvent[] = [];
    for (const cpu of secondariesOf(input)) {
      const own = handoffEvents(input).filter((event) => event.cpu === cpu.index);
      const last = own.findLast((event) => event.n < limit && msrOf(event) !== undefined);
      if (last === undefined || !isRealMode(msrOf(last))) {
        faults.push(`${nameCpu(cpu)} was not in real mode; ${lastSeen(input, cpu.index, limit)}`);
        continue;
      }
      evidence.push(last);
      // A spin changes no register: what r3 is when it ends, it was while it waited.
      const leaves = own.find(
        (event) => event.n > last.n && event.kind === 'fetch' && event.regs?.r3 !== undefined,
      );
      const r3 = reg(leaves, 'r3') ?? reg(last, 'r3');
      if (leaves !== undefined) evidence.push(leaves);
      if (r3 !== undefined && r3 !== BigInt(cpu.hardwareId))
        faults.push(`${nameCpu(cpu)} waited with r3 = 0x${r3.toString(16)}`);
      if (r3 === undefined) faults.push(`${nameCpu(cpu)} was in real mode, but its r3 was not seen`);
    }
    if (faults.length > 0) return verdict('broken', faults.join('; '), evidence);
    return verdict('held', 'in real mode with their hardware ids in r3', evidence);
  },
};

/** The MSR that an event leaves behind. */
function msrOf(event: TraceEvent): bigint | undefined {
  return event.kind === 'msr' ? reg(event, 'after') : event.kind === 'fetch' ? reg(event, 'msr') : undefined;
}

/** The event number from which on the master overwrites: its first store at 0, or its entering the image. */
function overwriting(input: RuleInput): number | undefined {
  const master = masterOf(input)?.index;
  const store = handoffEvents(input).find(
    ({ kind, detail, cpu }) => kind === 'store' && detail === WATCH.low && cpu === master,
  );
  return store?.n ?? input.instants.t1?.event;
}
