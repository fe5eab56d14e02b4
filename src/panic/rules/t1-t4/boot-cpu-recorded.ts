/**
 * Rule `boot-cpu-recorded`: purgatory stores the master's hardware id in the tree's header (boot_cpuid_phys, version 2 and
 * up) and enters the kernel with r3 = tree, whatever CPU panicked (docs/handoff.md; Devicetree Specification 0.4 §5.2). The
 * header at T2 decides; where purgatory had stored another value, the note says which.
 */

import { FDT_HEADER } from '../../../base/fdt/index.ts';
import { type StoreEvent, storesAt } from '../../trace/index.ts';
import { masterOf, nameCpu } from '../shared/cpus.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { storedBytes } from '../shared/places.ts';
import { eventsIn, inPurgatory } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function bootCpuRecorded(input: RuleInput): Judgement {
  const { instants, image } = input;
  const { t1, t2 } = instants;
  const master = masterOf(input);
  if (t2 === undefined || master === undefined)
    return verdict('not-reached', 'the new kernel was not entered', [t1]);
  const stores = eventsIn(input, inPurgatory(input)).filter((event) => storesAt(event, 'boot-cpu'));
  const tree = image.entered?.tree;
  // Nothing runs before a stub that was loaded alone: nothing hands it a tree.
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
  const stored = lastStored(stores, tree.at);
  const other = stored === undefined || stored === tree.bootCpu ? '' : `; purgatory had stored ${stored}`;
  return verdict(
    held ? 'held' : 'broken',
    `the tree names hardware id ${tree.bootCpu}; the master is ${nameCpu(master)}${other}`,
    [...stores, t2],
  );
}

/** The id that the last store left in the header; undefined where its bytes are not known. */
function lastStored(stores: readonly StoreEvent[], tree: string): number | undefined {
  const last = stores.at(-1);
  const at = BigInt(tree) + BigInt(FDT_HEADER.fields.boot_cpuid_phys.offset);
  if (last === undefined || BigInt(last.addr) !== at) return undefined;
  const bytes = storedBytes(last);
  return bytes === undefined || bytes.length < 4 ? undefined : bytes.readUInt32BE(0);
}
