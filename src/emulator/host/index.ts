/** Partitions as the rest of the program drives them: one worker thread each. */
export { openPartition } from './client.ts';
export type {
  DiskConfig,
  EventMatch,
  MachineEvent,
  MachineEventKind,
  MachineFault,
  MmuMode,
  ObservePlan,
  PartitionConfig,
  PartitionEnd,
  PartitionHandle,
  PartitionNotice,
  Processor,
  VcpuSnapshot,
} from './contract.ts';
