/** Stores the service's metadata: the seam and the embedded store. */

export type { CheckJob } from './check-thread.ts';
export { checkInThread } from './check-thread.ts';
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
export type { StoreCheck, StorePaths } from './verify-store.ts';
export { repairStore, verifyStore } from './verify-store.ts';
