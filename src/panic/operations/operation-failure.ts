/** Defines why an operation failed: a stable code and a sentence. */

import { FormatError } from '../../base/errors.ts';

/**
 * Codes: `not-ready` (the guest did not come up, or was not up), `capture-failed` (the crash left no whole dump),
 * `kexec-failed`, `restart-failed` (the guest did not leave its kernel, or the next one did not come up),
 * `store-failed`, `interrupted` (the service went down meanwhile), `machine-failed`; a FormatError keeps its own.
 */
export class OperationFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'OperationFailure';
    this.code = code;
  }
}

export function failureOf(
  error: unknown,
  closing: boolean,
): { readonly code: string; readonly message: string } {
  if (error instanceof OperationFailure) return { code: error.code, message: error.message };
  if (closing) return { code: 'interrupted', message: 'the service was shut down' };
  if (error instanceof FormatError) return { code: error.code, message: error.message };
  return { code: 'machine-failed', message: error instanceof Error ? error.message : String(error) };
}
