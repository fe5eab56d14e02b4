/**
 * Models a disk with a cache: what a journal's records have changed, and what of it would be left after a power cut.
 *
 * The model is as strict as POSIX: fsync of a file keeps its content, fsync of a folder the names in it, and nothing else is
 * promised. Of the content written since, each sector may be there or not; of the changes of names, in each folder the first ones
 * up to any point; a rename is there in both of its folders or in none. Left out: sectors that hold neither the old nor the new
 * bytes.
 */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalRecord } from './journal.ts';

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number };

type DiskFile = { readonly kind: 'file'; readonly durable: Content; pending: Change[] };
type DiskLink = { readonly kind: 'link'; readonly target: string };
/** `names` are those that the program sees, `durable` those on the disk. */
type DiskFolder = {
  readonly kind: 'folder';
  readonly names: Map<string, DiskNode>;
  readonly durable: Map<string, DiskNode>;
};
type DiskNode = DiskFile | DiskFolder | DiskLink;

/** A name that gets another node, or none. */
type NameChange = { readonly folder: DiskFolder; readonly name: string; readonly node: DiskNode | null };

/** What a folder holds after a power cut: paths below it. */
export type DiskImage = {
  readonly folders: readonly string[];
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly links: ReadonlyMap<string, string>;
};

/** How much of what was not synchronised is there. */
export type Cut = {
  /** Chance of each sector, 0 to 1. */
  readonly sectors: number;
  /** Chance that a change of names is there, once those before it in its folder are. */
  readonly names: number;
  readonly sectorBytes: 512 | 4096;
};

export const NOTHING_LEFT: Cut = { sectors: 0, names: 0, sectorBytes: 512 };

export class Disk {
  readonly #root: string;
  readonly #top: DiskFolder;
  /** Changes of names that are not on the disk, oldest first; those of one entry come together. */
  #pending: (readonly NameChange[])[] = [];

  /** @param root the folder that the journal's paths lie in; what it holds now is on the disk */
  constructor(root: string) {
    this.#root = root;
    this.#top = load(root);
  }

  apply(record: JournalRecord): void {
    const { kind, path, other, offset, data } = record;
    if (kind === 'create')
      this.#change(this.#at(path, { kind: 'file', durable: new Content(), pending: [] }));
    else if (kind === 'mkdir')
      this.#change(this.#at(path, { kind: 'folder', names: new Map(), durable: new Map() }));
    else if (kind === 'symlink') this.#change(this.#at(path, { kind: 'link', target: other }));
    else if (kind === 'link') this.#change(this.#at(other, this.#find(path)));
    else if (kind === 'unlink' || kind === 'rmdir') this.#change(this.#at(path, null));
    else if (kind === 'rename') this.#change(this.#at(path, null), this.#at(other, this.#find(path)));
    else if (kind === 'write') this.#file(path).pending.push({ kind, offset, data });
    else if (kind === 'truncate') this.#file(path).pending.push({ kind, size: offset });
    else if (kind === 'sync') this.#sync(path);
  }

  /** What a power cut now would leave. @param random 0 (included) to 1 */
  cut(how: Cut, random: () => number): DiskImage {
    const durable = new Map<DiskFolder, Map<string, DiskNode>>();
    const namesOf = (folder: DiskFolder): Map<string, DiskNode> => {
      const names = durable.get(folder) ?? new Map(folder.durable);
      durable.set(folder, names);
      return names;
    };
    const stopped = new Set<DiskFolder>();
    for (const changes of this.#pending) {
      if (random() >= how.names || changes.some(({ folder }) => stopped.has(folder)))
        for (const { folder } of changes) stopped.add(folder);
      else for (const { folder, name, node } of changes) set(namesOf(folder), name, node);
    }
    const image = {
      folders: [] as string[],
      files: new Map<string, Uint8Array>(),
      links: new Map<string, string>(),
    };
    const walk = (folder: DiskFolder, at: string): void => {
      for (const [name, node] of namesOf(folder)) {
        const path = at === '' ? name : `${at}/${name}`;
        if (node.kind === 'link') image.links.set(path, node.target);
        else if (node.kind === 'file') image.files.set(path, contentAfter(node, how, random));
        else {
          image.folders.push(path);
          walk(node, path);
        }
      }
    };
    walk(this.#top, '');
    return image;
  }

  #change(...changes: readonly NameChange[]): void {
    for (const { folder, name, node } of changes) set(folder.names, name, node);
    this.#pending.push(changes);
  }

