/**
 * `slaves-at-0x60`: secondaries go to absolute 0x60, only r3 (their hardware id) defined, in the byte order that the
 * code there expects. Source: handoff contract, seeds 001 and 004; Linux 6.1 arch/powerpc/kernel/misc_64.S, and
 * arch/powerpc/include/asm/ppc_asm.h FIXUP_ENDIAN, whose first word works in both orders.
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import {
  isRealMode,
  KEXEC_PATHS,
  lastSeen,
  MSR_LE,
  masterOf,
  nameCpu,
  type Rule,
  type RuleInput,
  reg,
  secondariesOf,
  verdict,
  withoutSecondaries,
} from './input.ts';

const SLAVE_ENTRY = 0x60n;
/** tdi 0,0,0x48 in one order, a branch over the next word in the other. */
const ENDIAN_TRICK = 0x08000048;

export const slavesAt0x60: Rule = {
  name: 'slaves-at-0x60',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants, events } = input;
    const alone = withoutSecondaries(input);
    if (alone !== undefined) return alone;
    if (instants.t0 === undefined) return verdict('not-reached', 'no panic was seen');
    const master = masterOf(input)?.index;
    const from = instants.t0.event;
    // After T2 the place is the new kernel's own, and the same holds there: a late one is noted, not broken.
    const arrivals = events.filter(
      ({ kind, detail, cpu, n }) =>
        kind === 'fetch' && n > from && cpu !== master && (detail === WATCH.low || isImage(detail)),
    );
    const late: string[] = [];
    if (arrivals.length === 0 && instants.t1 === undefined)
      return verdict('not-reached', 'no secondary was released', [instants.t0]);
    const faults: string[] = [];
    const evidence: TraceEvent[] = [];
    for (const cpu of secondariesOf(input)) {
      const arrival = arrivals.find((event) => event.cpu === cpu.index);
      if (arrival === undefined) {
        faults.push(`${nameCpu(cpu)} did not come to 0x60; ${lastSeen(input, cpu.index)}`);
        continue;
      }
      evidence.push(arrival);
      if (instants.t2 !== undefined && arrival.n > instants.t2.event) late.push(nameCpu(cpu));
      const fault = faultOf(input, arrival, BigInt(cpu.hardwareId));
      if (fault !== undefined) faults.push(`${nameCpu(cpu)} ${fault}`);
    }
    if (faults.length > 0) return verdict('broken', faults.join('; '), [...evidence, instants.t1]);
    const note = 'each with its hardware id in r3';
    return verdict(
      'held',
      late.length === 0 ? note : `${note}; ${late.join(', ')} only after the new kernel was entered`,
      evidence,
    );
  },
};

function isImage(detail: string | undefined): boolean {
  return detail === WATCH.entry || detail?.startsWith(WATCH.segment('')) === true;
}

function faultOf(input: RuleInput, arrival: TraceEvent, hardwareId: bigint): string | undefined {
  const raddr = reg(arrival, 'raddr');
  const msr = reg(arrival, 'msr') ?? 0n;
  const r3 = reg(arrival, 'r3');
  if (raddr !== SLAVE_ENTRY) return `came to 0x${raddr?.toString(16)}`;
  if (!isRealMode(msr)) return 'came to 0x60 with translation on';
  if (r3 !== hardwareId) return `came with r3 = 0x${r3?.toString(16)}`;
  const littleEndian = (msr & MSR_LE) !== 0n;
  if (littleEndian && !worksInBothOrders(input))
    return 'came in little-endian order, which the code there does not expect';
  return undefined;
}

/** Code for secondaries is entered big-endian, unless it begins with the word that is good in either order. */
function worksInBothOrders({ image }: RuleInput): boolean {
  const word = Buffer.from(image.load?.stub ?? '', 'hex').subarray(0x60, 0x64);
  return (
    word.length === 4 && (word.readUInt32BE(0) === ENDIAN_TRICK || word.readUInt32LE(0) === ENDIAN_TRICK)
  );
}
