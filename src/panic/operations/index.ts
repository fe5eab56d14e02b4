/** Runs operations: the seams of queue, leases and events, and the service over them. */

export { earlyEnd, withinHostTime } from './early-end.ts';
export type { BusMessage, EventBus } from './event-bus.ts';
export type { Fence, Lease, PartitionLease, WorkerId } from './lease.ts';
export { MemoryEventBus } from './memory-event-bus.ts';
export { OperationFailure } from './operation-failure.ts';
export type {
  Accepted,
  OperationHost,
  OperationResult,
} from './operation-service.ts';
export { OperationService } from './operation-service.ts';
export type {
  Beat,
  Claim,
  ClaimOptions,
  OperationEnd,
  OperationError,
  OperationQueue,
  Submission,
  Wanted,
} from './queue.ts';
export { MAXIMUM_ATTEMPTS, OPERATION_RULES } from './queue.ts';
export type { Run } from './run.ts';
export { requireSameRequest } from './same-request.ts';
