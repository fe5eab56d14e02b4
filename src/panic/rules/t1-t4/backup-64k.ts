/**
 * Rule `backup-64k`: the first 64 KiB are saved before the new kernel's vectors overwrite them; the dump shows the saved
 * copy at physical 0 (docs/handoff.md; kexec-tools 2.0.25 purgatory/arch/ppc64, kexec/arch/ppc64/crashdump-ppc64.c). The
 * first 0x100 bytes are the stub that kexec_sequence put there: a secondary that comes to it between T1 and the save marks
 * its arrival there, which is no damage.
 */

import type { StoreEvent } from '../../trace/index.ts';
import { fidelityOf, isMarked, lateMarks, listChanges, mayBeMarks } from '../shared/fidelity.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isJudgement, verdict } from '../shared/verdict.ts';

const LOW = 0x10000n;

export function backup64k(input: RuleInput): Judgement {
  const report = fidelityOf(input);
  if (isJudgement(report)) return report;
  const { instants } = input;
  const { pages } = report;
  if (pages === undefined) return verdict('not-reached', 'there is no dump', [instants.t1]);
  const marks = lateMarks(input);
  const low = pages.differing.filter(({ raddr }) => BigInt(raddr) < LOW);
  const wrong = low.filter((change) => !isMarked(change, marks));
  const hidden = mayBeMarks(input, wrong);
  if (hidden !== undefined) return hidden;
  if (wrong.length > 0)
    return verdict('broken', `the dump's first 64 KiB are not those of T1: ${listChanges(wrong)}`, [
      instants.t1,
    ]);
  const gap = pages.missingRanges.find(({ raddr }) => BigInt(raddr) < LOW);
  if (gap !== undefined)
    return verdict('broken', `the dump lacks ${gap.raddr}, which is in the first 64 KiB`, [instants.t1]);
  const overwritten = report.changedPagesAfterT1['low-64k'];
  return verdict(
    'held',
    `${pages.fromBackup} pages of 4 KiB as at T1${low.length === 0 ? '' : `, and one with the marks of secondaries that came to 0x60 after T1 (${namesOf(marks)})`}; ${overwritten} of those in memory have changed since`,
    [instants.t1, ...(low.length === 0 ? [] : marks)],
  );
}

function namesOf(marks: readonly StoreEvent[]): string {
  return [...new Set(marks.map(({ cpu }) => `CPU ${cpu}`))].join(', ');
}
