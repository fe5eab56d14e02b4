/**
 * Rule `hv-quiet`: after T1 nothing writes for the old kernel: VPA, dispatch log, event queues, CRQ, TCE-mapped and
 * in-flight DMA (docs/handoff.md; Linux 6.1 arch/powerpc/platforms/pseries/kexec.c keeps VPAs on a crash). A device or a
 * hypervisor that writes to old memory that was not given to it breaks the rule; what it writes to a registered area is
 * reported. XIVE's event queues are taken back on a crash as well (Linux 6.1 arch/powerpc/sysdev/xive/common.c xive_shutdown: H_INT_RESET):
 * an event in one that was left breaks the rule; one that is left and stays as it was is reported. On an ordinary kexec areas and
 * queues are taken back: one that is left at T1, or a disk request in flight, breaks the rule, and later writes are not recorded.
 */

import type { ChangeFact } from '../../trace/index.ts';
import { listChanges } from '../shared/fidelity.ts';
import { type Judgement, pathOf, type RuleInput } from '../shared/input.ts';
import { overlaps, spanOf } from '../shared/spans.ts';
import { verdict } from '../shared/verdict.ts';

export function hvQuiet(input: RuleInput): Judgement {
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
  if (strays.length > 0) {
    const into = listQueues({ ...then, queues: (then.queues ?? []).filter((queue) => isHit(queue, strays)) });
    const where = into.length === 0 ? '' : `; left at T1: ${into.join(', ')}`;
    return verdict('broken', `written for the old kernel: ${listChanges(strays)}${where}`, [instants.t1]);
  }
  const written = fidelity.changedAfterT1.filter(({ owner }) => owner === 'hypervisor');
  const left = [
    ...listAreas(then),
    ...listQueues(then),
    ...(then.crqs > 0 ? [`${then.crqs} command queues`] : []),
    ...(then.tces > 0 ? [`${then.tces} TCEs`] : []),
    ...(then.inFlight > 0 ? [`${then.inFlight} disk requests in flight, which wrote nothing`] : []),
  ];
  const areas = left.length === 0 ? 'nothing left registered' : `left at T1: ${left.join(', ')}`;
  const wrote = written.length === 0 ? '' : `; the hypervisor wrote there: ${listChanges(written)}`;
  return verdict('held', `${areas}${wrote}`, [instants.t1]);
}

type Hypervisor = NonNullable<NonNullable<RuleInput['records']>['t1']>['hypervisor'];
type RangeOfQueue = NonNullable<Hypervisor['queues']>[number];

function isHit({ raddr, bytes }: RangeOfQueue, changes: readonly ChangeFact[]): boolean {
  const queue = spanOf({ start: raddr, bytes });
  return changes.some((change) => overlaps(queue, spanOf({ start: change.raddr, bytes: change.bytes })));
}

/** An ordinary kexec has the time to take everything back. */
function takenBack(then: Hypervisor, t1: RuleInput['instants']['t1']): Judgement {
  const left = [
    ...listAreas(then),
    ...listQueues(then),
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

function listQueues({ queues = [] }: Hypervisor): readonly string[] {
  return queues.map(({ cpu, priority, raddr }) => `event queue ${priority} of CPU ${cpu} at ${raddr}`);
}

function listAreas({ vpas }: Hypervisor): readonly string[] {
  return vpas.map(({ cpu, kind, raddr }) => `${kind} of CPU ${cpu} at ${raddr}`);
}
