/**
 * Says in words why something failed, for people who need not know this host: by REST, in captures and in operations. Errors of
 * the file system name the path that they are about; a reason names what the file is for instead. The error itself, with its
 * path, is for the log.
 */

import { BugError } from './errors.ts';

/** errno(3), as far as files of an image and scratch files meet it. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not open it',
  EPERM: 'this user may not open it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ELOOP: 'its path is a circle of links',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk may only be read',
  EIO: 'the disk failed to read or write',
  EFBIG: 'it is too large for the disk',
};

/** A file of this host that cannot be used. `code` is the system's; the path is in `cause` alone. */
export class HostFileError extends Error {
  readonly code: string;

  constructor(role: string, cause: NodeJS.ErrnoException) {
    super(`${role} cannot be used: ${wordsOf(cause)}`, { cause });
    this.name = 'HostFileError';
    this.code = cause.code ?? 'EUNKNOWN';
  }
}

/**
 * Runs `use`, which opens or reads a file. @param role what the file is: `the kernel`
 * @throws HostFileError in place of the file system's error; others pass
 */
export function hostFile<T>(role: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw isSystemError(error) ? new HostFileError(role, error) : error;
  }
}

/** The same for what is awaited. */
export async function hostFileAsync<T>(role: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw isSystemError(error) ? new HostFileError(role, error) : error;
  }
}

/** One sentence without its end: why it failed. A bug of this program names where it is, so that it can be reported. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isSystemError(error)) return `${objectOf(error)} cannot be used: ${wordsOf(error)}`;
  if (!isBug(error)) return error.message;
  const places = placesOf(error.stack ?? '');
  return places === '' ? error.message : `${error.message} (${places})`;
}

/** The same without the file, for a sentence that names it. */
export function causeText(error: unknown): string {
  return isSystemError(error) ? wordsOf(error) : failureText(error);
}

/** What Node names a system call for is a file of the service, or a connection. */
function objectOf({ syscall = '' }: NodeJS.ErrnoException): string {
  return /^(connect|read ECONN|getaddrinfo|listen|bind)/.test(syscall)
    ? 'a connection'
    : 'a file of the service';
}

function wordsOf({ code = 'no code' }: NodeJS.ErrnoException): string {
  const words = WORDS[code];
  return words === undefined ? code : `${words} (${code})`;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

function isBug(error: Error): boolean {
  return error instanceof BugError || error instanceof TypeError || error instanceof RangeError;
}

/** The innermost frames in files of this program, from its own top folder on. */
function placesOf(stack: string): string {
  const frames = stack.matchAll(/^ +at (?:([^\n(]+) \()?[^\n(]*\/((?:src|dist)\/[^\s:)]+:\d+)/gm);
  return [...frames]
    .slice(0, 3)
    .map(([, name, place]) => (name === undefined ? place : `${name} ${place}`))
    .join(', ');
}
