/** Defines the trace: the document, selections from it, and its other formats. */

export { cpuStateOf } from './cpu-state.ts';
export type { Instant, RuleResult, Trace, TraceInstant, Verdict } from './document.ts';
export { TRACE_INSTANTS } from './document.ts';
export type {
  EoiEvent,
  FaultEvent,
  FetchEvent,
  HcallEvent,
  InterruptEvent,
  MoreEvents,
  MsrEvent,
  ResetEvent,
  StoreEvent,
  TraceEvent,
  TraceEventKind,
} from './event.ts';
export { EVENT_KINDS } from './event.ts';
export type {
  ChangeFact,
  FidelityReport,
  FilteredKind,
  InstantFacts,
  LivePages,
  Owner,
  PageCounts,
  PageKind,
  RegisterFact,
  StrayFact,
  ToolReport,
  WriterFact,
} from './fidelity-report.ts';
export type { TraceFormat } from './format.ts';
export { formatTrace, TRACE_FORMATS } from './format.ts';
export {
  CRASH_FUNCTIONS,
  CRASH_SHUTDOWN_FUNCTIONS,
  CRASH_STOP_FUNCTIONS,
  EARLY_FUNCTIONS,
  JOINING_FUNCTIONS,
  LEAVE_FUNCTIONS,
  LOAD_HOOKS,
  MACHINE_KEXEC_FUNCTIONS,
  PANIC_FUNCTIONS,
  RESTART_FUNCTIONS,
  SAVE_FUNCTIONS,
  SHUTDOWN_FUNCTIONS,
  STORAGE_VECTORS,
} from './functions.ts';
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
  SymbolSource,
  TreeFacts,
} from './image-facts.ts';
export type { FunctionName, KernelPlace, Mark, SinglePlace } from './mark.ts';
export { FUNCTIONS, KERNEL_PLACES, SINGLE_PLACES } from './mark.ts';
export type { PerfettoTrace } from './perfetto.ts';
export { toPerfetto } from './perfetto.ts';
export type { TraceBound, TracePart, TraceQuery } from './query.ts';
export { queryTrace } from './query.ts';
export type { SegmentRole } from './segment-role.ts';
export { SEGMENT_ROLES } from './segment-role.ts';
export type { CallEvent, EventSort } from './select.ts';
export { calls, fetchesAt, hypercalls, isMark, storesAt } from './select.ts';
export type { EventV1, StoredTrace, TraceV1 } from './version-1.ts';
export { upgradeTrace } from './version-1.ts';
export type { Wordless } from './words.ts';
export { markText, textOf, vectorText } from './words.ts';
