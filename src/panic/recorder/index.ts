/** From machine events to a trace. */

export { readEntryFacts } from './entry-facts.ts';
export type { EntryFacts, ImageFacts, LoadFacts } from './facts.ts';
export type { KexecImage, KexecLoad } from './kexec-image.ts';
export { describeImage, parseKexecLoad } from './kexec-image.ts';
export { makePlan, PANIC_FUNCTIONS, SHUTDOWN_FUNCTIONS, WATCH } from './plan.ts';
export { Recorder } from './recorder.ts';
