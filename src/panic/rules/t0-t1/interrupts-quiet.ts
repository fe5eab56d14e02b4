/**
 * `interrupts-quiet`: at T1 no CPU's interrupt presentation holds an unfinished interrupt: a secondary that never returns
 * to the interrupt layer ended and masked its IPI itself. Judged on the controller's state.
 * Source: handoff contract, seed 004; Linux 6.1 arch/powerpc/sysdev/xics/xics-common.c (xics_kexec_teardown_cpu).
 */

import { KEXEC_PATHS, type Rule, verdict } from './input.ts';

const EMPTY = 0xff;

export const interruptsQuiet: Rule = {
  name: 'interrupts-quiet',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants, records, machine } = input;
    if (instants.t1 === undefined) return verdict('not-reached', 'the image was not entered', [instants.t0]);
    const then = records?.t1;
    if (then === undefined)
      return verdict('not-evaluated', 'nothing was kept of the machine at T1', [instants.t1]);
    const faults = then.interrupts.flatMap(({ cpu, xisr, mfrr, inService }) => {
      const online = machine.cpus.find(({ index }) => index === cpu)?.online !== false;
      if (!online) return [];
      return [
        ...inService.map((number) => `CPU ${cpu} accepted interrupt ${number} and did not end it`),
        ...(BigInt(xisr) === 0n ? [] : [`interrupt ${xisr} is presented to CPU ${cpu}`]),
        ...(mfrr === EMPTY ? [] : [`CPU ${cpu} has an IPI of priority ${mfrr} that was not masked`]),
      ];
    });
    if (faults.length > 0) return verdict('broken', faults.join('; '), [instants.t1]);
    const levels = then.interrupts.map(({ cpu, cppr }) => `CPU ${cpu}: CPPR ${cppr}`).join(', ');
    return verdict('held', `nothing presented, nothing unfinished, no IPI (${levels})`, [instants.t1]);
  },
};
