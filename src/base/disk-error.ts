/**
 * Names what can be wrong with a disk of the host: it is full, it fails, it may only be read, or access to it is denied. Such an
 * error is neither bad input nor a bug; it passes when the disk works again. Sources of the codes: errno(3);
 * SQLite's result codes, https://www.sqlite.org/rescode.html.
 */

export type DiskErrorCode = 'disk-full' | 'disk-error' | 'disk-read-only' | 'disk-denied';

export class DiskError extends Error {
  readonly code: DiskErrorCode;

  constructor(code: DiskErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DiskError';
    this.code = code;
  }
}

/** What each code says, as a sentence without its end. @public docs/errors.md is drawn from it */
export const DISK_ERRORS: Readonly<Record<DiskErrorCode, string>> = {
  'disk-full': 'the disk is full',
  'disk-error': 'the disk failed to read or write',
  'disk-read-only': 'the disk may only be read',
  'disk-denied': 'this user may not read or write there',
};

const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  SQLITE_FULL: 'disk-full',
  // The shared index of a write-ahead log could not grow: SQLite has no code of its own for a full disk there.
  SQLITE_IOERR_SHMSIZE: 'disk-full',
  EIO: 'disk-error',
  ENXIO: 'disk-error',
  ESTALE: 'disk-error',
  SQLITE_CORRUPT: 'disk-error',
  SQLITE_NOTADB: 'disk-error',
  SQLITE_CANTOPEN: 'disk-error',
  EROFS: 'disk-read-only',
  SQLITE_READONLY: 'disk-read-only',
  EACCES: 'disk-denied',
  EPERM: 'disk-denied',
  SQLITE_PERM: 'disk-denied',
};

/** @returns the error of the disk that `error` is, or undefined where it is something else. No path is in its message. */
export function diskErrorOf(error: unknown): DiskError | undefined {
  if (error instanceof DiskError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return undefined;
  const found = CODES[code] ?? CODES[/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? ''];
  const kind = found ?? (code.startsWith('SQLITE_IOERR') ? 'disk-error' : undefined);
  return kind === undefined ? undefined : new DiskError(kind, `${DISK_ERRORS[kind]} (${code})`, error);
}
