/**
 * Defines the seam of events. Events hold ids and states only; readers fetch the rest. A reader that was disconnected resumes
 * after the last event that it saw, as long as the bus keeps it. Contract tests: docs/seams.md.
 */

import type { ServiceEvent } from '../contract/index.ts';

export type BusMessage =
  /**
   * The first message of a subscription. `id` is the last event before what follows. `new`: nothing was asked to be
   * repeated; `resumed`: what was missed follows; `lost`: the id is too old or of another bus, the reader fetches all.
   */
  | { readonly kind: 'start'; readonly how: 'new' | 'resumed' | 'lost'; readonly id: string }
  | { readonly kind: 'event'; readonly id: string; readonly event: ServiceEvent };

export interface EventBus {
  /** Events of one publisher reach every subscriber in order. */
  publish(event: ServiceEvent): Promise<void>;
  /**
   * @param after the id of an event that was seen; what came later follows
   * @returns ends the subscription
   */
  subscribe(listener: (message: BusMessage) => void, after?: string): Promise<() => void>;
}
