/** Defines the interface of the fleet for routes. Actions on a partition are operations (operation.ts). */

import type { Actor } from './access.ts';
import type { PartitionRequest, PartitionView } from './partition.ts';

/** Every method throws {@link Refusal} for a wrong request. */
export interface Fleet {
  list(): readonly PartitionView[];
  get(id: string): PartitionView;
  /** Adds a partition, powered off. */
  create(request: PartitionRequest, createdBy?: Actor): Promise<PartitionView>;
  /** @throws Refusal `conflict` unless it is off */
  remove(id: string): Promise<void>;
  /** Types on the user's console (vty 0). @throws Refusal `conflict` where it is off, `terminal-full` where the guest does not read; nothing is typed */
  type(id: string, bytes: Uint8Array): Promise<void>;
  /** The console since power-on: raw bytes, at most the last MiB. */
  console(id: string): Uint8Array;
  /** Console bytes as they come. @returns a function that ends the subscription. */
  watchConsole(id: string, listener: (bytes: Uint8Array) => void): () => void;
}
