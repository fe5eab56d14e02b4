/**
 * `backup-64k`: the first 64 KiB are saved before the new kernel's vectors overwrite them; the dump shows the saved copy at
 * physical 0. Source: handoff contract; kexec-tools 2.0.25 purgatory/arch/ppc64 (backup), kexec/arch/ppc64/crashdump-ppc64.c.
 */

import { fidelityOf, isJudgement, listChanges } from './fidelity-input.ts';
import { type Rule, verdict } from './input.ts';

const LOW = 0x10000n;

export const backup64k: Rule = {
  name: 'backup-64k',
  paths: ['crash'],
  judge: (input) => {
    const report = fidelityOf(input);
    if (isJudgement(report)) return report;
    const { instants } = input;
    const { pages } = report;
    if (pages === undefined) return verdict('not-reached', 'there is no dump to look at', [instants.t1]);
    const low = pages.differing.filter(({ raddr }) => BigInt(raddr) < LOW);
    if (low.length > 0)
      return verdict('broken', `the dump's first 64 KiB are not those of T1: ${listChanges(low)}`, [
        instants.t1,
      ]);
    const gap = pages.missingRanges.find(({ raddr }) => BigInt(raddr) < LOW);
    if (gap !== undefined)
      return verdict('broken', `the dump lacks ${gap.raddr}, which is in the first 64 KiB`, [instants.t1]);
    const overwritten = report.changedPagesAfterT1['low-64k'];
    return verdict(
      'held',
      `${pages.fromBackup} pages of 4 KiB as at T1; ${overwritten} of those in memory have changed since`,
      [instants.t1],
    );
  },
};
