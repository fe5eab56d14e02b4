/** Partitions as the rest of the program drives them: one worker thread each. */
export { openPartition } from './client.ts';
export type {
  DiskConfig,
  MachineEvent,
  MachineEventKind,
  MmuMode,
  ObservePlan,
  PartitionConfig,
  PartitionEnd,
  PartitionHandle,
  PartitionNotice,
  Processor,
  VcpuSnapshot,
} from './contract.ts';
