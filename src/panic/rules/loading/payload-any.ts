/**
 * `payload-any`: the image need not be a kernel: a stub that copies in real mode loads and runs. Source: handoff
 * contract, seed 001. An image is taken for a kernel when it has a kernel's marker or is given a tree.
 */

import { isKernel, KEXEC_PATHS, pathOf, type Rule, verdict } from './input.ts';

export const payloadAny: Rule = {
  name: 'payload-any',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { image, instants } = input;
    const { load } = image;
    if (load === undefined) {
      const last = (image.loads ?? [])
        .filter(({ crash, segments }) => crash === (pathOf(input) === 'crash') && segments.length > 0)
        .at(-1);
      if (last?.result === 'ENOEXEC')
        return verdict('broken', 'the image was refused with ENOEXEC: what it is, is not to be judged');
      return verdict('not-reached', 'no image was loaded');
    }
    if (isKernel(load)) return verdict('not-applicable', 'the image is a kernel');
    if (instants.t1 === undefined) return verdict('not-reached', 'no CPU entered the image', [instants.t0]);
    return verdict('held', 'an image that is no kernel was loaded and entered', [instants.t1]);
  },
};
