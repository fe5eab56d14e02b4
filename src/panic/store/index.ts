/** Stores the service's metadata: the seam and the embedded store. */

export type {
  CaptureParts,
  CaptureStore,
  FiringStore,
  MetadataStore,
  PartitionRecord,
  PartitionStore,
  ScheduleFiring,
  StartStore,
} from './contract.ts';
export { openMetadataStore } from './sqlite-metadata-store.ts';
