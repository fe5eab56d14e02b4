/** Lists the {@link FormatError} codes of src/panic: what can be wrong with a request. */

import type { FormatErrorDetail } from '../../base/errors.ts';
import { FormatError } from '../../base/errors.ts';

export const PANIC_ERRORS = {
  'panic/bad-dump-mode': 'the dump mode is neither `raw` nor options of makedumpfile',
  'panic/bad-fault':
    'a fault to inject is unknown, or names a segment, an offset or a CPU that does not exist',
  'panic/bad-facts': 'the facts that a guest’s agent reported of its memory cannot be read',
  'panic/plan-disk': 'the plans for a guest do not fit its plan disk',
  'panic/unsupported-machine': 'there is no such machine, or the image’s guest has no driver for it',
} as const;

export type PanicErrorCode = keyof typeof PANIC_ERRORS;

/** A {@link FormatError} of this folder; the caller throws it. */
export function panicError(
  code: PanicErrorCode,
  message: string,
  detail: FormatErrorDetail = {},
): FormatError {
  return new FormatError(code, message, detail);
}
