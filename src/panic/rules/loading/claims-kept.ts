/**
 * Rule `claims-kept`: the boot-time allocator keeps clear of what firmware and loader claimed, initrd included, honours the
 * limits of the real-mode area and of memory, and hands on its map of allocations (docs/handoff.md). That map, which a
 * guest may leave in its tree, is the evidence; without one the rule does not apply.
 */

import type { Judgement, RuleInput } from '../shared/input.ts';
import { nameSpan, overlaps, remainder, spanOf } from '../shared/spans.ts';
import { verdict } from '../shared/verdict.ts';

export function claimsKept({ image }: RuleInput): Judgement {
  const { claims, running } = image;
  if (claims === undefined)
    return verdict('not-applicable', 'the guest leaves no map of what its boot-time allocator gave away');
  const faults: string[] = [];
  const limit = running?.memoryLimit;
  const memory = remainder(
    (running?.memory ?? []).map(spanOf),
    limit === undefined ? [] : [{ start: BigInt(limit), end: 1n << 64n }],
  );
  for (const each of claims.allocated) {
    const span = spanOf(each);
    const over = claims.claimed.find((claim) => overlaps(span, spanOf(claim)));
    if (over !== undefined)
      faults.push(`${each.name} at ${nameSpan(span)} lies over ${over.name} at ${nameSpan(spanOf(over))}`);
    if (memory.length > 0 && remainder([span], memory).length > 0)
      faults.push(`${each.name} at ${nameSpan(span)} lies outside of the memory that may be used`);
    if (each.inRma === true && running?.rma !== undefined && span.end > BigInt(running.rma))
      faults.push(`${each.name} at ${nameSpan(span)} is not in the real-mode area`);
  }
  for (const [i, each] of claims.allocated.entries()) {
    const twice = claims.allocated.slice(0, i).find((other) => overlaps(spanOf(each), spanOf(other)));
    if (twice !== undefined) faults.push(`${each.name} and ${twice.name} were given the same memory`);
  }
  const listed = claims.listed.map(spanOf);
  for (const claim of claims.claimed)
    for (const span of remainder([spanOf(claim)], listed))
      faults.push(`its map does not list ${claim.name} at ${nameSpan(span)}`);
  if (faults.length > 0) return verdict('broken', faults.join('; '));
  const names = [...new Set(claims.claimed.map(({ name }) => name))].join(', ');
  return verdict('held', `its map lists ${names}; ${claims.allocated.length} allocations, clear of them`);
}
