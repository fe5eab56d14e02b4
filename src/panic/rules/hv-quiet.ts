/**
 * `hv-quiet`: after T1 nothing writes for the old kernel: VPA, dispatch log, CRQ, TCE-mapped and in-flight DMA. Linux
 * leaves its VPAs registered on a crash: what the hypervisor writes there is told. A device or a hypervisor that writes to
 * old memory that was not given to it breaks the rule. On an ordinary kexec areas are taken back: one that is registered
 * at T1, or a disk request in flight, breaks it; what is written there later is not kept on that way.
 * Source: handoff contract, seed 004; Linux 6.1 arch/powerpc/platforms/pseries/kexec.c (VPAs are kept on a crash).
 * Left out: the event queues of XIVE are not listed among what is registered at T1. An event that is written to one of the
 * old kernel's is a write by the hypervisor like any other.
 */

import { listChanges } from './fidelity-input.ts';
import { type Judgement, KEXEC_PATHS, pathOf, type Rule, type RuleInput, verdict } from './input.ts';

export const hvQuiet: Rule = {
  name: 'hv-quiet',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants, records, fidelity } = input;
    if (instants.t1 === undefined) return verdict('not-reached', 'the image was not entered', [instants.t0]);
    const then = records?.t1?.hypervisor;
    if (then === undefined)
      return verdict('not-evaluated', 'nothing was kept of the machine at T1', [instants.t1]);
    if (pathOf(input) === 'kexec') return takenBack(then, instants.t1);
    if (fidelity === undefined)
      return verdict('not-evaluated', 'nothing was kept of memory at T1', [instants.t1]);
    const strays = fidelity.changedAfterT1.filter(
      ({ owner, writer }) =>
        owner === 'unexplained' && (writer?.by === 'device' || writer?.by === 'hypervisor'),
    );
    if (strays.length > 0)
      return verdict('broken', `written for the old kernel: ${listChanges(strays)}`, [instants.t1]);
    const written = fidelity.changedAfterT1.filter(({ owner }) => owner === 'hypervisor');
    const told = [
      ...listAreas(then),
      ...(then.crqs > 0 ? [`${then.crqs} command queues`] : []),
      ...(then.tces > 0 ? [`${then.tces} TCEs`] : []),
      ...(then.inFlight > 0 ? [`${then.inFlight} disk requests in flight, which wrote nothing`] : []),
    ];
    const left = told.length === 0 ? 'nothing left registered' : `left at T1: ${told.join(', ')}`;
    const wrote = written.length === 0 ? '' : `; the hypervisor wrote there: ${listChanges(written)}`;
    return verdict('held', `${left}${wrote}`, [instants.t1]);
  },
};

type Hypervisor = NonNullable<NonNullable<RuleInput['records']>['t1']>['hypervisor'];

/** An ordinary kexec has the time to take everything back, and nobody keeps the old kernel's memory clear of writes. */
function takenBack(then: Hypervisor, t1: RuleInput['instants']['t1']): Judgement {
  const left = [
    ...listAreas(then),
    ...(then.inFlight > 0 ? [`${then.inFlight} disk requests in flight`] : []),
  ];
  const noted = [
    ...(then.crqs > 0 ? [`${then.crqs} command queues`] : []),
    ...(then.tces > 0 ? [`${then.tces} TCEs`] : []),
  ];
  if (left.length > 0) return verdict('broken', `left at T1: ${left.join(', ')}`, [t1]);
  return verdict('held', noted.length === 0 ? 'nothing left registered' : `left at T1: ${noted.join(', ')}`, [
    t1,
  ]);
}

function listAreas({ vpas }: Hypervisor): readonly string[] {
  return vpas.map(({ cpu, kind, raddr }) => `${kind} of CPU ${cpu} at ${raddr}`);
}
