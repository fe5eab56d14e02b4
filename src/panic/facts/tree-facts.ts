/**
 * Reads the facts that rules judge from the flattened tree for the next kernel.
 * Source: Devicetree Specification 0.4 §3.4, §5; LoPAR §C.6 (RTAS node); Linux 6.1
 * Documentation/devicetree/bindings/chosen.txt (elfcorehdr, initrd, usable memory), arch/powerpc/kernel/prom.c.
 * Left out: memory as ibm,dynamic-reconfiguration-memory.
 */

import { FormatError } from '../../base/errors.ts';
import { asNumber, cells, type FdtNode, findNode, parseFdt, walkTree } from '../../base/fdt/index.ts';
import { hex64 } from '../../base/hex.ts';
import type { RangeFact, TreeFacts } from '../trace/index.ts';

/** Properties that the old kernel made for its own loader (Linux 6.1 arch/powerpc/kexec); they are not of the firmware's level. */
const LEFTOVERS: readonly string[] = [
  'linux,kernel-end',
  'linux,memory-limit',
  'linux,crashkernel-base',
  'linux,crashkernel-size',
  'linux,htab-base',
  'linux,htab-size',
];
const VERSION_OFFSET = 20;
/** Entries of each list, and characters of a text: several times what a tree of ours has. */
const MOST_ENTRIES = 1024;
const LONGEST_TEXT = 8192;
const DEFAULT_CELLS = { address: 2, size: 1 };

/** @returns undefined where `bytes` hold no tree that can be read, or one that says more than a tree can. */
export function treeFacts(bytes: Uint8Array): TreeFacts | undefined {
  try {
    return factsOf(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

function factsOf(bytes: Uint8Array): TreeFacts | undefined {
  const tree = parseFdt(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { root } = tree;
  const widths = {
    address: cellOf(root, '#address-cells', DEFAULT_CELLS.address),
    size: cellOf(root, '#size-cells', DEFAULT_CELLS.size),
  };
  const memory: RangeFact[] = [];
  const usable: RangeFact[] = [];
  const tce: RangeFact[] = [];
  const cpus: number[] = [];
  let limited = false;
  for (const { node } of walkTree(root)) {
    const type = text(node, 'device_type');
    if (type === 'memory') {
      memory.push(...ranges(node.properties.get('reg'), widths));
      const part = node.properties.get('linux,usable-memory');
      limited ||= part !== undefined;
      usable.push(...ranges(part ?? node.properties.get('reg'), widths));
    }
    if (type === 'cpu') cpus.push(...threadsOf(node));
    const base = node.properties.get('linux,tce-base');
    const size = node.properties.get('linux,tce-size');
    if (base !== undefined && size !== undefined)
      tce.push({ start: hex64(asNumber(base)), bytes: Number(asNumber(size)) });
  }
  const chosen = findNode(root, '/chosen');
  const bootargs = chosen === undefined ? '' : (text(chosen, 'bootargs') ?? '');
  const lists = [memory, usable, tree.reservations, cpus, tce];
  if (lists.some(({ length }) => length > MOST_ENTRIES) || bootargs.length > LONGEST_TEXT) return undefined;
  const rtas = findNode(root, '/rtas');
  const initrd = chosen?.properties.get('linux,initrd-start');
  const initrdEnd = chosen?.properties.get('linux,initrd-end');
  return {
    bytes: view.getUint32(4),
    version: view.getUint32(VERSION_OFFSET),
    memory,
    ...(limited ? { usable } : {}),
    reserved: tree.reservations.map(({ address, size }) => ({ start: hex64(address), bytes: Number(size) })),
    cpus,
    ...(rtas === undefined ? {} : { rtas: rtasOf(rtas) }),
    bootargs,
    ...(initrd === undefined
      ? {}
      : {
          initrd: {
            start: hex64(asNumber(initrd)),
            ...(initrdEnd === undefined ? {} : { end: hex64(asNumber(initrdEnd)) }),
          },
        }),
    tce,
    leftovers: LEFTOVERS.filter((name) => chosen?.properties.has(name) === true),
  };
}

function rtasOf(node: FdtNode): NonNullable<TreeFacts['rtas']> {
  const base = node.properties.get('linux,rtas-base');
  const entry = node.properties.get('linux,rtas-entry');
  const size = node.properties.get('rtas-size');
  return {
    ...(base === undefined ? {} : { base: hex64(asNumber(base)) }),
    ...(entry === undefined ? {} : { entry: hex64(asNumber(entry)) }),
    ...(size === undefined ? {} : { bytes: Number(asNumber(size)) }),
  };
}

/** The hardware ids of a core's threads; of old trees its `reg`. */
function threadsOf(node: FdtNode): readonly number[] {
  const value = node.properties.get('ibm,ppc-interrupt-server#s') ?? node.properties.get('reg');
  return value === undefined ? [] : cells(value);
}

function cellOf(node: FdtNode, name: string, otherwise: number): number {
  const value = node.properties.get(name);
  return value === undefined ? otherwise : (cells(value)[0] ?? otherwise);
}

/** A property's first string; undefined where there is none. */
function text(node: FdtNode, name: string): string | undefined {
  const value = node.properties.get(name);
  return value === undefined ? undefined : Buffer.from(value).toString('latin1').split('\0')[0];
}

function ranges(
  value: Uint8Array | undefined,
  widths: { readonly address: number; readonly size: number },
): RangeFact[] {
  if (value === undefined) return [];
  const all = cells(value);
  const list: RangeFact[] = [];
  const step = widths.address + widths.size;
  if (step === 0) return [];
  for (let i = 0; i + step <= all.length; i += step) {
    const bytes = join(all.slice(i + widths.address, i + step));
    if (bytes > 0n) list.push({ start: hex64(join(all.slice(i, i + widths.address))), bytes: Number(bytes) });
  }
  return list;
}

function join(parts: readonly number[]): bigint {
  return BigInt.asUintN(
    64,
    parts.reduce((value, part) => (value << 32n) | BigInt(part), 0n),
  );
}
