/**
 * Holds files taken out of packages in memory, as one tree. Symbolic links are followed inside the tree only: an absolute
 * target starts at the tree's root, as it would on the installed system, and one that climbs above the root is refused.
 *
 * `/bin`, `/sbin`, `/lib` and `/lib64` are those of `/usr`, as on every system of today: packages differ in which name they use.
 */

import { defined } from '../base/defined.ts';
import { imageError } from './errors.ts';

/** `from`: the package that it was in. */
export type TreeFile = {
  readonly kind: 'file';
  readonly data: Uint8Array;
  readonly mode: number;
  readonly from?: string;
};
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
  addFile(path: string, data: Uint8Array, mode: number, from?: string): void {
    this.requireRoom(data.length, path);
    this.#add(path, { kind: 'file', data, mode, ...defined({ from }) });
    this.#bytes += data.length;
  }

  /** @throws FormatError `image/too-large` */
  addLink(path: string, target: string): void {
    this.#add(path, { kind: 'symlink', target });
  }

  #add(given: string, node: TreeFile | TreeLink): void {
    const path = merged(given);
    const before = this.#nodes.get(path);
    if (before?.kind === 'file') this.#bytes -= before.data.length;
    if (before === undefined && this.#nodes.size === MAX_NODES)
      throw imageError('image/too-large', `the packages hold more than ${MAX_NODES} wanted files`, {
        what: path,
      });
    this.#nodes.set(path, node);
  }

  /** Every path, sorted, below `usr` where it is one of the merged folders. */
  paths(): string[] {
    return [...this.#nodes.keys()].sort();
  }

  /**
   * The file at `path`, links followed.
   * @returns undefined where there is none
   * @throws FormatError `image/bad-link` for a circle or a way out of the tree
   */
  find(path: string): TreeFile | undefined {
    let parts = merged(path).split('/');
    let links = 0;
    for (let i = 1; i <= parts.length; i++) {
      const node = this.#nodes.get(parts.slice(0, i).join('/'));
      if (node?.kind === 'file') return i === parts.length ? node : undefined;
      if (node === undefined) continue;
      if (++links > MAX_LINKS)
        throw imageError('image/bad-link', `${path} is a circle of links`, { what: path });
      const led = [...resolve(parts.slice(0, i - 1), node.target, path), ...parts.slice(i)];
      parts = merged(led.join('/')).split('/');
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

function merged(path: string): string {
  return /^(bin|sbin|lib|lib64)\//.test(path) ? `usr/${path}` : path;
}