  #sync(path: string): void {
    const node = path === this.#root ? this.#top : this.#find(path);
    if (node.kind === 'link') throw new Error(`${path} is a link that was synchronised`);
    if (node.kind === 'file') {
      for (const change of node.pending) node.durable.apply(change);
      node.pending = [];
      return;
    }
    // A change that also touches another folder is kept whole, and older ones of the names it touches are then void.
    for (const [at, changes] of this.#pending.entries()) {
      if (!changes.some(({ folder }) => folder === node)) continue;
      for (const { folder, name, node: given } of changes) {
        set(folder.durable, name, given);
        for (let older = 0; older < at; older++)
          this.#pending[older] = (this.#pending[older] ?? []).filter(
            (each) => each.folder !== folder || each.name !== name,
          );
      }
      this.#pending[at] = [];
    }
    this.#pending = this.#pending.filter((changes) => changes.length > 0);
  }

  #at(path: string, node: DiskNode | null): NameChange {
    const slash = path.lastIndexOf('/');
    const parent = path.slice(0, slash);
    const folder = parent === this.#root ? this.#top : this.#find(parent);
    if (folder.kind !== 'folder') throw new Error(`${path} does not lie in a folder`);
    return { folder, name: path.slice(slash + 1), node };
  }

  #file(path: string): DiskFile {
    const node = this.#find(path);
    if (node.kind !== 'file') throw new Error(`${path} is no file`);
    return node;
  }

  #find(path: string): DiskNode {
    let node: DiskNode | undefined = this.#top;
    for (const name of path.slice(this.#root.length + 1).split('/')) {
      if (node?.kind !== 'folder') break;
      node = node.names.get(name);
    }
    if (node === undefined) throw new Error(`the journal changes ${path}, which it has not made`);
    return node;
  }
}

/** A file's bytes. */
class Content {
  #bytes: Uint8Array;
  #size: number;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#bytes = bytes;
    this.#size = bytes.length;
  }

  /** A copy. */
  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  apply(change: Change): void {
    if (change.kind === 'truncate') {
      this.#grow(change.size);
      // What lies beyond the end reads as zeros when the file grows again.
      this.#bytes.fill(0, change.size, this.#size);
      this.#size = change.size;
    } else {
      const end = change.offset + change.data.length;
      this.#grow(end);
      this.#bytes.set(change.data, change.offset);
      this.#size = Math.max(this.#size, end);
    }
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }
}

function contentAfter({ durable, pending }: DiskFile, how: Cut, random: () => number): Uint8Array {
  const left = new Content(durable.bytes);
  for (const change of pending) {
    if (change.kind === 'truncate') {
      if (random() < how.sectors) left.apply(change);
      continue;
    }
    const { offset, data } = change;
    for (let at = 0; at < data.length; ) {
      const end = Math.min(data.length, at + how.sectorBytes - ((offset + at) % how.sectorBytes));
      if (random() < how.sectors)
        left.apply({ kind: 'write', offset: offset + at, data: data.subarray(at, end) });
      at = end;
    }
  }
  return left.bytes;
}

function set(names: Map<string, DiskNode>, name: string, node: DiskNode | null): void {
  if (node === null) names.delete(name);
  else names.set(name, node);
}

function load(path: string): DiskFolder {
  const names = new Map<string, DiskNode>();
  for (const name of readdirSync(path)) {
    const each = join(path, name);
    const status = lstatSync(each);
    if (status.isDirectory()) names.set(name, load(each));
    else if (status.isSymbolicLink()) names.set(name, { kind: 'link', target: readlinkSync(each) });
    else names.set(name, { kind: 'file', durable: new Content(readFileSync(each)), pending: [] });
  }
  return { kind: 'folder', names, durable: new Map(names) };
}
