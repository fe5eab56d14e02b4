/**
 * Rule `interrupts-quiet`: at T1 no CPU's interrupt presentation holds an unfinished interrupt: a secondary that never
 * returns to the interrupt layer ended (EOI) and masked its IPI itself (docs/handoff.md; Linux 6.1
 * arch/powerpc/sysdev/xics/xics-common.c xics_kexec_teardown_cpu). The controller's state at T1 decides; the ends of
 * interrupts that secondaries wrote on the way are the evidence.
 */

import type { EoiEvent } from '../../trace/index.ts';
import { isOnline, secondariesOf } from '../shared/cpus.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { eventsIn, untilEntry } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

/** MFRR: no IPI is requested. */
const NO_IPI = 0xff;

export function interruptsQuiet(input: RuleInput): Judgement {
  const { instants, records, machine } = input;
  if (instants.t1 === undefined) return verdict('not-reached', 'the image was not entered', [instants.t0]);
  const then = records?.t1;
  if (then === undefined)
    return verdict('not-evaluated', 'nothing was kept of the machine at T1', [instants.t1]);
  const faults = then.interrupts.flatMap(({ cpu, xisr, mfrr, inService }) => {
    const owner = machine.cpus.find(({ index }) => index === cpu);
    if (owner !== undefined && !isOnline(input, owner)) return [];
    return [
      ...inService.map((number) => `CPU ${cpu} accepted interrupt ${number} and did not end it`),
      ...(BigInt(xisr) === 0n ? [] : [`interrupt ${xisr} is presented to CPU ${cpu}`]),
      ...(mfrr === NO_IPI ? [] : [`CPU ${cpu} has an IPI of priority ${mfrr} that was not masked`]),
    ];
  });
  if (faults.length > 0) return verdict('broken', faults.join('; '), [instants.t1]);
  const levels = then.interrupts.map(({ cpu, cppr }) => `CPU ${cpu}: CPPR ${cppr}`).join(', ');
  const ends = endsOf(input);
  const ended = ends.map(({ cpu, source }) => `CPU ${cpu} ended interrupt 0x${source.toString(16)}`);
  const note = `nothing presented, nothing unfinished, no IPI (${levels})`;
  return verdict('held', [note, ...ended].join('; '), [...ends, instants.t1]);
}

/** The last interrupt that each secondary ended before T1: its own stop IPI, where it was stopped by one. */
function endsOf(input: RuleInput): readonly EoiEvent[] {
  const ends = eventsIn(input, untilEntry(input)).filter((event) => event.kind === 'eoi');
  return secondariesOf(input).flatMap(({ index }) => ends.findLast(({ cpu }) => cpu === index) ?? []);
}
