/**
 * Rule `payload-any`: the image need not be a kernel; a stub that copies in real mode loads and runs (docs/handoff.md). An
 * image counts as a kernel when it has a kernel's marker or is given a tree.
 */

import { isKernel } from '../shared/image.ts';
import { type Judgement, pathOf, type RuleInput } from '../shared/input.ts';
import { aboutKnown } from '../shared/loads.ts';
import { verdict } from '../shared/verdict.ts';

export function payloadAny(input: RuleInput): Judgement {
  return aboutKnown(
    (input.image.loads ?? []).filter(({ crash }) => crash === (pathOf(input) === 'crash')).slice(-1),
    ofKnown(input),
  );
}

/** Of the images whose segments are known. */
function ofKnown(input: RuleInput): Judgement {
  const { image, instants } = input;
  const { load } = image;
  if (load === undefined) {
    const last = (image.loads ?? [])
      .filter(({ crash, segments }) => crash === (pathOf(input) === 'crash') && segments.length > 0)
      .at(-1);
    if (last?.result === 'ENOEXEC')
      return verdict('broken', 'the image was refused with ENOEXEC: a kernel must not judge what it loads');
    return verdict('not-reached', 'no image was loaded');
  }
  if (isKernel(load)) return verdict('not-applicable', 'the image is a kernel');
  if (instants.t1 === undefined) return verdict('not-reached', 'no CPU entered the image', [instants.t0]);
  return verdict('held', 'an image that is no kernel was loaded and entered', [instants.t1]);
}
