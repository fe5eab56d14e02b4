/** From machine events to a trace: what to look out for, what marks an instant, and the recorder. */

export { bootPlan } from './boot-plan.ts';
export { keptAt, matchesOf } from './instants.ts';
export { idOfMark, markOfId } from './mark-ids.ts';
export { makePlan } from './plan.ts';
export type { ObservedPhase, UnjudgedTrace } from './recorder.ts';
export { Recorder } from './recorder.ts';
