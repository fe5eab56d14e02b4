/**
 * The device tree as a client of Open Firmware walks it: nodes named by phandles, properties in order, paths.
 *
 * Source: IEEE 1275-1994 §3.2 (nodes, names, properties), §4.3.1 and §4.3.3 (path resolution), and its PowerPC processor binding 2.1 §5 (the hexadecimal of unit
 * addresses in lower case, without leading zeros). Nodes that have a phandle keep it; the others are numbered after the
 * largest. A node's name is a property ("name"), without the unit address. Left out: support packages and unit
 * addresses that a package encodes in its own way; a component without a unit address finds the first of that name.
 */

import { latin1, latin1Bytes } from '../../../base/bytes.ts';
import { assert } from '../../../base/errors.ts';
import { asU32, type FdtNode } from '../../../base/fdt/index.ts';

export type ClientNode = {
  readonly phandle: number;
  /** With its unit address; the root's is empty. */
  readonly name: string;
  readonly parent: ClientNode | undefined;
  readonly children: readonly ClientNode[];
  readonly properties: Map<string, Uint8Array>;
};

/** A device specifier in parts: the node, and what stands after its last colon. */
export type FoundDevice = { readonly node: ClientNode; readonly args: string | undefined };

const NAME = 'name';
const ROOT_PATH = '/';
/** Phandles begin here where the tree gives none. */
const FIRST_PHANDLE = 0x1000;
/** Properties that a client writes, all together, and what one costs beside its value. */
const MOST_WRITTEN = 2 ** 20;
const PROPERTY_BYTES = 256;

export class ClientTree {
  #root: ClientNode;
  readonly #byPhandle = new Map<number, ClientNode>();
  /** Phandles once given stay a path's, whatever becomes of the tree. */
  readonly #phandles = new Map<string, number>();
  /** What the client wrote, by path: it outlives a tree. */
  readonly #written = new Map<string, Map<string, Uint8Array>>();
  #writtenBytes = 0;
  #next = FIRST_PHANDLE;

  constructor(root: FdtNode) {
    this.#root = this.#adopt(root);
  }

  get root(): ClientNode {
    return this.#root;
  }

  /** Another tree in the place of this one; a path that was there keeps its phandle, and what the client wrote there. */
  replace(root: FdtNode): void {
    this.#byPhandle.clear();
    this.#root = this.#adopt(root);
    for (const [path, properties] of this.#written) {
      const node = this.find(path)?.node;
      for (const [name, value] of properties) node?.properties.set(name, value);
    }
  }

  /** The client writes a property. @returns false where it has written too much: firmware's memory is full */
  write(node: ClientNode, name: string, value: Uint8Array): boolean {
    const path = this.pathOf(node);
    const properties = this.#written.get(path) ?? new Map<string, Uint8Array>();
    const before = properties.get(name);
    const more = value.length + PROPERTY_BYTES - (before === undefined ? 0 : before.length + PROPERTY_BYTES);
    if (more > 0 && this.#writtenBytes + more > MOST_WRITTEN) return false;
    this.#writtenBytes += more;
    properties.set(name, value);
    this.#written.set(path, properties);
    node.properties.set(name, value);
    return true;
  }

  node(phandle: number): ClientNode | undefined {
    return this.#byPhandle.get(phandle);
  }

  /** The node that a device specifier names, by path or by alias; undefined when there is none. */
  find(specifier: string): FoundDevice | undefined {
    const colon = specifier.indexOf(':', specifier.lastIndexOf('/') + 1);
    const args = colon < 0 ? undefined : specifier.slice(colon + 1);
    const path = this.#resolved(colon < 0 ? specifier : specifier.slice(0, colon));
    if (path === undefined) return undefined;
    let at: ClientNode | undefined = this.#root;
    for (const part of path.split(ROOT_PATH).filter((text) => text !== '')) {
      const component = normalized(part);
      at = at.children.find((child) => matches(child.name, component));
      if (at === undefined) return undefined;
    }
    return { node: at, args };
  }

  /** A node's own full path. */
  pathOf(node: ClientNode): string {
    const parts: string[] = [];
    for (let at: ClientNode | undefined = node; at?.parent !== undefined; at = at.parent)
      parts.unshift(at.name);
    return `/${parts.join('/')}`;
  }

  /** The node after this one among its parent's. */
  peer(node: ClientNode): ClientNode | undefined {
    const siblings = node.parent?.children ?? [];
    return siblings[siblings.indexOf(node) + 1];
  }

  #resolved(path: string): string | undefined {
    if (path.startsWith(ROOT_PATH)) return path;
    const [first = '', ...rest] = path.split(ROOT_PATH);
    const aliases = this.#root.children.find((child) => child.name === 'aliases');
    const value = aliases?.properties.get(first);
    if (value === undefined) return undefined;
    return [text(value), ...rest].join(ROOT_PATH);
  }

  #adopt(root: FdtNode): ClientNode {
    const reserve = (node: FdtNode): void => {
      const given = givenPhandle(node);
      if (given !== undefined) this.#next = Math.max(this.#next, given + 1);
      for (const child of node.children) reserve(child);
    };
    reserve(root);
    return this.#adoptNode(root, undefined, ROOT_PATH);
  }

  #adoptNode(from: FdtNode, parent: ClientNode | undefined, path: string): ClientNode {
    const phandle = givenPhandle(from) ?? this.#phandles.get(path) ?? this.#next++;
    assert(!this.#byPhandle.has(phandle), 'two nodes with one phandle');
    this.#phandles.set(path, phandle);
    const children: ClientNode[] = [];
    const node = { phandle, name: from.name, parent, children, properties: new Map(from.properties) };
    this.#byPhandle.set(phandle, node);
    for (const child of from.children) {
      children.push(this.#adoptNode(child, node, `${path === ROOT_PATH ? '' : path}/${child.name}`));
    }
    return node;
  }
}

/** A property's value; "name" is there whether or not the node lists it. */
export function propertyOf(node: ClientNode, name: string): Uint8Array | undefined {
  return node.properties.get(name) ?? (name === NAME ? nameValue(node) : undefined);
}

/**
 * The property after `previous`; an empty name asks for the first.
 * @returns undefined after the last; 'no such property' when there is no `previous`.
 */
export function propertyAfter(node: ClientNode, previous: string): string | undefined | 'no such property' {
  const names = [NAME, ...[...node.properties.keys()].filter((each) => each !== NAME)];
  if (previous === '') return names[0];
  const at = names.indexOf(previous);
  return at < 0 ? 'no such property' : names[at + 1];
}

function nameValue(node: ClientNode): Uint8Array {
  const [name = ''] = node.name.split('@');
  return latin1Bytes(`${node.parent === undefined ? ROOT_PATH : name}\0`);
}

function givenPhandle(node: FdtNode): number | undefined {
  const value = node.properties.get('phandle');
  return value === undefined ? undefined : asU32(value);
}

function normalized(component: string): string {
  const at = component.indexOf('@');
  if (at < 0) return component;
  const unit = component
    .slice(at + 1)
    .toLowerCase()
    .split(',')
    .map((each) => each.replace(/^0+(?=.)/, ''))
    .join(',');
  return `${component.slice(0, at)}@${unit}`;
}

/** A component may leave out the unit address, or the name before it. */
function matches(name: string, component: string): boolean {
  if (name === component) return true;
  const at = name.indexOf('@');
  if (at < 0) return false;
  return component.startsWith('@') ? name.slice(at) === component : name.slice(0, at) === component;
}

function text(value: Uint8Array): string {
  return latin1(value).replace(/\0.*$/s, '');
}
