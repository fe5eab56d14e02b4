/**
 * Defines the shapes of REST v1 as typebox schemas: they check requests, shape answers and make the OpenAPI document.
 */

export { KeyRequestSchema, SessionRequestSchema } from './access.ts';
export { ImageImportSchema } from './image.ts';
export { LeaveRequestSchema, StartRequestSchema } from './operation.ts';
export { PanicRequestSchema } from './panic-request.ts';
export { PartitionRequestSchema, partitionRequestProblem } from './partition.ts';
export {
  AuditPage,
  CapturePage,
  CaptureRef,
  FidelityRef,
  HealthRef,
  ImageList,
  ImageRef,
  KeyList,
  KeyRef,
  MintedKeyRef,
  NAMED_SCHEMAS,
  OperationPage,
  OperationRef,
  PartitionList,
  PartitionRef,
  ProblemRef,
  RawText,
  RuleList,
  RuleTextList,
  ScheduleList,
  SessionRef,
  StoreRef,
  TRACE_SCHEMAS,
  TraceAnswer,
  VersionRef,
} from './references.ts';
export { IdParams, IdText, NameParams } from './scalars.ts';
export { EVENT_SCHEMAS } from './trace-event.ts';
