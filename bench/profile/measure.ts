/** Measures a crash: a run that is sampled, and one that is counted. */

import { costsOf } from './aggregate.ts';
import { type CrashSpec, type Run, runCrash } from './daemon.ts';
import { countsAt, type Phase, phasesOf, placesOf } from './phases.ts';
import type { GuestRecord } from './record.ts';
import type { Measured } from './report.ts';

export async function measure(spec: CrashSpec, log: (text: string) => void): Promise<Measured> {
  log('sampled run');
  const sampled = await runCrash(spec, 'samples');
  log('counted run');
  return measuredOf(sampled, await runCrash(spec, 'counts'));
}

export function measuredOf(sampled: Run, counted: Run): Measured {
  const phases = phasesIn(sampled);
  const countedPhases = phasesIn(counted);
  const guest = guestOf(counted);
  const processCpuUs = sampled.threads.find((thread) => thread.processCpuUs !== undefined)?.processCpuUs ?? 0;
  return {
    phases,
    costs: costsOf(phases, sampled.threads, sampled.times),
    processMs: processCpuUs / 1000,
    counts: countedPhases.map(({ from, to }) => {
      const before = countsAt(guest, from);
      return new Map(
        [...countsAt(guest, to)].map(([name, count]) => [name, count - (before.get(name) ?? 0)]),
      );
    }),
    differs: phases
      .filter((phase, i) => insnsOf(phase) !== insnsOf(countedPhases[i]))
      .map(({ name }) => name),
  };
}

function phasesIn({ begun, threads, trace }: Run): readonly Phase[] {
  const storing = threads.find((thread) => thread.storing !== undefined)?.storing;
  return phasesOf(begun, placesOf(guestOf({ threads }), trace.instants, storing));
}

function guestOf({ threads }: Pick<Run, 'threads'>): GuestRecord {
  const guest = threads.find((thread) => thread.guest !== undefined)?.guest;
  if (guest === undefined) throw new Error('the partition’s worker left no record');
  return guest;
}

function insnsOf(phase: Phase | undefined): number | undefined {
  return phase === undefined ? undefined : phase.to.insn - phase.from.insn;
}
