/** Stores the service's metadata: the seam and the embedded store. */

export type {
  AuditLimits,
  AuditStore,
  CaptureParts,
  CaptureStore,
  FiringStore,
  KeyStore,
  MetadataStore,
  PartitionRecord,
  PartitionStore,
  ScheduleFiring,
  StartStore,
  StoredKey,
} from './contract.ts';
export { openMetadataStore } from './sqlite-metadata-store.ts';
