/**
 * Reading a flattened device tree, version 17 (and later ones that call themselves compatible with 16 or 17).
 * Source: Devicetree Specification 0.4, chapter 5.
 * Left out: versions before 16, which padded properties otherwise and gave whole paths as names.
 */

import { alignUp, copyBytes, getU32, getU64, latin1 } from '../bytes.ts';
import type { StructOf } from '../fields.ts';
import { parseStruct } from '../fields.ts';
import { fdtError } from './errors.ts';
import * as L from './layout.ts';
import { checkNodeName, checkPropertyName, duplicate } from './names.ts';
import type { FdtNode, FdtReservation, FdtTree } from './tree.ts';

/**
 * The tree in `blob`, which may be longer than the blob's own totalsize. Property values are copies.
 * @throws FormatError `fdt/…`.
 */
export function parseFdt(blob: Uint8Array): FdtTree {
  const header = readHeader(blob);
  const reservations = readReservations(blob, header.off_mem_rsvmap, header.totalsize);
  const structure = blob.subarray(header.off_dt_struct, header.off_dt_struct + header.size_dt_struct);
  const strings = blob.subarray(header.off_dt_strings, header.off_dt_strings + header.size_dt_strings);
  const root = new StructureReader(structure, strings, header.off_dt_struct).tree();
  return { root, reservations, bootCpu: header.boot_cpuid_phys };
}

/** Size of the blob at the start of `bytes`, from its header. @throws FormatError `fdt/…`. */
export function fdtSize(bytes: Uint8Array): number {
  return readHeader(bytes).totalsize;
}

function readHeader(blob: Uint8Array): StructOf<typeof L.FDT_HEADER> {
  if (blob.length < 4)
    throw fdtError('fdt/truncated', 'shorter than a magic number', {
      offset: 0,
      expected: '40 bytes',
      actual: `${blob.length}`,
    });
  const magic = getU32(blob, 0, 'big');
  if (magic !== L.FDT_MAGIC)
    throw fdtError('fdt/not-fdt', 'not a flattened device tree', {
      offset: 0,
      expected: '0xd00dfeed',
      actual: `0x${magic.toString(16)}`,
    });
  if (blob.length < L.FDT_HEADER.size)
    throw fdtError('fdt/truncated', 'shorter than a header', {
      offset: 0,
      expected: '40 bytes',
      actual: `${blob.length}`,
    });
  const header = parseStruct(L.FDT_HEADER, blob, 'big');
  if (header.version < L.FDT_VERSION || header.last_comp_version > L.FDT_VERSION) {
    throw fdtError('fdt/bad-version', 'unknown version', {
      offset: 20,
      expected: '17',
      actual: `${header.version}, compatible with ${header.last_comp_version}`,
    });
  }
  if (header.totalsize > blob.length) {
    throw fdtError('fdt/truncated', 'the blob is shorter than it says', {
      offset: 4,
      expected: `${header.totalsize} bytes`,
      actual: `${blob.length}`,
    });
  }
  checkBlock('structure', header.off_dt_struct, header.size_dt_struct, 4, header.totalsize);
  checkBlock('strings', header.off_dt_strings, header.size_dt_strings, 1, header.totalsize);
  checkBlock('reservation', header.off_mem_rsvmap, 16, 8, header.totalsize);
  return header;
}

function checkBlock(what: string, offset: number, size: number, align: number, total: number): void {
  if (
    offset < L.FDT_HEADER.size ||
    offset % align !== 0 ||
    offset + size > total ||
    (align === 4 && size % 4 !== 0)
  ) {
    throw fdtError('fdt/bad-header', `the ${what} block is misplaced`, {
      offset,
      expected: `aligned to ${align}, inside ${total} bytes`,
      actual: `${size} bytes`,
    });
  }
}

