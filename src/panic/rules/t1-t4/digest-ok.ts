/**
 * `digest-ok`: purgatory checks the digest before anything runs; on a mismatch the kernel is never entered. Source:
 * handoff contract, seed 004; kexec-tools 2.0.25 purgatory/purgatory.c. kexec's -i leaves the digest out. Whether it was
 * right is told by memory as it was at T1, by what lay there before, and by faults that were asked for; whether it was
 * looked at, by how many instructions purgatory executed: SHA-256 takes several a byte. What others wrote into its regions
 * after T1 counts where the kernel was not entered; where it was, purgatory may have looked before.
 */

import type { StrayFact, TraceEvent } from '../trace/index.ts';
import { listStrays } from './fidelity-input.ts';
import { holds, KEXEC_PATHS, overlaps, type Rule, type RuleInput, spanOf, verdict } from './input.ts';

const PAGE = 4096;

export const digestOk: Rule = {
  name: 'digest-ok',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { image, instants } = input;
    const { t0, t1, t2 } = instants;
    const { load } = image;
    if (load === undefined) return verdict('not-reached', 'no image was loaded');
    if (load.purgatory === undefined)
      return verdict('not-applicable', 'the image has no purgatory before its kernel');
    const { regions } = load.purgatory;
    if (regions.length === 0)
      return verdict('not-applicable', 'purgatory was given no digest, as by kexec -i');
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
      return verdict('not-reached', 'the digest was right at T1, but purgatory did not enter the kernel', [
        t1,
      ]);
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
  },
};

/** Faults that changed a byte that the digest covers before the kernel was entered. */
function damageOf({ events, image, instants }: RuleInput): readonly TraceEvent[] {
  const regions = (image.load?.purgatory?.regions ?? []).map(spanOf);
  return events.filter(
    ({ kind, addr, n, regs }) =>
      kind === 'fault' &&
      addr !== undefined &&
      regs?.old !== undefined &&
      regs.old !== regs.new &&
      n < (instants.t2?.event ?? Number.POSITIVE_INFINITY) &&
      regions.some((region) => holds(region, BigInt(addr))),
  );
}

/** What somebody else than the image wrote into the digest's regions after T1. */
function straysOf({ image, fidelity }: RuleInput): readonly StrayFact[] {
  const regions = (image.load?.purgatory?.regions ?? []).map(spanOf);
  return (fidelity?.intoReservation ?? []).filter(({ raddr }) =>
    regions.some((region) => overlaps(region, spanOf({ start: raddr, bytes: PAGE }))),
  );
}
