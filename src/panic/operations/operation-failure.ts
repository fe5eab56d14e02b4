/** Defines why an operation failed: a stable code and a sentence. */

import { diskErrorOf } from '../../base/disk-error.ts';
import { FormatError } from '../../base/errors.ts';
import { failureText } from '../../base/failure-text.ts';
import { databaseError } from '../../vmcore/store/index.ts';

/**
 * Codes: `not-ready` (the guest did not come up, or was not up), `capture-failed` (the crash left no whole dump),
 * `kexec-failed`, `restart-failed` (the guest did not leave its kernel, or the next one did not come up),
 * `host-time-exceeded` (the host's limit, not the guest's), `store-failed`, `disk-full` and the other codes of a DiskError, `interrupted` (the service went down
 * meanwhile), `machine-failed`; a FormatError keeps its own. `cancelled` ends work and is no failure: it is a state.
 */
export class OperationFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'OperationFailure';
    this.code = code;
  }
}

/** @param early why the operation was ended before it was done: then what it threw is a consequence */
export function failureOf(
  thrown: unknown,
  early: OperationFailure | undefined,
): { readonly code: string; readonly message: string } {
  const error = databaseError(thrown, 'the database');
  if (error instanceof OperationFailure) return { code: error.code, message: error.message };
  if (early !== undefined) return { code: early.code, message: early.message };
  const disk = diskErrorOf(error);
  if (disk !== undefined) return { code: disk.code, message: disk.message };
  if (error instanceof FormatError) return { code: error.code, message: error.message };
  return { code: 'machine-failed', message: failureText(error) };
}
