/**
 * Rule `secondaries-parked`: before the master overwrites what they run, each secondary is in real mode (MSR[IR] = MSR[DR]
 * = 0) with its hardware id in r3, spinning (docs/handoff.md; Linux 6.1 arch/powerpc/kernel/misc_64.S). A crash image is in
 * place: the bytes at 0 are overwritten first. Left out: whether the paca is marked before or after, which only the
 * kernel's own data show.
 */

import { storesAt, type TraceEvent } from '../../trace/index.ts';
import { lastSeen, masterOf, nameCpu, secondariesOf, withoutSecondaries } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { eventsIn, untilEntry } from '../shared/stretches.ts';
import { isRealMode, lastMsr, msrAfter, msrOf } from '../shared/translation.ts';
import { verdict } from '../shared/verdict.ts';

export function secondariesParked(input: RuleInput): Judgement {
  const { instants } = input;
  const alone = withoutSecondaries(input);
  if (alone !== undefined) return alone;
  const limit = overwriting(input);
  if (limit === undefined)
    return verdict('not-reached', 'the master overwrote nothing of the old kernel', [instants.t0]);
  const faults: string[] = [];
  const evidence: TraceEvent[] = [];
  for (const cpu of secondariesOf(input)) {
    const hidden = notKept(input, { ...untilEntry(input), to: limit }, msrOf(cpu.index));
    if (hidden !== undefined) return hidden;
    const own = eventsIn(input, untilEntry(input)).filter((event) => event.cpu === cpu.index);
    const last = lastMsr(own, cpu.index, limit);
    if (last === undefined || !isRealMode(msrAfter(last))) {
      faults.push(`${nameCpu(cpu)} was not in real mode; ${lastSeen(input, cpu.index, limit)}`);
      continue;
    }
    evidence.push(last);
    // A spin changes no register: what r3 is when it ends, it was while it waited.
    const leaves = own.filter((event) => event.kind === 'fetch').find(({ n }) => n > last.n);
    if (leaves !== undefined) evidence.push(leaves);
    const r3 = (leaves ?? last).regs.r3;
    if (r3 === undefined) faults.push(`${nameCpu(cpu)} was in real mode, but its r3 was not seen`);
    else if (BigInt(r3) !== BigInt(cpu.hardwareId))
      faults.push(`${nameCpu(cpu)} waited with r3 = 0x${BigInt(r3).toString(16)}`);
  }
  if (faults.length > 0) return verdict('broken', faults.join('; '), evidence);
  return verdict('held', 'in real mode with their hardware ids in r3', evidence);
}

/** The event from which on the master overwrites: its first store at 0, or its entering the image. */
function overwriting(input: RuleInput): number | undefined {
  const master = masterOf(input)?.index;
  const store = eventsIn(input, untilEntry(input)).find(
    (event) => storesAt(event, 'low') && event.cpu === master,
  );
  return store?.n ?? input.instants.t1?.event;
}
