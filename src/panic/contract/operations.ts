/** Defines the interface of operations for routes. */

import type { Actor } from './access.ts';
import type { OperationQuery, Page } from './listing.ts';
import type { Operation, OperationRequest } from './operation.ts';

/** Methods throw {@link Refusal}. */
export interface Operations {
  /**
   * Persists the request; it runs when its turn comes. A request that repeats the kind, the partition and the key of an
   * earlier one is answered with the current state of that one's operation; keys of different API keys are different.
   * @param admit asked before a new request is taken; what it throws is the answer
   * @throws Refusal `key-reused` where it asks for something else than that one
   */
  submit(
    request: OperationRequest,
    idempotencyKey?: string,
    requestedBy?: Actor,
    admit?: () => Promise<void>,
  ): Promise<Operation>;
  get(id: string): Promise<Operation>;
  list(query: OperationQuery): Promise<Page<Operation>>;
  /** The stored JSON text of the trace of a kexec or a restart, or `null` where the operation has none (any more). */
  trace(id: string): Promise<string | null>;
  /**
   * Cancels an operation: a queued one at once; a running one ends as `cancelled` soon, unless it is done before. What it has
   * made until then stays: a cancelled crash leaves a capture.
   * @throws Refusal `conflict` for one that has ended, and for a stop that runs
   */
  cancel(id: string): Promise<Operation>;
}
