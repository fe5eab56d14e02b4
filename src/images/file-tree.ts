/**
 * Holds files taken out of packages in memory, as one tree. Symbolic links are followed inside the tree only: an absolute
 * target starts at the tree's root, as it would on the installed system, and one that climbs above the root is refused.
 */

import { imageError } from './errors.ts';

export type TreeFile = { readonly kind: 'file'; readonly data: Uint8Array; readonly mode: number };
export type TreeLink = { readonly kind: 'symlink'; readonly target: string };

/** As deep as Linux follows links in one look-up. */
const MAX_LINKS = 40;
/** A kernel with its modules is some 300 MB in 5,000 files. */
export const MAX_TREE_BYTES: number = 768 * 2 ** 20;
const MAX_NODES = 100_000;

/** Paths are relative to the root, without `.` and `..`. */
export class FileTree {
  readonly #nodes: Map<string, TreeFile | TreeLink> = new Map();
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes of all files together */
  constructor(maxBytes: number = MAX_TREE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Call it before a file of `size` bytes is read into memory. @throws FormatError `image/too-large` */
  requireRoom(size: number, what: string): void {
    if (this.#bytes + size > this.#maxBytes)
      throw imageError(
        'image/too-large',
        `${what}: the packages hold more than ${this.#maxBytes} bytes of wanted files`,
        {
          what,
          expected: `at most ${this.#maxBytes}`,
          actual: `${this.#bytes + size}`,
        },
      );
  }

  /** @throws FormatError `image/too-large` */
  addFile(path: string, data: Uint8Array, mode: number): void {
    this.requireRoom(data.length, path);
    this.#add(path, { kind: 'file', data, mode });
    this.#bytes += data.length;
  }

  /** @throws FormatError `image/too-large` */
  addLink(path: string, target: string): void {
    this.#add(path, { kind: 'symlink', target });
  }

  #add(path: string, node: TreeFile | TreeLink): void {
    const before = this.#nodes.get(path);
    if (before?.kind === 'file') this.#bytes -= before.data.length;
    if (before === undefined && this.#nodes.size === MAX_NODES)
      throw imageError('image/too-large', `the packages hold more than ${MAX_NODES} wanted files`, {
        what: path,
      });
    this.#nodes.set(path, node);
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
