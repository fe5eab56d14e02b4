/**
 * Reads what a loader must know of the machine from the tree that firmware gave the first kernel: memory (64-bit ranges),
 * the real-mode area, RTAS, TCE tables, and permanent reservations.
 * Source: Devicetree Specification 0.4 §3.4 (memory nodes); LoPAR, /rtas; Linux 6.1 arch/powerpc/kernel/prom_init.c
 * (linux,rtas-base, linux,tce-base, what prom_init reserves); kexec-tools 2.0.25 (which properties matter to a loader).
 * Left out: ibm,dynamic-reconfiguration-memory (refused), OPAL, memory on accelerators (ibm,coherent-device-memory is
 * not used as RAM).
 */

import { alignUp, getU32, getU64 } from '../base/bytes.ts';
import {
  asNumber,
  asString,
  asU32,
  type FdtNode,
  type FdtTree,
  findNode,
  walkTree,
} from '../base/fdt/index.ts';
import { loadError } from './errors.ts';
import { mergeRanges, PAGE, type Range } from './ranges.ts';

export type MachineFacts = {
  /** RAM, ascending. */
  readonly memory: readonly Range[];
  /** End of what real mode can reach: memory@0. */
  readonly rma: number;
  /** Whole pages. */
  readonly rtas?: Range;
  readonly tceTables: readonly Range[];
  /** Reservations that are no loader's: neither the first kernel's initrd nor its tree. RTAS among them. */
  readonly reserved: readonly Range[];
};

/** A node's `reg`, by the root's cells. */
export type MemoryNode = { readonly node: FdtNode; readonly ranges: readonly Range[] };

const MAX_ADDRESS = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * @param blobBytes size of the flattened tree: its own reservation has that size, and is not handed on
 * @throws FormatError `load/bad-tree`, `load/unsupported-memory`, `fdt/…`
 */
export function readMachine(tree: FdtTree, blobBytes: number): MachineFacts {
  const nodes = memoryNodes(tree);
  const memory = mergeRanges(nodes.flatMap(({ ranges }) => ranges));
  const first = nodes.flatMap(({ ranges }) => ranges).find(({ start }) => start === 0);
  if (first === undefined) throw loadError('load/bad-tree', 'no memory node begins at 0');
  if (findNode(tree.root, '/ibm,dynamic-reconfiguration-memory') !== undefined)
    throw loadError('load/unsupported-memory', 'ibm,dynamic-reconfiguration-memory is not read');
  const rtas = rtasOf(tree);
  const initrd = initrdOf(tree);
  const reserved = tree.reservations
    .map(({ address, size }) => range(address, size, 'the reserve map'))
    .filter(({ start, end }) => end - start !== blobBytes && start !== initrd);
  return {
    memory,
    rma: first.end,
    ...(rtas === undefined ? {} : { rtas }),
    tceTables: tceTablesOf(tree),
    reserved: mergeRanges(rtas === undefined ? reserved : [...reserved, rtas]),
  };
}

/** Memory nodes of the root, in order of the tree. @throws FormatError `load/bad-tree` */
export function memoryNodes(tree: FdtTree): readonly MemoryNode[] {
  const cellsOf = (name: string): number => {
    const value = tree.root.properties.get(name);
    const count = value === undefined ? 0 : asU32(value);
    if (count !== 1 && count !== 2)
      throw loadError('load/bad-tree', `/${name} is neither 1 nor 2`, { actual: `${count}` });
    return count;
  };
  return tree.root.children.filter(isMemory).map((node) => {
    const [addressCells, sizeCells] = [cellsOf('#address-cells'), cellsOf('#size-cells')];
    const reg = node.properties.get('reg');
    const step = (addressCells + sizeCells) * 4;
    if (reg === undefined || reg.length === 0 || reg.length % step !== 0)
      throw loadError('load/bad-tree', `${node.name}: reg is not pairs of address and size`, {
        expected: `a multiple of ${step} bytes`,
        actual: `${reg?.length ?? 0}`,
      });
    const value = (at: number, count: number): bigint =>
      count === 1 ? BigInt(getU32(reg, at, 'big')) : getU64(reg, at, 'big');
    const ranges = Array.from({ length: reg.length / step }, (_, i) =>
      range(value(i * step, addressCells), value(i * step + addressCells * 4, sizeCells), node.name),
    );
    return { node, ranges };
  });
}

function isMemory(node: FdtNode): boolean {
  if (node.name !== 'memory' && !node.name.startsWith('memory@')) return false;
  const compatible = node.properties.get('compatible');
  return compatible === undefined || !asString(compatible).startsWith('ibm,coherent-device-memory');
}

/** Where the first kernel's initrd begins; it is that kernel's and not the next one's. */
function initrdOf(tree: FdtTree): number | undefined {
  const start = findNode(tree.root, '/chosen')?.properties.get('linux,initrd-start');
  return start === undefined ? undefined : Number(asNumber(start));
}

function rtasOf(tree: FdtTree): Range | undefined {
  const properties = findNode(tree.root, '/rtas')?.properties;
  const base = properties?.get('linux,rtas-base');
  const size = properties?.get('rtas-size');
  if (base === undefined || size === undefined) return undefined;
  const { start, end } = range(BigInt(asU32(base)), BigInt(asU32(size)), '/rtas');
  return { start: start - (start % PAGE), end: alignUp(end, PAGE) };
}

function tceTablesOf(tree: FdtTree): Range[] {
  const tables: Range[] = [];
  for (const { node, path } of walkTree(tree.root)) {
    const base = node.properties.get('linux,tce-base');
    const size = node.properties.get('linux,tce-size');
    if (base !== undefined && size !== undefined) tables.push(range(asNumber(base), asNumber(size), path));
  }
  return tables;
}

/** @throws FormatError `load/bad-tree` for what no number holds */
function range(address: bigint, size: bigint, what: string): Range {
  if (address + size > MAX_ADDRESS)
    throw loadError('load/bad-tree', `${what}: an address is beyond any memory`, {
      expected: `at most 0x${MAX_ADDRESS.toString(16)}`,
      actual: `0x${address.toString(16)}+0x${size.toString(16)}`,
    });
  return { start: Number(address), end: Number(address + size) };
}
