/** From machine events to a trace. */

export { bootPlan } from './boot-plan.ts';
export { claimFacts } from './claim-facts.ts';
export { isCompiledIn } from './compiled-in.ts';
export { readAtEntryFacts, readEntryFacts } from './entry-facts.ts';
export type {
  EntryFacts,
  ImageFacts,
  LoadCall,
  LoadFacts,
  LoadRefusal,
  PlanFacts,
  RangeFact,
  RunningFacts,
  SegmentRole,
  TreeFacts,
} from './facts.ts';
export { withKernelFile } from './kernel-file.ts';
export type { KexecImage, KexecLoad } from './kexec-image.ts';
export { describeImage, isCrashLoad, parseKexecLoad } from './kexec-image.ts';
export { HOOKS, KEXEC_LOAD, LoadLog } from './load-log.ts';
export {
  makePlan,
  PANIC_FUNCTIONS,
  RESTART_FUNCTIONS,
  SHUTDOWN_FUNCTIONS,
  STORAGE_VECTORS,
  WATCH,
} from './plan.ts';
export type { ObservedPhase } from './recorder.ts';
export { Recorder } from './recorder.ts';
export { runningFacts } from './running-facts.ts';
