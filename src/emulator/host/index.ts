/** Partitions as the rest of the program drives them: one worker thread each. */

export type {
  EventMatch,
  InstantName,
  MachineEvent,
  MachineEventKind,
  MachineFault,
  ObservePlan,
} from '../contract/events.ts';
export type {
  HashCensus,
  HypervisorArea,
  InstantRecord,
  InterruptState,
  RegisterFrame,
  RegisterSet,
  SavePoint,
  VcpuSnapshot,
} from '../contract/instants.ts';
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
} from '../contract/partition.ts';
export { openPartition } from './client.ts';
