/** Loads that kdumpd plans (crashkernel/) and the guest carries out. */

export { parseFacts } from './facts.ts';

export { loadByPlan, untilLoaded, waitsForPlan } from './load-by-plan.ts';
