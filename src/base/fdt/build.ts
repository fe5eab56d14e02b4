/**
 * Flattening a device tree: version 17, all big-endian.
 * Source: Devicetree Specification 0.4, chapter 5. Order of blocks: header, reservation map, structure, strings.
 */

import { alignUp, concatBytes, latin1Bytes } from '../bytes.ts';
import { assert } from '../errors.ts';
import { buildStruct } from '../fields.ts';
import { fdtError } from './errors.ts';
import * as L from './layout.ts';
import { checkNodeName, checkPropertyName, checkSiblings } from './names.ts';
import type { FdtNode, FdtTree } from './tree.ts';
import { u32, u64 } from './tree.ts';

export type BuildFdtOptions = {
  /** Grows totalsize to at least this many bytes, for a consumer that edits the blob in place. */
  readonly minimumSize?: number;
};

/**
 * The tree as a blob. Sharing is by whole property names, in order of first use, so that the same tree gives the same
 * bytes.
 * @throws FormatError `fdt/bad-name`, `fdt/duplicate-name`, `fdt/too-deep`, `fdt/bad-reserve-map`.
 */
export function buildFdt(tree: FdtTree, options: BuildFdtOptions = {}): Uint8Array {
  assert(
    Number.isInteger(tree.bootCpu) && tree.bootCpu >= 0 && tree.bootCpu <= 0xffff_ffff,
    'boot_cpuid_phys holds 32 bits',
  );
  const strings = new Strings();
  const parts: Uint8Array[] = [];
  flatten(tree.root, strings, parts, 0);
  parts.push(u32(L.FDT_END));
  const structure = concatBytes(parts);
  const reservations = concatBytes([
    ...tree.reservations.flatMap(({ address, size }) => {
      // The entry (0, 0) ends the map, and (x, 0) reserves nothing.
      if (size === 0n || address + size > 1n << 64n)
        throw fdtError('fdt/bad-reserve-map', 'a reservation is empty or passes 2^64', {
          actual: `${address}+${size}`,
        });
      return [u64(address), u64(size)];
    }),
    u64(0n),
    u64(0n),
  ]);
  const names = strings.bytes();
  const reserveAt = alignUp(L.FDT_HEADER.size, 8);
  const structAt = reserveAt + reservations.length;
  const stringsAt = structAt + structure.length;
  const total = Math.max(options.minimumSize ?? 0, alignUp(stringsAt + names.length, 4));
  const header = buildStruct(
    L.FDT_HEADER,
    {
      magic: L.FDT_MAGIC,
      totalsize: total,
      off_dt_struct: structAt,
      off_dt_strings: stringsAt,
      off_mem_rsvmap: reserveAt,
      version: L.FDT_VERSION,
      last_comp_version: L.FDT_LAST_COMPATIBLE,
      boot_cpuid_phys: tree.bootCpu,
      size_dt_strings: names.length,
      size_dt_struct: structure.length,
    },
    'big',
  );
  const blob = new Uint8Array(total);
  blob.set(header);
  blob.set(reservations, reserveAt);
  blob.set(structure, structAt);
  blob.set(names, stringsAt);
  return blob;
}

class Strings {
  readonly #offsets = new Map<string, number>();
  #size = 0;

  offsetOf(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const at = this.#size;
    this.#offsets.set(name, at);
    this.#size += name.length + 1;
    return at;
  }

  bytes(): Uint8Array {
    return latin1Bytes([...this.#offsets.keys()].map((name) => `${name}\0`).join(''));
  }
}

function flatten(node: FdtNode, strings: Strings, parts: Uint8Array[], depth: number): void {
  if (depth >= L.MAX_DEPTH)
    throw fdtError('fdt/too-deep', 'nodes are nested too deep', { expected: `at most ${L.MAX_DEPTH}` });
  checkNodeName(node.name, depth === 0);
  checkSiblings(node);
  parts.push(u32(L.FDT_BEGIN_NODE), padded(latin1Bytes(`${node.name}\0`)));
  for (const [name, value] of node.properties) {
    checkPropertyName(name);
    parts.push(u32(L.FDT_PROP), u32(value.length), u32(strings.offsetOf(name)), padded(value));
  }
  for (const child of node.children) flatten(child, strings, parts, depth + 1);
  parts.push(u32(L.FDT_END_NODE));
}

function padded(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(alignUp(bytes.length, 4));
  out.set(bytes);
  return out;
}