function readReservations(blob: Uint8Array, start: number, total: number): FdtReservation[] {
  const out: FdtReservation[] = [];
  for (let at = start; ; at += 16) {
    if (at + 16 > total)
      throw fdtError('fdt/bad-reserve-map', 'the reservation map has no end', { offset: at });
    const address = getU64(blob, at, 'big');
    const size = getU64(blob, at + 8, 'big');
    if (address === 0n && size === 0n) return out;
    if (address + size > 1n << 64n)
      throw fdtError('fdt/bad-reserve-map', 'a reservation passes 2^64', { offset: at });
    // An empty reservation reserves nothing; the builder would refuse it.
    if (size !== 0n) out.push({ address, size });
  }
}

class StructureReader {
  readonly #bytes: Uint8Array;
  readonly #strings: Uint8Array;
  /** Offset of the block in the blob, for messages. */
  readonly #base: number;
  #at = 0;

  constructor(bytes: Uint8Array, strings: Uint8Array, base: number) {
    this.#bytes = bytes;
    this.#strings = strings;
    this.#base = base;
  }

  tree(): FdtNode {
    this.#expect(L.FDT_BEGIN_NODE);
    const root = this.#node(0);
    this.#expect(L.FDT_END);
    return root;
  }

  #node(depth: number): FdtNode {
    if (depth >= L.MAX_DEPTH)
      throw fdtError('fdt/too-deep', 'nodes are nested too deep', {
        offset: this.#where(),
        expected: `at most ${L.MAX_DEPTH}`,
      });
    const node: FdtNode = { name: this.#nodeName(depth === 0), properties: new Map(), children: [] };
    const names = new Set<string>();
    for (;;) {
      const at = this.#where();
      const token = this.#token();
      if (token === L.FDT_END_NODE) return node;
      if (token === L.FDT_PROP && node.children.length === 0) {
        this.#property(node);
      } else if (token === L.FDT_BEGIN_NODE) {
        const child = this.#node(depth + 1);
        if (names.has(child.name)) throw duplicate(child.name, at);
        names.add(child.name);
        node.children.push(child);
      } else {
        throw fdtError('fdt/bad-token', 'a token that may not stand here', {
          offset: at,
          actual: `${token}`,
        });
      }
    }
  }

  #nodeName(isRoot: boolean): string {
    const at = this.#where();
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw fdtError('fdt/truncated', 'a node name without its end', { offset: at });
    const name = latin1(this.#bytes.subarray(this.#at, end));
    checkNodeName(name, isRoot, at);
    this.#at = alignUp(end + 1, 4);
    return name;
  }

  #property(node: FdtNode): void {
    const at = this.#where();
    const length = this.#word();
    const nameAt = this.#word();
    if (this.#at + length > this.#bytes.length)
      throw fdtError('fdt/truncated', 'a property runs past the structure block', {
        offset: at,
        expected: `${length} bytes`,
      });
    const end = nameAt < this.#strings.length ? this.#strings.indexOf(0, nameAt) : -1;
    if (end < 0)
      throw fdtError('fdt/bad-string', 'a property name lies outside the strings block', {
        offset: at,
        actual: `${nameAt}`,
      });
    const name = latin1(this.#strings.subarray(nameAt, end));
    checkPropertyName(name, at);
    if (node.properties.has(name)) throw duplicate(name, at);
    node.properties.set(name, copyBytes(this.#bytes, this.#at, this.#at + length));
    this.#at = alignUp(this.#at + length, 4);
  }

  #expect(token: number): void {
    const at = this.#where();
    const actual = this.#token();
    if (actual !== token)
      throw fdtError('fdt/bad-token', 'a token that may not stand here', {
        offset: at,
        expected: `${token}`,
        actual: `${actual}`,
      });
  }

  #token(): number {
    let token = this.#word();
    while (token === L.FDT_NOP) token = this.#word();
    return token;
  }

  #word(): number {
    if (this.#at + 4 > this.#bytes.length)
      throw fdtError('fdt/truncated', 'the structure block ends early', { offset: this.#where() });
    const word = getU32(this.#bytes, this.#at, 'big');
    this.#at += 4;
    return word;
  }

  #where(): number {
    return this.#base + this.#at;
  }
}
