/**
 * Builds the flattened tree for the next kernel: the machine as firmware described it, and the loader's properties. The
 * first kernel's own properties are not handed on: its command line, initrd, limits, its reservation, its hash table and
 * PCI domains, the random seed that it has used.
 *
 * Source: Benjamin Herrenschmidt, "Re: kexec on ppc64", linux-kernel, 15 July 2004 (docs/handoff.md, `tree-carries-all`);
 * Devicetree Specification 0.4 (/chosen, memory nodes, reserve map); Linux 6.1 drivers/of/fdt.c (linux,usable-memory
 * replaces reg; the first range's end bounds early allocations, so it must begin at 0 and hold the kernel),
 * arch/powerpc/kernel/prom.c; kexec-tools 2.0.25 kexec/fs2dt.c.
 */

import {
  buildFdt,
  type FdtNode,
  type FdtTree,
  findNode,
  node,
  propertyValue,
  walkTree,
} from '../base/fdt/index.ts';
import { loadError } from './errors.ts';
import { memoryNodes } from './machine-tree.ts';
import { intersectRanges, type Range } from './ranges.ts';

/** Properties that describe the first kernel and not the machine, wherever they are. */
export const OLD_KERNEL_PROPERTIES: readonly string[] = [
  'bootargs',
  'linux,initrd-start',
  'linux,initrd-end',
  'linux,kernel-end',
  'linux,crashkernel-base',
  'linux,crashkernel-size',
  'linux,memory-limit',
  'linux,elfcorehdr',
  'linux,usable-memory-range',
  'linux,usable-memory',
  'linux,booted-from-kexec',
  'linux,htab-base',
  'linux,htab-size',
  'linux,pci-domain',
  'rng-seed',
  'kaslr-seed',
  'kdumpd,allocations',
];

/** Linux 6.1 arch/powerpc/include/uapi/asm/setup.h COMMAND_LINE_SIZE, its terminating zero included. */
const COMMAND_LINE_SIZE = 2048;

export type NextTreeOptions = {
  /** The machine's tree as firmware gave it. */
  readonly tree: FdtTree;
  readonly bootargs: string;
  readonly initrd?: Range;
  /** What the next kernel may use; absent: all memory. */
  readonly usable?: readonly Range[];
  /** The reserve map, without the tree itself. */
  readonly reserve: readonly Range[];
};

/** The tree as a blob that lies at `address` and reserves itself. Its size does not depend on `address`. @throws FormatError */
export function buildNextTree(options: NextTreeOptions, address: number): Uint8Array {
  const built = nextTree(options);
  const at = (size: number): Uint8Array =>
    buildFdt({
      ...built,
      reservations: [...built.reservations, { address: BigInt(address), size: BigInt(size) }],
    });
  return at(at(1).length);
}

/** @throws FormatError `load/command-line`, `load/bad-tree` */
export function nextTree(options: NextTreeOptions): FdtTree {
  const { tree, bootargs, initrd, usable } = options;
  if (!/^[\x20-\x7e]*$/.test(bootargs) || bootargs.length >= COMMAND_LINE_SIZE)
    throw loadError('load/command-line', 'the command line is too long or not printable ASCII', {
      expected: `at most ${COMMAND_LINE_SIZE - 1} bytes`,
      actual: `${bootargs.length}`,
    });
  const dropped = new Set(OLD_KERNEL_PROPERTIES);
  const root = copyNode(tree.root, (name) => !dropped.has(name));
  let chosen = findNode(root, '/chosen');
  if (chosen === undefined) {
    chosen = node('chosen');
    root.children.unshift(chosen);
  }
  chosen.properties.set('bootargs', propertyValue(bootargs));
  chosen.properties.set('linux,booted-from-kexec', propertyValue(true));
  if (initrd !== undefined) {
    chosen.properties.set('linux,initrd-start', propertyValue(BigInt(initrd.start)));
    chosen.properties.set('linux,initrd-end', propertyValue(BigInt(initrd.end)));
  }
  if (usable !== undefined) limitMemory({ ...tree, root }, usable);
  return {
    root,
    bootCpu: tree.bootCpu,
    reservations: options.reserve.map(({ start, end }) => ({
      address: BigInt(start),
      size: BigInt(end - start),
    })),
  };
}

/** linux,usable-memory of every memory node: its usable part, or (0, 0), with which Linux ignores the node. */
function limitMemory(tree: FdtTree, usable: readonly Range[]): void {
  for (const { node: memory, ranges } of memoryNodes(tree)) {
    const here = intersectRanges(ranges, usable);
    const pairs = here.length === 0 ? [{ start: 0, end: 0 }] : here;
    memory.properties.set(
      'linux,usable-memory',
      propertyValue(pairs.flatMap(({ start, end }) => [BigInt(start), BigInt(end - start)])),
    );
  }
}

function copyNode(source: FdtNode, keep: (property: string) => boolean): FdtNode {
  return {
    name: source.name,
    properties: new Map([...source.properties].filter(([name]) => keep(name))),
    children: source.children.map((child) => copyNode(child, keep)),
  };
}

/** Unit address of the console that the tree names, where it is a hypervisor terminal: what purgatory prints on. */
export function consoleUnit(tree: FdtTree): number | undefined {
  const path = findNode(tree.root, '/chosen')?.properties.get('linux,stdout-path');
  if (path === undefined) return undefined;
  const text = Buffer.from(path).toString('latin1').replace(/\0.*$/s, '');
  for (const { path: at, node: found } of walkTree(tree.root)) {
    if (at !== text) continue;
    const compatible = Buffer.from(found.properties.get('compatible') ?? []).toString('latin1');
    const reg = found.properties.get('reg');
    if (!compatible.startsWith('hvterm') || reg?.length !== 4) return undefined;
    return Buffer.from(reg).readUInt32BE(0);
  }
  return undefined;
}
