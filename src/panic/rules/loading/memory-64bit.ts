/**
 * Rule `memory-64bit`: ranges above 4 GiB reach the second kernel, in its tree, and the dump, in elfcorehdr, whole
 * (docs/handoff.md). Rule `vmcore-complete` asks whether the dump has the pages.
 */

import type { Judgement, RuleInput } from '../shared/input.ts';
import { nameSpan, remainder, type Span, spanOf } from '../shared/spans.ts';
import { verdict } from '../shared/verdict.ts';

const FOUR_GIB = 1n << 32n;

export function memory64bit({ image, instants }: RuleInput): Judgement {
  const { running, load } = image;
  if (running === undefined) return verdict('not-reached', 'the memory of the machine is not known');
  const limit = running.memoryLimit === undefined ? undefined : BigInt(running.memoryLimit);
  const high = remainder(
    running.memory.map(spanOf),
    [{ start: 0n, end: FOUR_GIB }].concat(limit === undefined ? [] : [{ start: limit, end: 1n << 64n }]),
  );
  if (high.length === 0) return verdict('not-applicable', 'no memory above 4 GiB is in use');
  if (load === undefined) return verdict('not-reached', 'no image was loaded', [instants.t0]);
  const { tree, core } = load;
  const missing: string[] = [];
  if (tree !== undefined) missing.push(...lacking('the tree', high, tree.memory.map(spanOf)));
  // A crash image may itself lie up there: its own memory is not of the dump.
  const own = running.reservation === undefined ? [] : [spanOf(running.reservation)];
  if (load.crash && core !== undefined)
    missing.push(...lacking('elfcorehdr', remainder(high, own), core.ranges.map(spanOf)));
  if (tree === undefined && core === undefined)
    return verdict('not-applicable', 'the image is given neither a tree nor elfcorehdr');
  if (missing.length > 0) return verdict('broken', missing.join('; '), [instants.t1]);
  return verdict('held', `${high.map(nameSpan).join(', ')} reach the next kernel whole`, [instants.t1]);
}

function lacking(where: string, wanted: readonly Span[], there: readonly Span[]): readonly string[] {
  return remainder(wanted, there).map((span) => `${where} lacks ${nameSpan(span)}`);
}
