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
  MachineFault,
  MarkId,
  ObservedEvent,
  ObservedEventKind,
  ObservePlan,
  RunChange,
  SleepPlan,
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
export type { OutputLimits, TerminalLimits } from './limits.ts';
export { DEFAULT_OUTPUT_LIMITS, UNLIMITED_OUTPUT } from './limits.ts';
export type {
  DiskBus,
  DiskConfig,
  DiskFailure,
  Firmware,
  HcallName,
  InputTaken,
  InterruptController,
  JitOptions,
  LineTerminal,
  MmuMode,
  OutputSummary,
  PageChange,
  PageWriter,
  PartitionConfig,
  PartitionEnd,
  PartitionHandle,
  PartitionNotice,
  Processor,
  UnsupportedThing,
  WrittenParts,
} from './partition.ts';
export { DEFAULT_THREADS, HCALL_NAMES } from './partition.ts';
