/** Which names a tree may hold; shared by parser and builder. Source: Devicetree Specification 0.4, §2.2.1, §2.2.4. */

import { fdtError } from './errors.ts';
import type { FdtNode } from './tree.ts';

/**
 * Checks a node's name. The specification allows 31 characters and [0-9a-zA-Z,._+-]; firmware breaks both (`ibm,…`
 * names grow longer, PowerVM uses others), so we refuse only what cannot be a path component.
 * @throws FormatError `fdt/bad-name`.
 */
export function checkNodeName(name: string, isRoot: boolean, offset?: number): void {
  const good = isRoot ? name === '' : /^[\x21-\x2e\x30-\x7e]+$/.test(name);
  if (!good) throw badName('node', name, offset);
}

/** @throws FormatError `fdt/bad-name`. */
export function checkPropertyName(name: string, offset?: number): void {
  if (!/^[\x21-\x7e]+$/.test(name) || name.includes('/')) throw badName('property', name, offset);
}

/** Checks that no two children of a node share a name. @throws FormatError `fdt/duplicate-name`. */
export function checkSiblings(parent: FdtNode, offset?: number): void {
  const seen = new Set<string>();
  for (const child of parent.children) {
    if (seen.has(child.name)) throw duplicate(child.name, offset);
    seen.add(child.name);
  }
}

/** The error for a name given twice. */
export function duplicate(name: string, offset?: number): Error {
  return fdtError(
    'fdt/duplicate-name',
    `the name ${JSON.stringify(name)} is given twice`,
    offset === undefined ? {} : { offset },
  );
}

function badName(kind: string, name: string, offset: number | undefined): Error {
  return fdtError(
    'fdt/bad-name',
    `not a ${kind} name: ${JSON.stringify(name)}`,
    offset === undefined ? {} : { offset },
  );
}
