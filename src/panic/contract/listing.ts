/** Defines lists of operations, captures and audit entries, which are read page by page. */

import type { AuditAction, AuditEntry } from './access.ts';
import type { Capture } from './capture.ts';
import type { OperationState } from './operation.ts';

/**
 * One page of a list, newest first. `next` is the cursor of the page after it; absent on the last page. `damaged` names what
 * belongs on the page and cannot be shown, because its record changed in the store.
 */
export type Page<T> = {
  readonly items: readonly T[];
  readonly next?: string;
  readonly damaged?: readonly string[];
};

export type ListQuery = {
  /** At most so many items, 1 or more. */
  readonly limit: number;
  /** The `next` of an earlier page. Opaque; one that cannot be read is refused as `invalid`. */
  readonly cursor?: string;
  readonly partitionId?: string;
};

export type OperationQuery = ListQuery & { readonly state?: OperationState };
export type CaptureQuery = ListQuery & { readonly outcome?: Capture['outcome']; readonly signature?: string };
export type AuditQuery = Omit<ListQuery, 'partitionId'> & {
  readonly action?: AuditAction;
  readonly outcome?: AuditEntry['outcome'];
  /** The id of a key. */
  readonly keyId?: string;
};
