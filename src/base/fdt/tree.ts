/**
 * A device tree as data, and the encodings of property values.
 * Source: Devicetree Specification 0.4, §2.2 (nodes, properties, value types). All cells are big-endian.
 * Phandles are explicit: the builder of a tree chooses them. Left out: labels, includes, expressions of the source form.
 */

import { concatBytes, getU32, getU64, latin1, latin1Bytes, putU32, putU64 } from '../bytes.ts';
import { assert } from '../errors.ts';
import { fdtError } from './errors.ts';

/** A node. `name` is with its unit address (`cpus`, `memory@0`); the root's is empty. Orders are kept. */
export type FdtNode = {
  readonly name: string;
  readonly properties: Map<string, Uint8Array>;
  readonly children: FdtNode[];
};

/** An entry of the memory reservation map, in bytes. */
export type FdtReservation = { readonly address: bigint; readonly size: bigint };

/** A whole flattened tree. `bootCpu` is boot_cpuid_phys. */
export type FdtTree = {
  readonly root: FdtNode;
  readonly reservations: readonly FdtReservation[];
  readonly bootCpu: number;
};

/** A node to begin with. Values are as {@link propertyValue} takes them. */
export function node(
  name: string,
  properties: Readonly<Record<string, PropertyValue>> = {},
  children: readonly FdtNode[] = [],
): FdtNode {
  const map = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(properties)) map.set(key, propertyValue(value));
  return { name, properties: map, children: [...children] };
}

/**
 * What a property can be given as: bytes; a number as one 32-bit cell; a bigint as two cells (64 bits);
 * a string with its zero; `true` as an empty property; an array of numbers and bigints as cells, of strings as a list.
 */
export type PropertyValue =
  | Uint8Array
  | number
  | bigint
  | string
  | true
  | readonly (number | bigint)[]
  | readonly string[];

/** `value` as the property holds it. */
export function propertyValue(value: PropertyValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value === true) return new Uint8Array(0);
  if (typeof value === 'string') return latin1Bytes(`${value}\0`);
  if (typeof value === 'number') return u32(value);
  if (typeof value === 'bigint') return u64(value);
  return concatBytes(value.map((item) => propertyValue(item)));
}

/** One cell: 32 bits, big-endian. */
export function u32(value: number): Uint8Array {
  assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, 'a cell holds 32 bits');
  const bytes = new Uint8Array(4);
  putU32(bytes, 0, value, 'big');
  return bytes;
}

/** Two cells: 64 bits, big-endian. */
export function u64(value: bigint): Uint8Array {
  assert(BigInt.asUintN(64, value) === value, 'two cells hold 64 bits');
  const bytes = new Uint8Array(8);
  putU64(bytes, 0, value, 'big');
  return bytes;
}

/** The cells of a property. @throws FormatError `fdt/bad-value` where it is not whole cells. */
export function cells(value: Uint8Array): number[] {
  if (value.length % 4 !== 0)
    throw fdtError('fdt/bad-value', 'not whole cells', {
      expected: 'a multiple of 4 bytes',
      actual: `${value.length}`,
    });
  return Array.from({ length: value.length / 4 }, (_, i) => getU32(value, i * 4, 'big'));
}

/** A property of one cell. @throws FormatError `fdt/bad-value`. */
export function asU32(value: Uint8Array): number {
  if (value.length !== 4)
    throw fdtError('fdt/bad-value', 'not one cell', { expected: '4 bytes', actual: `${value.length}` });
  return getU32(value, 0, 'big');
}

/** A property of two cells. @throws FormatError `fdt/bad-value`. */
export function asU64(value: Uint8Array): bigint {
  if (value.length !== 8)
    throw fdtError('fdt/bad-value', 'not two cells', { expected: '8 bytes', actual: `${value.length}` });
  return getU64(value, 0, 'big');
}

/** A property of one or two cells, as some firmware writes either (`linux,initrd-start`). @throws FormatError. */
export function asNumber(value: Uint8Array): bigint {
  return value.length === 4 ? BigInt(asU32(value)) : asU64(value);
}

/** A property that is one string. @throws FormatError `fdt/bad-value`. */
export function asString(value: Uint8Array): string {
  const list = asStrings(value);
  const [only] = list;
  if (only === undefined || list.length !== 1)
    throw fdtError('fdt/bad-value', 'not one string', { expected: '1 string', actual: `${list.length}` });
  return only;
}

/** A property that is a list of strings, each with its zero. @throws FormatError `fdt/bad-value`. */
export function asStrings(value: Uint8Array): string[] {
  if (value.length === 0) return [];
  if (value[value.length - 1] !== 0)
    throw fdtError('fdt/bad-value', 'a string without its end', { offset: value.length });
  return latin1(value.subarray(0, value.length - 1)).split('\0');
}

/**
 * The node at `path` (`/cpus/PowerPC,POWER9@0`); a component without `@` also finds the first node whose name before
 * the unit address it is. Undefined when there is none.
 */
export function findNode(root: FdtNode, path: string): FdtNode | undefined {
  let at: FdtNode | undefined = root;
  for (const part of path.split('/').filter((text) => text !== '')) {
    const children: readonly FdtNode[] = at?.children ?? [];
    at =
      children.find((child) => child.name === part) ??
      children.find((child) => !part.includes('@') && child.name.split('@')[0] === part);
  }
  return at;
}

/** Every node with its path, parents first. */
export function* walkTree(
  root: FdtNode,
  path = '',
): Generator<{ readonly path: string; readonly node: FdtNode }> {
  yield { path: path === '' ? '/' : path, node: root };
  for (const child of root.children) yield* walkTree(child, `${path}/${child.name}`);
}
