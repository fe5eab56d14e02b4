/**
 * `memory-intact`: after T1, outside of the reservation nothing changes but 0–0xffff, RTAS's own memory and
 * hypervisor-owned areas. What the crashed kernel itself still wrote between T0 and T1 is told, not broken.
 * Source: handoff contract; src/panic/fidelity compares memory.
 */

import { fidelityOf, isJudgement, listChanges } from './fidelity-input.ts';
import { type Rule, verdict } from './input.ts';

export const memoryIntact: Rule = {
  name: 'memory-intact',
  paths: ['crash'],
  judge: (input) => {
    const report = fidelityOf(input);
    if (isJudgement(report)) return report;
    const { instants } = input;
    const counts = report.changedPagesAfterT1;
    const broken = report.changedAfterT1.filter(({ owner }) => owner === 'unexplained');
    if (counts.unexplained > 0)
      return verdict('broken', `after T1 changed: ${listChanges(broken, counts.unexplained)}`, [instants.t1]);
    const others = (['low-64k', 'rtas', 'hypervisor'] as const)
      .filter((owner) => counts[owner] > 0)
      .map((owner) => `${owner} ${counts[owner]}`);
    return verdict(
      'held',
      `pages changed after T1: reservation ${counts.reservation}${others.map((each) => `, ${each}`).join('')}; ` +
        `from T0 to T1 the crashed kernel wrote ${report.changedPagesBeforeT1}`,
      [instants.t0, instants.t1],
    );
  },
};
