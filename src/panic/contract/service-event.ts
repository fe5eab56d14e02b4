/** Events that the service emits. */

import type { OperationState } from './operation.ts';
import type { PartitionState } from './partition.ts';

/** What clients receive as it happens: ids and states only; they fetch the rest. */
export type ServiceEvent =
  | { readonly kind: 'partition'; readonly id: string; readonly state: PartitionState }
  | {
      readonly kind: 'operation';
      readonly id: string;
      readonly state: OperationState;
      readonly phase: string;
    }
  | { readonly kind: 'capture'; readonly id: string; readonly partitionId: string }
  | {
      readonly kind: 'image';
      readonly name: string;
      readonly state: 'importing' | 'ready' | 'failed';
      readonly progress?: string;
    };
