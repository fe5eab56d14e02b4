/** The fleet as the server drives it. */

import type { LeavePath } from '../trace/index.ts';
import type { Operation } from './operation.ts';
import type { PartitionRequest, PartitionView } from './partition.ts';
import type { LeaveRequest, PanicRequest } from './request.ts';
import type { ServiceEvent } from './service-event.ts';

/** The fleet as the server drives it. Every method throws {@link Refusal} for what the caller got wrong. */
export interface Fleet {
  list(): readonly PartitionView[];
  get(id: string): PartitionView;
  create(request: PartitionRequest): Promise<PartitionView>;
  start(id: string): Promise<Operation>;
  stop(id: string): Promise<Operation>;
  reset(id: string): Promise<Operation>;
  remove(id: string): Promise<void>;
  /** Types on the user's console (vty 0). */
  type(id: string, bytes: Uint8Array): Promise<void>;
  /** The console of the current life, so far: raw bytes, at most the last MiB. */
  console(id: string): Uint8Array;
  /** @throws Refusal `conflict` when the partition is not ready. */
  panic(id: string, request: PanicRequest, idempotencyKey?: string): Promise<Operation>;
  /**
   * Has the guest leave its kernel in peace: by an ordinary kexec, or by a restart.
   * @throws Refusal `conflict` when the partition is not ready.
   */
  leave(id: string, path: LeavePath, request: LeaveRequest, idempotencyKey?: string): Promise<Operation>;
  /** Console bytes as they come. @returns a function that ends the subscription. */
  watchConsole(id: string, listener: (bytes: Uint8Array) => void): () => void;
  events(listener: (event: ServiceEvent) => void): () => void;
  close(): Promise<void>;
}
