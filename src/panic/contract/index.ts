/** Defines the service's types: what stores keep, what REST shows, and the fleet that routes call. */

export type { Actor, ApiKey, AuditAction, AuditEntry, KeyQuota, Scope } from './access.ts';
export { AUDIT_ACTIONS, SCOPES } from './access.ts';
export type { Capture, CaptureVmcore, CrashCause, ToolWords, VmcoreFormat } from './capture.ts';

export type { Fault, FaultInstant, FlipTarget } from './fault.ts';
export { FAULT_INSTANTS, FLIP_TARGETS } from './fault.ts';
export type { Fleet } from './fleet.ts';
export type { ImageImport, ImageView } from './image.ts';
export type { AuditQuery, CaptureQuery, ListQuery, OperationQuery, Page } from './listing.ts';
export type { MachineRequest } from './machine.ts';
export {
  DISK_BUSES,
  FIRMWARES,
  INTERRUPT_CONTROLLERS,
  MACHINE_DEFAULTS,
  MAXIMUM_CPUS,
  MMU_MODES,
  OS_TERM_POLICIES,
  PROCESSOR_TRAITS,
  PROCESSORS,
} from './machine.ts';
export type { Made, TypedInput } from './made.ts';
export type {
  Operation,
  OperationKind,
  OperationRequest,
} from './operation.ts';
export type { Operations } from './operations.ts';
export type {
  OutputLimitsRequest,
  PartitionOutput,
  PartitionRequest,
  PartitionState,
  PartitionView,
} from './partition.ts';
export type { CapturePhase, LeavePhase } from './phases.ts';
export { CAPTURE_PHASES, LEAVE_PHASES } from './phases.ts';
export type { RefusalCode } from './refusal.ts';
export { Refusal } from './refusal.ts';
export type { LeaveRequest, PanicRequest, StartRequest, Trigger } from './request.ts';
export type { ServiceEvent } from './service-event.ts';
export type { StoreDamage, StoreReport, StoreView } from './store.ts';
export type { UnsupportedUse } from './unsupported.ts';
export { shownUses, UNSUPPORTED_KINDS, usesByKind } from './unsupported.ts';
export { waitsFor } from './waits.ts';
