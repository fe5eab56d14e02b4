/** From machine events to a trace. */

export { bootPlan } from './boot-plan.ts';
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
