/**
 * Rule `slaves-at-0x60`: secondaries go to absolute 0x60, only r3 (their hardware id) defined, in the byte order that the
 * code there expects (docs/handoff.md; Linux 6.1 arch/powerpc/kernel/misc_64.S, and arch/powerpc/include/asm/ppc_asm.h
 * FIXUP_ENDIAN, whose first word works in both orders).
 */

import { MSR } from '../../../base/power.ts';
import { type EventSort, type FetchEvent, fetchesAt, type TraceEvent } from '../../trace/index.ts';
import { lastSeen, masterOf, nameCpu, secondariesOf, withoutSecondaries } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import { SECONDARY_ENTRY } from '../shared/image.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { eventsIn, sinceTrigger } from '../shared/stretches.ts';
import { isRealMode } from '../shared/translation.ts';
import { verdict } from '../shared/verdict.ts';

/** tdi 0,0,0x48 in one order, a branch over the next word in the other. */
const ENDIAN_TRICK = 0x08000048;

export function slavesAt0x60(input: RuleInput): Judgement {
  const { t0, t1, t2 } = input.instants;
  const alone = withoutSecondaries(input);
  if (alone !== undefined) return alone;
  if (t0 === undefined) return verdict('not-reached', 'no panic was seen');
  const master = masterOf(input)?.index;
  // After T2 the place is the new kernel's own, and the same holds there: a late one is noted, not broken.
  const arrivals = eventsIn(input, sinceTrigger(input))
    .filter((event) => event.kind === 'fetch')
    .filter((event) => event.cpu !== master && arrives(event));
  if (arrivals.length === 0 && t1 === undefined)
    return verdict('not-reached', 'no secondary was released', [t0]);
  const late: string[] = [];
  const faults: string[] = [];
  const evidence: TraceEvent[] = [];
  for (const cpu of secondariesOf(input)) {
    const arrival = arrivals.find((event) => event.cpu === cpu.index);
    if (arrival === undefined) {
      const comes = (sort: EventSort): boolean => sort.cpu === cpu.index && arrives(sort);
      const hidden = notKept(input, sinceTrigger(input), comes);
      if (hidden !== undefined) return hidden;
      faults.push(`${nameCpu(cpu)} did not come to 0x60; ${lastSeen(input, cpu.index)}`);
      continue;
    }
    evidence.push(arrival);
    if (t2 !== undefined && arrival.n > t2.event) late.push(nameCpu(cpu));
    const fault = faultOf(input, arrival, BigInt(cpu.hardwareId));
    if (fault !== undefined) faults.push(`${nameCpu(cpu)} ${fault}`);
  }
  if (faults.length > 0) return verdict('broken', faults.join('; '), [...evidence, t1]);
  const note = 'each with its hardware id in r3';
  return verdict(
    'held',
    late.length === 0 ? note : `${note}; ${late.join(', ')} only after the new kernel was entered`,
    evidence,
  );
}

/** In the copy at 0, or in the image itself. */
function arrives(event: EventSort): boolean {
  return fetchesAt(event, 'low') || fetchesAt(event, 'entry') || fetchesAt(event, 'segment');
}

function faultOf(input: RuleInput, { raddr, regs }: FetchEvent, hardwareId: bigint): string | undefined {
  const msr = BigInt(regs.msr);
  const r3 = BigInt(regs.r3);
  if (BigInt(raddr) !== BigInt(SECONDARY_ENTRY)) return `came to 0x${BigInt(raddr).toString(16)}`;
  if (!isRealMode(msr)) return 'came to 0x60 with translation on';
  if (r3 !== hardwareId) return `came with r3 = 0x${r3.toString(16)}`;
  const littleEndian = (msr & MSR.LE) !== 0n;
  if (littleEndian && !worksInBothOrders(input))
    return 'came in little-endian order, which the code there does not expect';
  return undefined;
}

/** Code for secondaries is entered big-endian, unless it begins with the word that is good in either order. */
function worksInBothOrders({ image }: RuleInput): boolean {
  const word = Buffer.from(image.load?.stub ?? '', 'hex').subarray(SECONDARY_ENTRY, SECONDARY_ENTRY + 4);
  return (
    word.length === 4 && (word.readUInt32BE(0) === ENDIAN_TRICK || word.readUInt32LE(0) === ENDIAN_TRICK)
  );
}
