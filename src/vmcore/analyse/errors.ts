/** Lists this folder's {@link FormatError} codes: what can be wrong with symbols. */

import type { FormatErrorDetail } from '../../base/errors.ts';
import { FormatError } from '../../base/errors.ts';

export const ANALYSE_ERRORS = {
  'analyse/no-kallsyms': 'the bytes hold no tables of kallsyms that fit together',
  'analyse/bad-system-map': 'a line of a System.map is not ADDRESS TYPE NAME',
  'analyse/no-symbols': 'the file has no symbol table',
} as const;

export type AnalyseErrorCode = keyof typeof ANALYSE_ERRORS;

/** A {@link FormatError} of this folder; the caller throws it. */
export function analyseError(
  code: AnalyseErrorCode,
  message: string,
  detail: FormatErrorDetail = {},
): FormatError {
  return new FormatError(code, message, detail);
}
