/**
 * Rule `digest-ok`: purgatory checks the digest before anything runs; on a mismatch the kernel is never entered
 * (docs/handoff.md; kexec-tools 2.0.25 purgatory/purgatory.c). kexec's -i leaves the digest out. Memory at T1, memory before
 * the handoff, and faults that were asked for show whether the digest was right; the count of instructions that purgatory
 * executed shows whether it looked: SHA-256 takes several for each byte. What others wrote into its regions after T1 counts
 * where the kernel was not entered; where it was, purgatory may have looked before.
 */

import type { FaultEvent, StrayFact } from '../../trace/index.ts';
import { listStrays } from '../shared/fidelity.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { holds, overlaps, spanOf } from '../shared/spans.ts';
import { verdict } from '../shared/verdict.ts';

const PAGE = 4096;

export function digestOk(input: RuleInput): Judgement {
  const { image, instants } = input;
  const { t0, t1, t2 } = instants;
  const { load } = image;
  if (load === undefined) return verdict('not-reached', 'no image was loaded');
  if (load.purgatory === undefined)
    return verdict('not-applicable', 'the image has no purgatory before its kernel');
  const { regions } = load.purgatory;
  if (regions.length === 0) return verdict('not-applicable', 'purgatory was given no digest, as by kexec -i');
  if (t1 === undefined) return verdict('not-reached', 'no CPU entered the image', [t0]);
  const damage = damageOf(input);
  const before = image.atEntry?.digest ?? load.purgatory.digest;
  const wrong = damage.length > 0 || before === 'different';
  if (wrong && t2 !== undefined)
    return verdict('broken', 'the digest did not match, and the kernel was entered all the same', [
      ...damage,
      t1,
      t2,
    ]);
  if (wrong)
    return verdict('held', 'the digest did not match, and the kernel was never entered', [...damage, t1]);
  const strays = straysOf(input);
  if (t2 === undefined && strays.length > 0)
    return verdict(
      'held',
      `the digest cannot have matched, and the kernel was never entered; after T1 was written: ${listStrays(strays)}`,
      [t1],
    );
  if (t2 === undefined)
    return verdict('not-reached', 'the digest was right at T1, but purgatory did not enter the kernel', [t1]);
  const bytes = regions.reduce((sum, region) => sum + region.bytes, 0);
  const executed = t2.insn - t1.insn;
  if (executed < bytes)
    return verdict(
      'broken',
      `purgatory executed ${executed} instructions: too few to look at the ${bytes} bytes of its digest`,
      [t1, t2],
    );
  const since =
    strays.length === 0
      ? ''
      : `; before the kernel was entered, perhaps after purgatory had looked, was written: ${listStrays(strays)}`;
  return verdict('held', `${regions.length} regions of ${bytes} bytes match${since}`, [t1, t2]);
}

/** Faults that changed a byte that the digest covers before the kernel was entered. */
function damageOf({ events, image, instants }: RuleInput): readonly FaultEvent[] {
  const regions = (image.load?.purgatory?.regions ?? []).map(spanOf);
  const end = instants.t2?.event ?? Number.POSITIVE_INFINITY;
  return events
    .filter((event) => event.kind === 'fault')
    .filter(
      ({ damage, n }) =>
        damage.kind === 'flip' &&
        damage.old !== damage.new &&
        n < end &&
        regions.some((region) => holds(region, BigInt(damage.raddr))),
    );
}

/** What was written into the digest's regions after T1, but not by the image. */
function straysOf({ image, fidelity }: RuleInput): readonly StrayFact[] {
  const regions = (image.load?.purgatory?.regions ?? []).map(spanOf);
  return (fidelity?.intoReservation ?? []).filter(({ raddr }) =>
    regions.some((region) => overlaps(region, spanOf({ start: raddr, bytes: PAGE }))),
  );
}
