/**
 * Rule `memory-intact`: after T1, outside of the reservation nothing changes but 0–0xffff, RTAS's own memory and
 * hypervisor-owned areas; and only the image itself writes into the reservation until its kernel runs (T2). The note counts
 * what the crashed kernel itself still wrote between T0 and T1, which breaks nothing. An ordinary kexec has no old memory to
 * keep: there the image must be entered as it was loaded, and purgatory may write its own memory, the words that it is there
 * to write, and nothing else (docs/handoff.md; src/panic/fidelity compares memory).
 */

import { FDT_HEADER } from '../../../base/fdt/index.ts';
import type { HandoverChange } from '../../trace/index.ts';
import { describeWriter, fidelityOf, listChanges, listStrays } from '../shared/fidelity.ts';
import { RUN_AT_LOAD } from '../shared/image.ts';
import { type Judgement, pathOf, type RuleInput } from '../shared/input.ts';
import { holds, type Span, segmentOf, spanOf, within } from '../shared/spans.ts';
import { isJudgement, verdict } from '../shared/verdict.ts';

export function memoryIntact(input: RuleInput): Judgement {
  if (pathOf(input) === 'kexec') return imageIntact(input);
  const report = fidelityOf(input);
  if (isJudgement(report)) return report;
  const { instants } = input;
  const counts = report.changedPagesAfterT1;
  const broken = report.changedAfterT1.filter(({ owner }) => owner === 'unexplained');
  if (counts.unexplained > 0)
    return verdict('broken', `after T1 changed: ${listChanges(broken, counts.unexplained)}`, [instants.t1]);
  const strays = report.intoReservation ?? [];
  if (strays.length > 0)
    return verdict('broken', `after T1 written into the reservation: ${listStrays(strays)}`, [instants.t1]);
  const others = (['low-64k', 'rtas', 'hypervisor'] as const)
    .filter((owner) => counts[owner] > 0)
    .map((owner) => `${owner} ${counts[owner]}`);
  return verdict(
    'held',
    `pages changed after T1: reservation ${counts.reservation}${others.map((each) => `, ${each}`).join('')}; ` +
      `from T0 to T1 the crashed kernel wrote ${report.changedPagesBeforeT1}`,
    [instants.t0, instants.t1],
  );
}

/** boot_cpuid_phys, from the tree's first byte. */
const BOOT_CPU: Span = spanOf({
  start: `0x${FDT_HEADER.fields.boot_cpuid_phys.offset.toString(16)}`,
  bytes: 4,
});

function imageIntact({ instants, handover, image }: RuleInput): Judgement {
  const { t1, t2 } = instants;
  if (t1 === undefined) return verdict('not-reached', 'the image was not entered', [instants.t0]);
  if (handover === undefined)
    return verdict('not-evaluated', 'the pages of the image were not found before it was copied', [t1]);
  const { notAsLoaded, segments, changed } = handover;
  const [unlike] = notAsLoaded;
  if (unlike !== undefined) {
    const count = segments.reduce((sum, { pages, asLoadedAtT1 }) => sum + pages - asLoadedAtT1, 0);
    return verdict(
      'broken',
      `${count} pages were not as loaded at T1, the first in ${unlike.role} at ${unlike.raddr}`,
      [t1],
    );
  }
  const pages = segments.reduce((sum, each) => sum + each.pages, 0);
  if (t2 === undefined) return verdict('not-reached', `${pages} pages were as loaded at T1`, [t1]);
  if (changed === undefined)
    return verdict('not-evaluated', `${pages} pages were as loaded at T1; nothing was kept at T2`, [t1, t2]);
  const wrong = changed.filter((change) => !isExpected(change, image));
  if (wrong.length > 0) return verdict('broken', `from T1 to T2 changed: ${listPlaces(wrong)}`, [t1, t2]);
  const places = [...new Set(changed.map(({ place }) => place))].map(
    (place) =>
      `${place}${place === 'elsewhere' ? ' by purgatory' : ''} ${changed.filter((each) => each.place === place).length}`,
  );
  return verdict(
    'held',
    `${pages} pages as loaded at T1; changed up to T2: ${places.length === 0 ? 'nothing' : places.join(', ')}`,
    [t1, t2],
  );
}

/**
 * Purgatory's own memory (kexec-tools puts its stack into no segment), the two words that it stores, marks of waiting
 * secondaries, what firmware owns.
 */
function isExpected(change: HandoverChange, { load }: RuleInput['image']): boolean {
  const isWord = (role: 'kernel' | 'tree', word: Span): boolean => {
    const start = segmentOf(load, role)?.start;
    if (start === undefined) return false;
    const changed = spanOf({ start: change.raddr, bytes: change.span ?? change.bytes });
    return within(changed, { start: start + word.start, end: start + word.end });
  };
  switch (change.place) {
    case 'purgatory':
    case 'low-64k':
    case 'rtas':
    case 'hypervisor':
      return true;
    case 'kernel':
      return isWord('kernel', RUN_AT_LOAD);
    case 'tree':
      return isWord('tree', BOOT_CPU);
    case 'elsewhere':
      return isPurgatory(change.writer, load);
    default:
      return false;
  }
}

function isPurgatory({ by, nia }: HandoverChange['writer'], load: RuleInput['image']['load']): boolean {
  const code = segmentOf(load, 'purgatory');
  return by === 'cpu' && code !== undefined && holds(code, BigInt(nia));
}

function listPlaces(changes: readonly HandoverChange[]): string {
  const named = changes
    .slice(0, 4)
    .map(
      ({ raddr, bytes, place, writer }) =>
        `${bytes} ${bytes === 1 ? 'byte' : 'bytes'} at ${raddr} (${place}) by ${describeWriter(writer)}`,
    )
    .join('; ');
  return changes.length > 4 ? `${named}; and ${changes.length - 4} more` : named;
}
