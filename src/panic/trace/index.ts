/** The trace: the document, parts of it, and its other formats. */

export type {
  Instant,
  RuleResult,
  Trace,
  TraceEvent,
  Verdict,
} from './document.ts';
export type {
  ChangeFact,
  FidelityReport,
  FilteredKind,
  InstantFacts,
  Owner,
  PageCounts,
  RegisterFact,
  StrayFact,
  WriterFact,
} from './fidelity-report.ts';
export type { TraceFormat } from './format.ts';
export { formatTrace, TRACE_FORMATS } from './format.ts';
export type { HandoffPath, LeavePath } from './handoff-path.ts';
export { HANDOFF_PATHS } from './handoff-path.ts';
export type { HandoverChange, HandoverReport, Place } from './handover-report.ts';
export type {
  AtEntryFacts,
  ClaimFacts,
  CoreFacts,
  EntryFacts,
  ImageFacts,
  LoadCall,
  LoadFacts,
  LoadRefusal,
  PlanFacts,
  PurgatoryFacts,
  RangeFact,
  RunAtLoadFact,
  RunningFacts,
  SegmentFact,
  SegmentRole,
  SymbolSource,
  TreeFacts,
} from './image-facts.ts';
export { toPerfetto } from './perfetto.ts';
export type { TraceBound, TracePart, TraceQuery } from './query.ts';
export { queryTrace } from './query.ts';
