/** Describes an entry of an archive of files, tar or cpio, and what is refused of any. */

import { imageError } from './errors.ts';

/** An entry. `path` is relative, without leading `./` and without `..`; `link` is as the archive gives it. */
export type ArchiveEntry = {
  readonly path: string;
  readonly kind: 'file' | 'hardlink' | 'symlink' | 'directory' | 'other';
  readonly mode: number;
  /** Bytes of data, files only. */
  readonly size: number;
  readonly link: string;
  /** The data. Call it at most once, before the next entry is asked for. */
  data(): Promise<Uint8Array>;
};

/** No file that we would take out of a package is larger. */
export const MAX_ENTRY_BYTES: number = 1024 * 1024 * 1024;
/** PATH_MAX of Linux. */
export const MAX_PATH = 4096;

/** Where a link leads is judged when it is followed (file-tree.ts). @throws FormatError `image/unsafe-path` */
export function safeLink(link: string, what: string, at: number): string {
  if (link.length <= MAX_PATH) return link;
  throw imageError('image/unsafe-path', `${what} has a link to a path of ${link.length} characters`, {
    what,
    offset: at,
    expected: `at most ${MAX_PATH}`,
  });
}

/** @throws FormatError `image/unsafe-path` for absolute paths, `..` and control characters */
export function safePath(path: string, what: string, at: number): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (path.length > MAX_PATH || path.startsWith('/') || parts.includes('..') || /[\x00-\x1f]/.test(path)) {
    throw imageError('image/unsafe-path', `${what} names a path outside its tree`, {
      what,
      offset: at,
      actual: JSON.stringify(path.slice(0, 200)),
    });
  }
  return parts.join('/');
}

export function tooLarge(what: string, offset: number, actual: number, limit: number): Error {
  return imageError('image/too-large', `${what} has an entry of ${actual} bytes`, {
    what,
    offset,
    expected: `at most ${limit}`,
    actual: `${actual}`,
  });
}
