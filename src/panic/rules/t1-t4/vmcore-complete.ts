/**
 * `vmcore-complete`: the dump equals memory at T1 page by page (0–0xffff from the backup); what a filter left out is
 * accounted for by kind. Source: handoff contract; src/panic/fidelity compares the dump.
 */

import type { PageCounts, TraceEvent } from '../trace/index.ts';
import { fidelityOf, isJudgement, isMarked, lateMarks, listChanges } from './fidelity-input.ts';
import { type Rule, verdict } from './input.ts';

export const vmcoreComplete: Rule = {
  name: 'vmcore-complete',
  paths: ['crash'],
  judge: (input) => {
    const report = fidelityOf(input);
    if (isJudgement(report)) return report;
    const { instants } = input;
    const { pages, problems } = report;
    const [problem] = problems;
    if (problem !== undefined) return verdict('broken', problem, [instants.t1]);
    if (pages === undefined) return verdict('not-reached', 'there is no dump', [instants.t1]);
    const marks = lateMarks(input);
    const faults = faultsOf(pages, marks);
    if (faults.length > 0) return verdict('broken', faults.join('; '), [instants.t1]);
    if (pages.filtered.unknown > 0)
      return verdict(
        'not-evaluated',
        `${pages.filtered.unknown} pages were left out, and nothing tells what the kernel used them for`,
        [instants.t1],
      );
    return verdict('held', account(pages, marks), [instants.t1]);
  },
};

function faultsOf(pages: PageCounts, marks: readonly TraceEvent[]): string[] {
  // What the hypervisor and RTAS write on behalf of nobody is as it was when the dump was written.
  const wrong = pages.differing.filter(
    (change) => change.owner !== 'hypervisor' && change.owner !== 'rtas' && !isMarked(change, marks),
  );
  const many = pages.differingPages > pages.differing.length;
  const [gap] = pages.missingRanges;
  return [
    ...(wrong.length > 0 || many
      ? [`not as at T1: ${listChanges(wrong, many ? pages.differingPages : wrong.length)}`]
      : []),
    ...(gap === undefined
      ? []
      : [`${pages.missing} pages are not in the dump, the first of them ${gap.bytes} bytes at ${gap.raddr}`]),
    ...(pages.kindsKnown && pages.filtered.unknown > 0
      ? [`${pages.filtered.unknown} pages were left out that are of no kind that a filter leaves out`]
      : []),
  ];
}

/** Every page of RAM, by what became of it. */
function account(pages: PageCounts, marks: readonly TraceEvent[]): string {
  const marked = pages.differing.filter((change) => isMarked(change, marks)).length;
  const filtered = Object.entries(pages.filtered)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${count}`);
  return [
    `of ${pages.total} pages ${pages.equal} equal`,
    `${pages.fromBackup} from the backup`,
    `${pages.reservation} reserved`,
    ...(marked > 0 ? [`${marked} with marks of secondaries that came to 0x60 after T1`] : []),
    ...(pages.differingPages > marked ? [`${pages.differingPages - marked} written by firmware since`] : []),
    ...(filtered.length > 0 ? [`left out: ${filtered.join(', ')}`] : []),
  ].join(', ');
}
