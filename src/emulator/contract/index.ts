/** Defines the data between the machine and its owner: configuration, requests, events, the machine at an instant. */

export type {
  DroppedEvents,
  EventMatch,
  FetchEvent,
  FetchRegister,
  HcallEvent,
  InstantName,
  InstantPlan,
  InterruptEvent,
  InterruptRegister,
  MachineEvent,
  MachineEventKind,
  MachineFault,
  MarkId,
  ObservePlan,
  RunChange,
  StoreEvent,
  SyscallEvent,
  SyscallReturnEvent,
  SystemCallWatch,
  VcpuState,
} from './events.ts';
export { matchesEvent, RUN_CHANGES, STORE_BYTES } from './events.ts';
export type {
  InstantRecord,
  RegisterFrame,
  RegisterSet,
  SavePoint,
  VcpuSnapshot,
} from './instants.ts';
export type {
  DiskBus,
  DiskConfig,
  Firmware,
  HcallName,
  InterruptController,
  MmuMode,
  PageChange,
  PageWriter,
  PartitionConfig,
  PartitionEnd,
  PartitionHandle,
  PartitionNotice,
  Processor,
} from './partition.ts';
export { HCALL_NAMES } from './partition.ts';
