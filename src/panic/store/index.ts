/** Metadata of the service: its seam and the embedded store. */

export type {
  CaptureParts,
  CaptureQuery,
  ImageRecord,
  ListQuery,
  MetadataStore,
  OperationQuery,
  Page,
  PartitionRecord,
  ScheduleFiring,
} from './contract.ts';
export { openMetadataStore } from './sqlite-metadata-store.ts';
