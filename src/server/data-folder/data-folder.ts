/**
 * Opens the data folder for its one owner: makes it, makes sure that it is kdumpd's, locks it, and can close it to other users.
 * What is wrong with it is one sentence ({@link DataFolderError}). Reading images needs no owner: {@link dataPaths}.
 */

import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defined } from '../../base/defined.ts';
import { diskErrorOf } from '../../base/disk-error.ts';
import { FormatError } from '../../base/errors.ts';
import { DataFolderError } from './errors.ts';
import { describeHolder, type Holder, readHolder, removeHolder, thisProcess, writeHolder } from './holder.ts';
import { type Tightened, tighten } from './permissions.ts';
import { lockOwner } from './store/owner-lock.ts';

/** Where the parts of a data folder are. */
export type DataPaths = {
  readonly root: string;
  readonly images: string;
  readonly metadata: string;
  readonly chunks: string;
  /** Dump disks of running guests; their files have no names. */
  readonly scratch: string;
  /** Holds room for when the disk is full. */
  readonly reserve: string;
};

/** A folder that this process holds. */
export type HeldFolder = DataPaths & {
  /** Closes all of it to other users; call it when the databases have shown that they are kdumpd's. */
  tighten(): Tightened;
  /** Says where its holder is to be asked. */
  announce(address: string): void;
  release(): void;
};

/** `held`: another process has it. */
export type Holding =
  | { readonly kind: 'ours'; readonly folder: HeldFolder }
  | { readonly kind: 'held'; readonly holder: Holder | undefined };

const LOCK = 'owner.db';
const HOLDER = 'owner.json';
const DATABASES = ['metadata.db', 'chunks.db', LOCK] as const;
/** What may lie in a folder that is to become a data folder: images that were put there first, what `kdumpd crash` made, a new file system's folder. */
const HARMLESS = ['images', 'scratch', 'lost+found'];
/** Files named in a sentence. */
const NAMED = 3;

export function dataPaths(path: string): DataPaths {
  const root = resolve(path);
  return {
    root,
    images: join(root, 'images'),
    metadata: join(root, 'metadata.db'),
    chunks: join(root, 'chunks.db'),
    scratch: join(root, 'scratch'),
    reserve: join(root, 'reserve'),
  };
}

/** Takes the folder, or says who has it. @throws DataFolderError for one that cannot be used */
export function takeDataFolder(path: string): Holding {
  const paths = dataPaths(path);
  const { root } = paths;
  return inSentence(root, () => {
    makeFolder(root);
    const lock = lockOwner(join(root, LOCK));
    const holderFile = join(root, HOLDER);
    if (lock === undefined) return { kind: 'held', holder: readHolder(holderFile) };
    try {
      mkdirSync(paths.images, { recursive: true, mode: 0o700 });
      // Fails where images cannot be listed; one image that cannot be read is only listed as broken.
      readdirSync(paths.images);
      const holder = thisProcess();
      writeHolder(holderFile, holder);
      return {
        kind: 'ours',
        folder: {
          ...paths,
          tighten: () => tighten(root),
          announce: (address) => writeHolder(holderFile, { ...holder, ...defined({ address }) }),
          release: () => {
            removeHolder(holderFile);
            lock.release();
          },
        },
      };
    } catch (error) {
      lock.release();
      throw error;
    }
  });
}

/** Takes the folder. @throws DataFolderError also where another process has it */
export function holdDataFolder(path: string): HeldFolder {
  const holding = takeDataFolder(path);
  if (holding.kind === 'ours') return holding.folder;
  throw new DataFolderError(
    `the data folder ${resolve(path)} is in use by ${describeHolder(holding.holder)}: stop it, or choose another folder with --data`,
  );
}

/** Runs `work`; an error of the folder's disk or of a database in it becomes a sentence. @throws DataFolderError */
export function inSentence<T>(root: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw sentenceOf(root, error);
  }
}

/** @returns DataFolderError where `error` is one of the folder, else `error` */
export function sentenceOf(root: string, error: unknown): unknown {
  if (error instanceof DataFolderError) return error;
  const begin = `the data folder ${root} cannot be used: `;
  if (error instanceof FormatError && error.code.startsWith('store/'))
    return new DataFolderError(`${begin}${error.message}`, error);
  const disk = diskErrorOf(error);
  if (disk !== undefined) return new DataFolderError(`${begin}${disk.message}: ${ADVICE[disk.code]}`, error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return new DataFolderError(`${begin}a part of its path is a file: choose another with --data`, error);
  return error;
}

const ADVICE = {
  'disk-full': 'make room on it',
  'disk-error': 'look into the system’s log, and restore the folder from a backup where files are damaged',
  'disk-read-only': 'mount it for writing, or choose another folder with --data',
  'disk-denied': 'start kdumpd as the folder’s owner, or choose another folder with --data',
} as const;

function makeFolder(root: string): void {
  const found = statSync(root, { throwIfNoEntry: false });
  if (found === undefined) {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    return;
  }
  if (!found.isDirectory())
    throw new DataFolderError(`the data folder ${root} is a file: choose another with --data`);
  const names = readdirSync(root);
  if (names.some((name) => DATABASES.some((database) => database === name))) return;
  const foreign = names.filter((name) => !HARMLESS.includes(name));
  if (foreign.length === 0) return;
  const named = foreign.slice(0, NAMED);
  const more = foreign.length > NAMED ? ` and ${foreign.length - NAMED} more` : '';
  throw new DataFolderError(
    `the folder ${root} is not empty and holds nothing of kdumpd’s (${named.join(', ')}${more}): choose an empty one with --data`,
  );
}
