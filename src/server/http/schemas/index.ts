/**
 * The shapes of REST v1 as typebox schemas: they check requests, shape answers and make the OpenAPI document.
 */

export {
  CapturePage,
  CaptureRef,
  HealthRef,
  ImageList,
  ImageRef,
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
  TraceAnswer,
} from './references.ts';
export {
  ImageImportSchema,
  LeaveRequestSchema,
  PanicRequestSchema,
  PartitionRequestSchema,
  partitionRequestProblem,
} from './requests.ts';
export { IdParams, IdText, NameParams } from './scalars.ts';
