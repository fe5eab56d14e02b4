/** What can be wrong with what is asked of this folder: the catalogue of its {@link FormatError} codes. */

import type { FormatErrorDetail } from '../../base/errors.ts';
import { FormatError } from '../../base/errors.ts';

export const PANIC_ERRORS = {
  'panic/bad-dump-mode': 'a dump is asked for that is neither `raw` nor options of makedumpfile',
  'panic/bad-fault': 'a fault is to be injected that is not known, or into something that is not there',
  'panic/bad-facts': 'what a guest’s agent says of its memory cannot be read',
  'panic/plan-disk': 'the plans for a guest do not fit the disk that takes them to it',
  'panic/unsupported-machine': 'there is no such machine, or the image’s guest cannot deal with it',
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
