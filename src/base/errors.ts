/**
 * Defines the kinds of error that every folder throws: bad input, damage of what was stored, and a bug of this program.
 * Guest events (interrupts, hypercall status) are values and never pass through here.
 */

/** Where and how input broke its format. `offset` is in bytes from the start of the input named by `what`. */
export type FormatErrorDetail = {
  readonly what?: string;
  readonly offset?: number;
  readonly expected?: string;
  readonly actual?: string;
  readonly cause?: unknown;
};

/** Bad input: a malformed file, package, tree or request. `code` is a stable name of the form `area/kind`. */
export class FormatError extends Error {
  readonly code: string;
  readonly detail: FormatErrorDetail;

  constructor(code: string, message: string, detail: FormatErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'FormatError';
    this.code = code;
    this.detail = detail;
  }
}

/**
 * Data that this program stored and that is not what it reads back: a flipped bit, a lost write, a file that was changed.
 * No request is at fault: REST answers with 500, where other bad input is 422.
 */
export class StoredDataError extends FormatError {
  constructor(code: string, message: string, detail: FormatErrorDetail = {}) {
    super(code, message, detail);
    this.name = 'StoredDataError';
  }
}

/** Thrown for a state that cannot occur unless this program has a bug. */
export class BugError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BugError';
  }
}

/** Throws {@link BugError} unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BugError(message);
}

/**
 * The codes that this folder itself throws; elf/ and fdt/ have catalogues of their own.
 * @public docs/errors.md is drawn from it
 */
export const BASE_ERRORS = {
  'base/not-latin1': 'text that must be one byte a character holds a character above U+00FF',
} as const;
