/**
 * `boot-cpu-recorded`: purgatory stores the master's hardware id in the tree's header (boot_cpuid_phys, version 2 and
 * up) and enters the kernel with r3 = tree, whatever CPU panicked. Source: handoff contract, seed 004; Devicetree
 * Specification 0.4 §5.2.
 */

import { WATCH } from '../watch/index.ts';
import { KEXEC_PATHS, masterOf, nameCpu, type Rule, verdict } from './input.ts';

export const bootCpuRecorded: Rule = {
  name: 'boot-cpu-recorded',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants, image, events } = input;
    const { t1, t2 } = instants;
    const master = masterOf(input);
    if (t2 === undefined || master === undefined)
      return verdict('not-reached', 'the new kernel was not entered', [t1]);
    const stores = events.filter(
      ({ kind, detail, n }) =>
        kind === 'store' && detail === WATCH.bootCpu && n > (t1?.event ?? -1) && n < t2.event,
    );
    const tree = image.entered?.tree;
    // A stub that was loaded alone has nobody before it to hand on a tree.
    if (tree === undefined && image.load !== undefined && image.load.purgatory === undefined)
      return verdict('not-applicable', 'the image has no purgatory before its kernel', [t2]);
    if (tree === undefined) return verdict('broken', 'r3 does not point to a flattened tree', [t2]);
    const loaded = image.load?.segments.find(({ role }) => role === 'tree');
    if (loaded !== undefined && loaded.mem !== tree.at)
      return verdict(
        'broken',
        `r3 points to the tree at ${tree.at}, not to the one that was loaded at ${loaded.mem}`,
        [t2],
      );
    if (tree.version < 2)
      return verdict('not-applicable', `a tree of version ${tree.version} has no place for a boot CPU`, [t2]);
    const held = tree.bootCpu === master.hardwareId;
    return verdict(
      held ? 'held' : 'broken',
      `the tree names hardware id ${tree.bootCpu}; the master is ${nameCpu(master)}`,
      [...stores, t2],
    );
  },
};
