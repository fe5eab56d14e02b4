/**
 * Holds files taken out of packages in memory, as one tree. Symbolic links are followed inside the tree only: an absolute
 * target starts at the tree's root, as it would on the installed system, and one that climbs above the root is refused.
 */

import { imageError } from './errors.ts';

export type TreeFile = { readonly kind: 'file'; readonly data: Uint8Array; readonly mode: number };
export type TreeLink = { readonly kind: 'symlink'; readonly target: string };

/** As deep as Linux follows links in one look-up. */
const MAX_LINKS = 40;

/** Paths are relative to the root, without `.` and `..`. */
export class FileTree {
  readonly #nodes: Map<string, TreeFile | TreeLink> = new Map();

  addFile(path: string, data: Uint8Array, mode: number): void {
    this.#nodes.set(path, { kind: 'file', data, mode });
  }

  addLink(path: string, target: string): void {
    this.#nodes.set(path, { kind: 'symlink', target });
  }

  /** Every path, sorted. */
  paths(): string[] {
    return [...this.#nodes.keys()].sort();
  }

  has(path: string): boolean {
    return this.#nodes.has(path);
  }

  /**
   * The file at `path`, links followed.
   * @returns undefined where there is none
   * @throws FormatError `image/bad-link` for a circle or a way out of the tree
   */
  find(path: string): TreeFile | undefined {
    let parts = path.split('/');
    let links = 0;
    for (let i = 1; i <= parts.length; i++) {
      const node = this.#nodes.get(parts.slice(0, i).join('/'));
      if (node?.kind === 'file') return i === parts.length ? node : undefined;
      if (node === undefined) continue;
      if (++links > MAX_LINKS)
        throw imageError('image/bad-link', `${path} is a circle of links`, { what: path });
      parts = [...resolve(parts.slice(0, i - 1), node.target, path), ...parts.slice(i)];
      i = 0;
    }
    return undefined;
  }
}

function resolve(from: readonly string[], target: string, path: string): string[] {
  const parts = target.startsWith('/') ? [] : [...from];
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) {
      throw imageError('image/bad-link', `${path} leads outside its tree`, { what: path, actual: target });
    }
  }
  return parts;
}
