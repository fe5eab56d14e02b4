/** Turns machine events into a trace: the plan of what to watch, the instants, and the recorder. */

export { bootPlan } from './boot-plan.ts';
export { keptAt, matchesOf } from './instants.ts';
export { idOfMark, markOfId } from './mark-ids.ts';
export { makePlan, seesPanics } from './plan.ts';
export type { ObservedPhase, UnjudgedTrace } from './recorder.ts';
export { Recorder } from './recorder.ts';
