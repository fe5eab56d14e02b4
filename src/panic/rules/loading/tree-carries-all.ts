/**
 * Rule `tree-carries-all`: all that the next kernel needs travels in the flattened tree as facts of firmware's level:
 * memory, reserve map, RTAS, linux,usable-memory, elfcorehdr, initrd; never as the old kernel's concepts (docs/handoff.md;
 * Linux 6.1 arch/powerpc/kernel/prom.c, kexec-tools 2.0.25 kexec/arch/ppc64). Properties that the old kernel made for its
 * own loader are reported and break nothing, as long as nothing that is needed is missing.
 */

import type { LoadFacts, RunningFacts, TreeFacts } from '../../trace/index.ts';
import { isKernel } from '../shared/image.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { nameSpan, remainder, type Span, segmentOf, spanOf } from '../shared/spans.ts';
import { verdict } from '../shared/verdict.ts';

/** Saved to the backup region, and so free for a crash kernel's vectors. */
const LOW: Span = { start: 0n, end: 0x10000n };
const ELFCOREHDR = /(?:^|\s)elfcorehdr=(?:\S+@)?(0x[0-9a-f]+|\d+)([kmg]?)/i;
const UNITS: Readonly<Record<string, bigint>> = { k: 1n << 10n, m: 1n << 20n, g: 1n << 30n };

export function treeCarriesAll(input: RuleInput): Judgement {
  const { image, instants } = input;
  const { load, running } = image;
  if (load === undefined) return verdict('not-reached', 'no image was loaded');
  if (!isKernel(load)) return verdict('not-applicable', 'the image is no kernel');
  const { tree } = load;
  if (tree === undefined) return verdict('broken', 'the image has no tree that can be read', [instants.t1]);
  const faults = [
    ...missingFacts(input, tree),
    ...(load.crash ? crashFaults(load, tree, running) : usableFaults(tree)),
    ...initrdFaults(load, tree),
  ];
  if (faults.length > 0) return verdict('broken', faults.join('; '), [instants.t1]);
  const leftovers =
    tree.leftovers.length === 0 ? '' : `; the old kernel's own ${tree.leftovers.join(', ')} went along`;
  return verdict(
    'held',
    `memory, reserve map, RTAS and CPUs${load.crash ? ', usable memory and elfcorehdr' : ''} are in the tree${leftovers}`,
    [instants.t1],
  );
}

function missingFacts({ image, machine }: RuleInput, tree: TreeFacts): readonly string[] {
  const faults: string[] = [];
  const limit = image.running?.memoryLimit;
  const whole = remainder(
    (image.running?.memory ?? []).map(spanOf),
    limit === undefined ? [] : [{ start: BigInt(limit), end: 1n << 64n }],
  );
  for (const span of remainder(whole, tree.memory.map(spanOf)))
    faults.push(`it lacks memory ${nameSpan(span)}`);
  const { rtas } = tree;
  if (rtas?.base === undefined || rtas.entry === undefined || rtas.bytes === undefined)
    faults.push('it does not say where RTAS is');
  const lost = machine.cpus.filter(({ hardwareId }) => !tree.cpus.includes(hardwareId));
  for (const { index, hardwareId } of lost) faults.push(`it lacks CPU ${index} (hardware id ${hardwareId})`);
  return faults;
}

/** What the next kernel may use: usable memory without what is reserved. */
function freeOf(tree: TreeFacts): readonly Span[] {
  return remainder((tree.usable ?? tree.memory).map(spanOf), tree.reserved.map(spanOf));
}

function crashFaults(load: LoadFacts, tree: TreeFacts, running: RunningFacts | undefined): readonly string[] {
  const faults: string[] = [];
  const core = segmentOf(load, 'elfcorehdr');
  const named = elfcorehdrOf(tree.bootargs);
  if (core !== undefined && named !== core.start)
    faults.push(
      named === undefined
        ? 'its bootargs do not say where elfcorehdr is'
        : `its bootargs name elfcorehdr at 0x${named.toString(16)}, not 0x${core.start.toString(16)}`,
    );
  if (tree.usable === undefined) return [...faults, 'no linux,usable-memory limits the crash kernel'];
  if (running?.reservation === undefined) return faults;
  const stray = remainder(freeOf(tree), [spanOf(running.reservation), LOW]);
  for (const span of stray) faults.push(`it gives away the old kernel's memory ${nameSpan(span)}`);
  return faults;
}

function usableFaults(tree: TreeFacts): readonly string[] {
  return tree.usable === undefined ? [] : ['linux,usable-memory limits a kernel that is not for a crash'];
}

function initrdFaults(load: LoadFacts, tree: TreeFacts): readonly string[] {
  const initrd = segmentOf(load, 'initrd');
  if (initrd === undefined) return [];
  if (tree.initrd?.end === undefined) return ['it does not say where the initrd ends'];
  const span: Span = { start: BigInt(tree.initrd.start), end: BigInt(tree.initrd.end) };
  const reserved = tree.reserved.map(spanOf);
  return remainder([span], reserved).length === 0 ? [] : ['its reserve map does not cover the initrd'];
}

/** The address of elfcorehdr=, with a unit; undefined where there is none. */
function elfcorehdrOf(bootargs: string): bigint | undefined {
  const match = ELFCOREHDR.exec(bootargs);
  return match === null ? undefined : BigInt(match[1] ?? 0) * (UNITS[(match[2] ?? '').toLowerCase()] ?? 1n);
}
