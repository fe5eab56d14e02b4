/** Partitions as the rest of the program drives them: one worker thread each. */
export { openPartition } from './client.ts';
export type {
  DiskBus,
  DiskConfig,
  Firmware,
  InterruptController,
  MmuMode,
  PageChange,
  PageWriter,
  PartitionConfig,
  PartitionEnd,
  PartitionHandle,
  PartitionNotice,
  Processor,
} from './contract.ts';
export type {
  EventMatch,
  InstantName,
  MachineEvent,
  MachineEventKind,
  MachineFault,
  ObservePlan,
} from './events.ts';
export type {
  HashCensus,
  HypervisorArea,
  InstantRecord,
  InterruptState,
  RegisterFrame,
  RegisterSet,
  SavePoint,
  VcpuSnapshot,
} from './instants.ts';
