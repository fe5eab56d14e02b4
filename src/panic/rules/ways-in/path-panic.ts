/** `path-panic`: crash kexec runs on the CPU that panicked, whichever it is. Source: handoff contract, seed 004. */

import { WATCH } from '../watch/index.ts';
import { masterOf, nameCpu, type Rule, verdict } from './input.ts';

export const pathPanic: Rule = {
  name: 'path-panic',
  paths: ['crash'],
  judge: (input) => {
    const { instants, image, events } = input;
    if (image.load !== undefined && !image.load.crash)
      return verdict('not-applicable', 'the image was loaded for an ordinary kexec', [instants.t1]);
    const master = masterOf(input);
    if (instants.t1 === undefined || master === undefined)
      return verdict('not-reached', 'no CPU entered the crash image', [instants.t0]);
    const other = events.find(
      ({ kind, detail, cpu, n }) =>
        kind === 'fetch' &&
        detail === WATCH.entry &&
        cpu !== master.index &&
        n < (instants.t2?.event ?? Number.POSITIVE_INFINITY),
    );
    if (other !== undefined)
      return verdict('broken', `CPU ${other.cpu} entered the image as well`, [instants.t1, other]);
    if (instants.t0 === undefined)
      return verdict('not-reached', 'the panic itself was not seen', [instants.t1]);
    if (instants.t0.cpu !== master.index) {
      return verdict('broken', `CPU ${instants.t0.cpu} panicked, but ${nameCpu(master)} entered the image`, [
        instants.t0,
        instants.t1,
      ]);
    }
    return verdict('held', `the master is ${nameCpu(master)}`, [instants.t0, instants.t1]);
  },
};
