/** From machine events to a trace. */

export { readEntryFacts } from './entry-facts.ts';
export type { EntryFacts, ImageFacts, LoadFacts, RunAtLoadFact, SegmentFact, SegmentRole } from './facts.ts';
export type { KexecImage, KexecLoad, KexecSegment, PlacedSegment } from './kexec-image.ts';
export { describeImage, parseKexecLoad, RUN_AT_LOAD_OFFSET } from './kexec-image.ts';
export type { PlanInput } from './plan.ts';
export { CRASH_FUNCTIONS, makePlan, PANIC_FUNCTIONS, SHUTDOWN_FUNCTIONS, WATCH } from './plan.ts';
export type { ObservedPhase, RecorderOptions } from './recorder.ts';
export { Recorder } from './recorder.ts';
