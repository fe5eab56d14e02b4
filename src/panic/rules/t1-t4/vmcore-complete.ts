/**
 * Rule `vmcore-complete`: the dump equals memory at T1 page by page (0–0xffff from the backup), but for memory that the kernel
 * never owned; the note accounts for what a filter left out by kind, and for what it should have left out (docs/handoff.md;
 * src/panic/fidelity compares the dump).
 */

import type { ChangeFact, LivePages, PageCounts, StoreEvent } from '../../trace/index.ts';
import { fidelityOf, isMarked, lateMarks, listChanges, mayBeMarks } from '../shared/fidelity.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isJudgement, verdict } from '../shared/verdict.ts';

export function vmcoreComplete(input: RuleInput): Judgement {
  const report = fidelityOf(input);
  if (isJudgement(report)) return report;
  const { instants } = input;
  const { pages, problems } = report;
  const [problem] = problems;
  if (problem !== undefined) return verdict('broken', problem, [instants.t1]);
  if (pages === undefined) return verdict('not-reached', 'there is no dump', [instants.t1]);
  const marks = lateMarks(input);
  const faults = faultsOf(pages, marks);
  const hidden = faults.length === 1 ? mayBeMarks(input, wrongOf(pages, marks)) : undefined;
  if (hidden !== undefined) return hidden;
  if (faults.length > 0) return verdict('broken', faults.join('; '), [instants.t1]);
  if (pages.filtered.unknown > 0)
    return verdict(
      'not-evaluated',
      `${pages.filtered.unknown} pages were left out, and it is not known what the kernel used them for${
        pages.kindsUnknown === undefined ? '' : `: ${pages.kindsUnknown}`
      }`,
      [instants.t1],
    );
  return verdict('held', account(pages, marks), [instants.t1]);
}

/** Symbols that are named. */
const NAMED = 8;

/** What the hypervisor and RTAS write on their own is as it was when the dump was written. */
function wrongOf({ differing }: PageCounts, marks: readonly StoreEvent[]): readonly ChangeFact[] {
  return differing.filter(
    (change) => change.owner !== 'hypervisor' && change.owner !== 'rtas' && !isMarked(change, marks),
  );
}

function faultsOf(pages: PageCounts, marks: readonly StoreEvent[]): string[] {
  const wrong = wrongOf(pages, marks);
  const many = pages.differingPages > pages.differing.length;
  const [gap] = pages.missingRanges;
  return [
    ...(wrong.length > 0 || many
      ? [`not as at T1: ${listChanges(wrong, many ? pages.differingPages : wrong.length)}`]
      : []),
    ...(gap === undefined
      ? []
      : [`${pages.missing} pages are not in the dump, the first of them ${gap.bytes} bytes at ${gap.raddr}`]),
    ...(pages.live === undefined ? [] : [describeLive(pages.live)]),
    // Traces of earlier releases count them so.
    ...(pages.kindsKnown && pages.filtered.unknown > 0
      ? [`${pages.filtered.unknown} pages were left out that are of no kind that a filter leaves out`]
      : []),
  ];
}

/** `4400 pages that the kernel used were left out, 4398 of the 10367 of its image, with linux_banner, … and 812 more symbols`. */
function describeLive({ pages, image, beyondLevel, symbols, symbolCount, ranges }: LivePages): string {
  const [first] = ranges;
  const beyond = Object.entries(beyondLevel).map(([kind, count]) => `${kind} ${count}`);
  const named = symbols.slice(0, NAMED);
  return [
    `${pages} ${pages === 1 ? 'page that the kernel used was' : 'pages that the kernel used were'} left out`,
    ...(image === undefined || image.pages === 0 ? [] : [`${image.pages} of the ${image.of} of its image`]),
    ...(beyond.length === 0 ? [] : [`of kinds that this level keeps: ${beyond.join(', ')}`]),
    ...(named.length === 0
      ? []
      : [
          `with ${named.join(', ')}${symbolCount > named.length ? ` and ${symbolCount - named.length} more symbols` : ''}`,
        ]),
    ...(first === undefined ? [] : [`the first ${first.bytes} bytes at ${first.raddr}`]),
  ].join(', ');
}

/** Every page of RAM, by what became of it. */
function account(pages: PageCounts, marks: readonly StoreEvent[]): string {
  const marked = pages.differing.filter((change) => isMarked(change, marks)).length;
  const filtered = Object.entries(pages.filtered)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${count}`);
  const kept = Object.entries(pages.kept ?? {}).map(([kind, count]) => `${kind} ${count}`);
  return [
    `of ${pages.total} pages ${pages.equal} equal`,
    `${pages.fromBackup} from the backup`,
    `${pages.reservation} reserved`,
    ...(marked > 0 ? [`${marked} with marks of secondaries that came to 0x60 after T1`] : []),
    ...(pages.differingPages > marked ? [`${pages.differingPages - marked} written by firmware since`] : []),
    ...(pages.unowned === undefined ? [] : [`${pages.unowned} that the kernel never owned`]),
    ...(filtered.length > 0 ? [`left out: ${filtered.join(', ')}`] : []),
    ...(kept.length > 0 ? [`kept against the level ${pages.level}: ${kept.join(', ')}`] : []),
  ].join(', ');
}
