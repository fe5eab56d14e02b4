/** The XIVE interrupt controller. */

export { managementPage, PAGE_SHIFT, TIMA_SYSTEM, TIMA_USER, triggerPage, xivePages } from './pages.ts';
export { LEAST_FAVOURED } from './thread-context.ts';

export type { ConfiguredQueue } from './xive.ts';
export { Xive } from './xive.ts';
