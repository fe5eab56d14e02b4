/** Loads that are planned by us (crashkernel/) and carried out by the guest. */

export { parseFacts } from './facts.ts';

export { loadByPlan, untilLoaded, waitsForPlan } from './load-by-plan.ts';
